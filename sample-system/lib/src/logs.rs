//! Logs: one JSON object a line on standard output, with `time`, `level`, `service`, `message`
//! and, while a request is in hand, `trace_id`, `traceparent` and `baggage`.
//!
//! Nothing secret may be handed to a log line: card numbers never leave `payments` and `orders`
//! as text, and mail addresses are left out.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::Clock;

/// Starts logging for the whole process. `filter` is `info`, `debug`, `orders=debug,info`, …; one
/// that cannot be read falls back to `info`. A second call changes nothing.
pub fn start(service: &'static str, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = Lines {
        service,
        clock: Clock::system(),
        out: Mutex::new(std::io::stdout()),
    };
    // An error says that a subscriber is there already, which then keeps its place.
    let _already = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}

/// Writes each event as one line.
struct Lines<W> {
    service: &'static str,
    clock: Clock,
    out: Mutex<W>,
}

/// The fields of a span, kept with it.
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Map::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(&mut Collect(&mut fields.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        line.insert("time".into(), self.clock.stamp().into());
        line.insert(
            "level".into(),
            event.metadata().level().as_str().to_lowercase().into(),
        );
        line.insert("service".into(), self.service.into());
        // The message stands before the trace, however long that is.
        line.insert("message".into(), Value::Null);
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        event.record(&mut Collect(&mut line));
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // A reader that has gone away must not end the service; there is nobody left to tell.
        if let Ok(mut out) = self.out.lock() {
            let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// Collects the fields of a span or an event.
struct Collect<'a>(&'a mut Map<String, Value>);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        // Lines that came over the `log` crate bring the source file of some library along.
        if !field.name().starts_with("log.") {
            self.0.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

/// What this thread logs, for tests. One subscriber serves all of them for good: those that come and
/// go, each on a thread of its own, make a line be skipped now and then.
#[cfg(test)]
pub(crate) struct Logged;

#[cfg(test)]
thread_local! {
    static LOGGED: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(test)]
impl Logged {
    /// From now on, without what was logged before.
    pub(crate) fn here() -> Self {
        let lines = Lines {
            service: "test",
            clock: Clock::system(),
            out: Mutex::new(Self),
        };
        // An error says that another test was first.
        let _already = tracing_subscriber::registry().with(lines).try_init();
        LOGGED.with_borrow_mut(Vec::clear);
        Self
    }

    /// All lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = LOGGED.with_borrow(|bytes| String::from_utf8(bytes.clone()).unwrap());
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The lines with this message.
    pub(crate) fn with_message(&self, message: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["message"] == message);
        lines
    }
}

#[cfg(test)]
impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace_context::TraceContext;

    #[test]
    fn a_line_is_one_object_that_carries_the_trace_of_the_request_in_hand() {
        let logged = Logged::here();
        let context = TraceContext {
            traceparent: None,
            baggage: Some("a=1".into()),
        };
        let span = context.or_fresh(7, 9).span();
        span.in_scope(|| tracing::info!(status = 200, "answered\nin two lines"));
        let lines = logged.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["service"], "test");
        assert_eq!(line["level"], "info");
        assert_eq!(line["message"], "answered\nin two lines");
        assert_eq!(line["status"], 200);
        assert_eq!(line["baggage"], "a=1");
        assert_eq!(line["trace_id"], "00000000000000000000000000000007");
        assert!(line["traceparent"].as_str().unwrap().starts_with("00-"));
    }
}
