//! Logs: one JSON object a line on standard output, shaped as those of the other services.
//!
//! The broker's own lines come from `info` on, those of the libraries from `warn` on: they tell
//! at `info` of every number that they decode.

use std::{fmt, io::Write, sync::Mutex, time::SystemTime};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::error::Error;

/// What is logged where `LOG` says nothing.
pub(crate) const DEFAULT_FILTER: &str = "warn,broker=info";

/// Starts logging for the whole process.
pub(crate) fn start(filter: &str) -> Result<(), Error> {
    let filter = EnvFilter::try_new(filter).map_err(|source| Error::LogFilter {
        filter: filter.to_owned(),
        source,
    })?;
    let lines = Lines {
        out: Mutex::new(std::io::stdout()),
    };
    // An error says that a subscriber is there already, which then keeps its place.
    drop(
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .try_init(),
    );
    Ok(())
}

/// Writes each event as one line.
struct Lines<W> {
    out: Mutex<W>,
}

impl<S: Subscriber, W: Write + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let mut line = serde_json::Map::new();
        line.insert("time".into(), time.into());
        let level = event.metadata().level().as_str().to_lowercase();
        line.insert("level".into(), level.into());
        line.insert("service".into(), "broker".into());
        line.insert("message".into(), event.metadata().target().into());
        event.record(&mut Collect(&mut line));
        let mut text = serde_json::Value::Object(line).to_string();
        text.push('\n');
        // A reader that has gone away must not end the broker; there is nobody left to tell.
        if let Ok(mut out) = self.out.lock() {
            drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        }
    }
}

/// Collects the fields of an event; one that has no message keeps where it came from as such.
struct Collect<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: serde_json::Value) {
        self.0.insert(field.name().to_owned(), value);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_of_json_with_the_fields_of_the_other_services() {
        let out = Shared::default();
        let lines = Lines {
            out: Mutex::new(out.clone()),
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::warn!(connections = 2, "cutting\noff");
        });
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["service"], "broker");
        assert_eq!(line["message"], "cutting\noff");
        assert_eq!(line["connections"], 2);
        assert!(line["time"].is_string());
    }
}
