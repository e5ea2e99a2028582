//! What is answered when a service is away: what it last answered to the same question, or an
//! empty list. The answer says that it is old.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use shop::fallback::{Answer, LastGood};
use shop::metrics::{Counters, Metrics};

use crate::table::Fallback;

/// Questions whose last answer is kept. A thousand items of some kilobytes are a few megabytes.
const KEPT: usize = 1000;

/// The largest answer that is kept.
const LARGEST: usize = 64 * 1024;

/// Tells that an answer is not fresh (RFC 7234).
const STALE: HeaderValue = HeaderValue::from_static("110 gateway \"Response is Stale\"");

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
}

/// Last good answers. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Fallbacks {
    /// Off with the seeded bug `missing-fallback`.
    on: bool,
    kept: LastGood<String, Kept>,
    used: Counters,
}

impl Fallbacks {
    /// Nothing is kept yet.
    pub(crate) fn new(on: bool, metrics: &Metrics) -> Self {
        Self {
            on,
            kept: LastGood::new(KEPT),
            used: metrics.counters(
                "fallbacks",
                "Answers that stood in for a service that is away",
            ),
        }
    }

    /// Whether anything stands in for anything.
    pub(crate) fn are_on(&self) -> bool {
        self.on
    }

    /// Keeps a good answer to `question`.
    pub(crate) fn keep(&self, question: &str, kept: Kept) {
        if kept.body.len() <= LARGEST {
            let _fresh = self.kept.answer(question.to_owned(), Ok::<_, ()>(kept));
        }
    }

    /// What stands in for the answer to `question` at `route`, where there is something.
    pub(crate) fn stand_in(
        &self,
        fallback: Fallback,
        route: &str,
        question: &str,
    ) -> Option<Response> {
        let kept = match fallback {
            _ if !self.on => None,
            Fallback::None => None,
            Fallback::Empty => Some(Kept {
                content_type: HeaderValue::from_static("application/json"),
                body: Bytes::from_static(br#"{"items":[]}"#),
            }),
            Fallback::Stale => match self.kept.answer(question.to_owned(), Err(())) {
                Answer::Stale(kept) => Some(kept),
                Answer::Fresh(_) | Answer::Missing => None,
            },
        }?;
        self.count(route);
        let headers = [
            (header::CONTENT_TYPE, kept.content_type),
            (header::WARNING, STALE),
        ];
        Some((StatusCode::OK, headers, kept.body).into_response())
    }

    /// Counts one that stood in at `route` (or for a part of the home page).
    pub(crate) fn count(&self, route: &str) {
        let labels = vec![("route", route.to_owned())];
        self.used.get_or_create(&labels).inc();
    }
}
