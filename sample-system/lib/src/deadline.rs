//! How long whoever asked still waits, passed on with every call (`request-timeout-ms` over HTTP,
//! `grpc-timeout` over gRPC), so that nobody works on an answer that nobody reads any more.
//!
//! A time span travels and not a time of day: two machines need not agree on what time it is.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::problem::Problem;

/// Name of the header that says how many milliseconds the caller still waits.
pub const REQUEST_TIMEOUT_MS: &str = "request-timeout-ms";

/// Name of the same in gRPC, whose format has a unit.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Digits that a time span may have. Eight, as gRPC's own format allows: 27 hours of milliseconds.
const LONGEST: usize = 8;

/// When the one who asked stops waiting; perhaps never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Nobody said when they stop waiting, or nobody waits: work that goes on by itself.
    pub const NONE: Self = Self(None);

    /// In `span` from now.
    pub fn within(span: Duration) -> Self {
        Self(Instant::now().checked_add(span))
    }

    /// What the headers of a request that came in just now say.
    ///
    /// # Errors
    /// With the value, where there is one that is no number of milliseconds.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, String> {
        let Some(value) = headers.get(REQUEST_TIMEOUT_MS) else {
            return Ok(Self::NONE);
        };
        let text = value.to_str().unwrap_or("?");
        digits(text)
            .map(|number| Self::within(Duration::from_millis(number)))
            .ok_or_else(|| text.to_owned())
    }

    /// What the headers of a gRPC request that came in just now say. A value that is malformed
    /// counts as none, as gRPC's own servers take it.
    pub fn from_grpc(headers: &HeaderMap) -> Self {
        let span = headers
            .get(GRPC_TIMEOUT)
            .and_then(|value| value.to_str().ok())
            .and_then(grpc_span);
        span.map_or(Self::NONE, Self::within)
    }

    /// How long it is until then: nothing at all once it has passed, `None` where there is no end.
    pub fn left(self) -> Option<Duration> {
        Some(self.0?.saturating_duration_since(Instant::now()))
    }

    /// Whether nobody waits any more.
    pub fn has_passed(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// The earlier of this and `span` from now.
    #[must_use]
    pub fn at_most(self, span: Duration) -> Self {
        self.earlier(Self::within(span))
    }

    /// The earlier of the two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(one.min(two))),
            (one, two) => Self(one.or(two)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Deadline {
    type Rejection = Problem;

    /// The deadline that `serve` noted when the request came in, before it waited for its turn.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(noted) = parts.extensions.get::<Self>() {
            return Ok(*noted);
        }
        Self::from_headers(&parts.headers).map_err(|value| malformed(&value))
    }
}

/// 400: the header is no number of milliseconds.
pub(crate) fn malformed(value: &str) -> Problem {
    let detail =
        format!("{REQUEST_TIMEOUT_MS} is {value:?}: give milliseconds, 1 to {LONGEST} digits");
    Problem::bad_request(detail)
}

/// 504: the caller had stopped waiting before the work began.
pub fn too_late() -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "the time that the caller waits was up before the work began; nothing happened",
    )
}

fn digits(text: &str) -> Option<u64> {
    let good = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// `<digits><unit>`, unit one of `H`, `M`, `S`, `m`, `u`, `n`.
fn grpc_span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits(number)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// `span` as both headers carry it: whole milliseconds, as many as fit.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    const MOST: u64 = 99_999_999;
    u64::try_from(span.as_millis()).map_or(MOST, |milliseconds| milliseconds.min(MOST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_shrinks_to_nothing_and_then_it_has_passed() {
        let deadline = Deadline::from_headers(&headers(REQUEST_TIMEOUT_MS, "500")).unwrap();
        assert_eq!(deadline.left(), Some(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(deadline.has_passed());
        assert_eq!(deadline.left(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_callee_gets_the_smaller_of_its_own_time_and_what_is_left() {
        let second = Duration::from_secs(1);
        assert_eq!(Deadline::NONE.at_most(second).left(), Some(second));
        let soon = Deadline::within(Duration::from_millis(1));
        assert_eq!(soon.at_most(second), soon);
        assert_eq!(
            Deadline::within(second * 9).at_most(second).left(),
            Some(second)
        );
    }

    #[test]
    fn what_is_no_number_of_milliseconds_is_told() {
        for bad in ["", "-1", "1.5", "1s", "123456789", " 1"] {
            let read = Deadline::from_headers(&headers(REQUEST_TIMEOUT_MS, bad));
            assert_eq!(read, Err(bad.to_owned()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn grpc_spans_have_units() {
        for (text, left) in [("2S", 2_000), ("250m", 250), ("1M", 60_000), ("3000u", 3)] {
            let deadline = Deadline::from_grpc(&headers(GRPC_TIMEOUT, text));
            assert_eq!(deadline.left(), Some(Duration::from_millis(left)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(text in "[ -~]{0,12}") {
            let _read = Deadline::from_headers(&headers(REQUEST_TIMEOUT_MS, text.trim()));
            let _span = Deadline::from_grpc(&headers(GRPC_TIMEOUT, text.trim()));
        }
    }
}
