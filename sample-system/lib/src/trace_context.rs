//! `traceparent` and `baggage` (W3C), carried as the very strings that came in.
//!
//! A service reads them from what called it and hands the same value to everything it calls,
//! sends or stores. Nothing here parses, shortens or rewrites them: whoever sent them finds them
//! again at every hop, also in an outbox row, an order's event or a step resumed after a crash.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tonic::metadata::{MetadataMap, MetadataValue};

/// Name of the header that identifies the trace and the caller's span.
pub const TRACEPARENT: &str = "traceparent";
/// Name of the header with the caller's key and value pairs.
pub const BAGGAGE: &str = "baggage";

/// The trace that a piece of work belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// `00-<trace id>-<span id>-<flags>`, as it came in.
    pub traceparent: Option<String>,
    /// `key=value,…`, as it came in; several headers are joined by a comma, as W3C says.
    pub baggage: Option<String>,
}

impl TraceContext {
    /// Reads both from the headers of an HTTP request.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let one = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok());
        let many: Vec<_> = headers
            .get_all(BAGGAGE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        Self {
            traceparent: one.map(str::to_owned),
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
                context.traceparent = Some(value.to_owned());
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
    }
}
