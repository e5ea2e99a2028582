//! What ties the log lines and calls of one request together: `traceparent` and `baggage` (W3C).
//!
//! A service that calls others hands on what it was handed; see `Trace::headers`.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

/// The trace that a request belongs to. Handlers take it as `Extension<Trace>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// `00-<trace id>-<span id>-<flags>`.
    pub traceparent: String,
    /// `key=value,…`, as it came in.
    pub baggage: Option<String>,
}

impl Trace {
    /// The trace that the headers name, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get("traceparent").and_then(|v| v.to_str().ok());
        let many = headers.get_all("baggage").iter();
        let baggage: Vec<_> = many.filter_map(|value| value.to_str().ok()).collect();
        Self {
            traceparent: given
                .filter(|text| is_traceparent(text))
                .map_or_else(fresh, str::to_owned),
            baggage: (!baggage.is_empty()).then(|| baggage.join(",")),
        }
    }

    /// The id of the trace.
    #[must_use]
    pub fn id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }

    /// The headers for a call to another service on behalf of this request.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let baggage = self.baggage.as_deref().map(|text| ("baggage", text));
        [("traceparent", self.traceparent.as_str())]
            .into_iter()
            .chain(baggage)
    }
}

fn is_traceparent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &&str| part.bytes().all(|c| c.is_ascii_hexdigit());
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [2, 32, 16, 2] && parts.iter().all(hex)
}

fn fresh() -> String {
    let (trace, span) = (Uuid::new_v4().simple(), Uuid::new_v4().as_u64_pair().1);
    format!("00-{trace}-{span:016x}-01")
}

/// Logs each request once, when it is answered, and puts its trace on every line in between.
pub async fn traced(mut request: Request, next: Next) -> Response {
    let trace = Trace::of(request.headers());
    let span = tracing::info_span!("request", trace_id = trace.id(), baggage = trace.baggage);
    // The query is left out: callers put into it what is nobody's business.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(trace);
    let begun = std::time::Instant::now();
    async move {
        let response = next.run(request).await;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        tracing::info!(%method, path, status, milliseconds, "answered");
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_trace_that_was_given_is_handed_on_as_it_came() {
        let given = [
            ("traceparent", GIVEN),
            ("baggage", "a=1"),
            ("baggage", "b=2"),
        ];
        let trace = Trace::of(&headers(&given));
        assert_eq!(trace.id(), "0af7651916cd43dd8448eb211c80319c");
        let handed_on: Vec<_> = trace.headers().collect();
        assert_eq!(handed_on, [("traceparent", GIVEN), ("baggage", "a=1,b=2")]);
    }

    #[test]
    fn a_request_without_a_trace_or_with_a_broken_one_gets_a_new_one() {
        let (one, other) = (Trace::of(&headers(&[])), Trace::of(&headers(&[])));
        assert_ne!(one, other);
        assert!(is_traceparent(&one.traceparent));
        let broken = Trace::of(&headers(&[("traceparent", "00-x-y-01")]));
        assert!(is_traceparent(&broken.traceparent));
    }
}
