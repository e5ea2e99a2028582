//! `traceparent` and `baggage` (W3C), carried as the very strings that came in.
//!
//! A service reads them from what called it and hands the same value to everything it calls,
//! sends or stores. Nothing here shortens or rewrites them: whoever sent them finds them again at
//! every hop, also in an outbox row, an order's event or a step resumed after a crash.
//!
//! A `traceparent` that is none by W3C's Trace Context (level 1) is as if nobody had sent it, and
//! work without one begins a trace of its own where it enters a service. One of a version to come is
//! passed on as version 00, with what that version knows of it: the ids and whether it is sampled.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::draw::Draw;

/// Name of the header that identifies the trace and the caller's span.
pub const TRACEPARENT: &str = "traceparent";
/// Name of the header with the caller's key and value pairs.
pub const BAGGAGE: &str = "baggage";
/// Name of the header with what tracing systems of one's own add; the shop has none and passes none.
pub const TRACESTATE: &str = "tracestate";

/// Characters of a `traceparent` of version 00, and of what each later one begins with.
const LENGTH: usize = 55;

/// The trace that a piece of work belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// `00-<trace id>-<span id>-<flags>`, as it came in; none where what came was none.
    pub traceparent: Option<String>,
    /// `key=value,…`, as it came in; several headers are joined by a comma, as W3C says.
    pub baggage: Option<String>,
}

impl TraceContext {
    /// Reads both from the headers of an HTTP request.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        // Two contradict each other.
        let one = parents.next().filter(|_| parents.next().is_none());
        let many: Vec<_> = headers
            .get_all(BAGGAGE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        Self {
            traceparent: one.and_then(|value| parent(value.to_str().ok()?)),
            baggage: (!many.is_empty()).then(|| many.join(",")),
        }
    }

    /// Reads both from the metadata of a gRPC request.
    pub fn from_metadata(metadata: &MetadataMap) -> Self {
        Self::from_headers(&metadata.clone().into_headers())
    }

    /// Reads both from name and value pairs, as of a Kafka record or a mail.
    pub fn from_pairs<'n, 'v>(pairs: impl IntoIterator<Item = (&'n str, &'v str)>) -> Self {
        let mut context = Self::default();
        for (name, value) in pairs {
            if name.eq_ignore_ascii_case(TRACEPARENT) {
                context.traceparent = parent(value);
            } else if name.eq_ignore_ascii_case(BAGGAGE) {
                context.baggage = Some(value.to_owned());
            }
        }
        context
    }

    /// The names and values that are set, to write them into a Kafka record or a mail.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            (TRACEPARENT, self.traceparent.as_deref()),
            (BAGGAGE, self.baggage.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
    }

    /// Writes both into the headers of an HTTP request. A value that no header can carry is left
    /// out: it cannot have come from one.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in self.pairs() {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }

    /// Writes both into the metadata of a gRPC request.
    pub fn write_metadata(&self, metadata: &mut MetadataMap) {
        for (name, value) in self.pairs() {
            if let Ok(value) = value.parse::<MetadataValue<_>>() {
                metadata.insert(name, value);
            }
        }
    }

    /// This context, with a `traceparent` made of `trace` and `span` where it has none.
    pub fn or_fresh(mut self, trace: u128, span: u64) -> Self {
        // An id of all zeros means "none" in W3C's format.
        let (trace, span) = (trace.max(1), span.max(1));
        self.traceparent
            .get_or_insert_with(|| format!("00-{trace:032x}-{span:016x}-01"));
        self
    }

    /// This context, with a new trace of `draw`'s where it has none.
    pub fn or_drawn(self, draw: &Draw) -> Self {
        if self.traceparent.is_some() {
            return self;
        }
        let high = u128::from(draw.number()) << 64;
        self.or_fresh(high | u128::from(draw.number()), draw.number())
    }

    /// The trace id inside `traceparent`, for logs.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_deref()?.split('-').nth(1)
    }

    /// A span under which everything logged carries this context.
    pub fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "work",
            trace_id = self.trace_id(),
            traceparent = self.traceparent,
            baggage = self.baggage
        )
    }
}

/// The `traceparent` in `text` as it is passed on, where it is one (W3C Trace Context, 3.2).
fn parent(text: &str) -> Option<String> {
    let hexadecimal = |text: &str| {
        let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.bytes().all(digit)
    };
    let known = text.get(..LENGTH)?;
    let mut parts = known.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (span, flags) = (parts.next()?, parts.next()?);
    let lengths = [version, trace, span, flags].map(str::len);
    let well_formed = lengths == [2, 32, 16, 2]
        && [version, trace, span, flags].into_iter().all(hexadecimal)
        && version != "ff"
        && trace.contains(|digit| digit != '0')
        && span.contains(|digit| digit != '0');
    let more = &text[LENGTH..];
    match version {
        _ if !well_formed => None,
        "00" => more.is_empty().then(|| text.to_owned()),
        _ if !more.is_empty() && !more.starts_with('-') => None,
        _ => {
            let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
            Some(format!("00-{trace}-{span}-{sampled:02x}"))
        }
    }
}

impl<S: Sync> FromRequestParts<S> for TraceContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> TraceContext {
        TraceContext {
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            baggage: Some("msvc=run1.s2.e3, other = %20x ;property".into()),
        }
    }

    #[test]
    fn what_comes_in_goes_out_byte_for_byte_over_http_grpc_and_pairs() {
        let mut headers = HeaderMap::new();
        sample().write_headers(&mut headers);
        assert_eq!(TraceContext::from_headers(&headers), sample());

        let mut metadata = MetadataMap::new();
        sample().write_metadata(&mut metadata);
        assert_eq!(TraceContext::from_metadata(&metadata), sample());

        let context = sample();
        assert_eq!(TraceContext::from_pairs(context.pairs()), context);
    }

    #[test]
    fn several_baggage_headers_become_one_joined_by_commas() {
        let mut headers = HeaderMap::new();
        headers.append(BAGGAGE, HeaderValue::from_static("a=1"));
        headers.append(BAGGAGE, HeaderValue::from_static("b=2"));
        assert_eq!(
            TraceContext::from_headers(&headers).baggage.as_deref(),
            Some("a=1,b=2")
        );
    }

    #[test]
    fn a_request_without_traceparent_gets_one_and_keeps_its_baggage() {
        let context = TraceContext {
            traceparent: None,
            baggage: Some("a=1".into()),
        };
        let context = context.or_fresh(0xab, 0xcd);
        assert_eq!(
            context.traceparent.as_deref(),
            Some("00-000000000000000000000000000000ab-00000000000000cd-01")
        );
        assert_eq!(context.trace_id(), Some("000000000000000000000000000000ab"));
        assert_eq!(context.baggage.as_deref(), Some("a=1"));
    }

    #[test]
    fn a_request_with_traceparent_keeps_it() {
        assert_eq!(sample().or_fresh(1, 1), sample());
        assert_eq!(sample().or_drawn(&Draw::from_fn(|| 1)), sample());
    }

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn over_http(text: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(text).unwrap());
        let context = TraceContext::from_headers(&headers);
        assert_eq!(TraceContext::from_pairs([("Traceparent", text)]), context);
        context.traceparent
    }

    #[test]
    fn what_is_no_traceparent_is_as_if_nobody_had_sent_it() {
        for bad in [
            String::new(),
            "00-ab-cd-01".into(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("0A-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-0G"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}0-{}-01", &SPAN[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("01-{TRACE}-{SPAN}-0"),
            format!("ü-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-ü"),
        ] {
            let pairs = [(TRACEPARENT, bad.as_str())];
            assert_eq!(TraceContext::from_pairs(pairs).traceparent, None, "{bad}");
            if bad.is_ascii() {
                assert_eq!(over_http(&bad), None, "{bad}");
            }
        }
        let mut twice = HeaderMap::new();
        sample().write_headers(&mut twice);
        let other = format!("00-{TRACE}-{SPAN}-00");
        twice.append(TRACEPARENT, other.parse().unwrap());
        assert_eq!(TraceContext::from_headers(&twice).traceparent, None);
        assert_eq!(
            TraceContext::from_headers(&twice).baggage,
            sample().baggage,
            "it holds without"
        );
    }

    #[test]
    fn a_traceparent_of_a_version_to_come_goes_on_as_what_is_known_of_it() {
        let wanted = |flags| Some(format!("00-{TRACE}-{SPAN}-{flags}"));
        for (given, flags) in [
            (format!("01-{TRACE}-{SPAN}-01"), "01"),
            (format!("fe-{TRACE}-{SPAN}-02"), "00"),
            (format!("cc-{TRACE}-{SPAN}-ff-what-comes"), "01"),
        ] {
            assert_eq!(over_http(&given), wanted(flags), "{given}");
        }
        // Of version 00 nothing is changed, flags that nobody knows yet included.
        let all_flags = format!("00-{TRACE}-{SPAN}-ff");
        assert_eq!(over_http(&all_flags), Some(all_flags));
    }
}
