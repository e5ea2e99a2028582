//! Passing a request on and its answer back, as they are.

use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use shop::http_client::{self, Answer, CallError};
use shop::problem::Problem;

/// Headers of a customer's request that are passed on; the trace goes with every call anyway.
const PASSED_ON: [&str; 2] = [shop::idempotency::IDEMPOTENCY_KEY, "x-test-halt-before"];

/// A request's body, unread; one that is too large is a [`Problem`].
#[derive(Debug)]
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
        read.map(Self)
            .map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))
    }
}

/// `request` with what a customer sent in `headers` and `body`.
pub(crate) fn with_content(
    mut request: http_client::Request,
    headers: &HeaderMap,
    body: Bytes,
) -> http_client::Request {
    for name in PASSED_ON {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            request = request.header(name, value);
        }
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    request.body(kind.unwrap_or("application/octet-stream"), body)
}

/// Sends `request` and answers what came back.
pub(crate) async fn forward(request: http_client::Request) -> Result<Response, Problem> {
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    Ok(back(answer))
}

fn back(answer: Answer) -> Response {
    let mut response = (answer.status, Body::from(answer.body)).into_response();
    match HeaderValue::from_str(&answer.content_type) {
        Ok(kind) if !kind.is_empty() => response.headers_mut().insert(header::CONTENT_TYPE, kind),
        _ => response.headers_mut().remove(header::CONTENT_TYPE),
    };
    response
}

/// What a customer is told of a call that failed; the log says more.
pub(crate) fn unreachable(error: &CallError) -> Problem {
    tracing::warn!(%error, "a call failed");
    match error {
        CallError::NotSent(why) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, why.to_string()),
        CallError::Refused { peer, .. } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{peer} cannot be reached now"),
        ),
        CallError::Timeout { peer, .. } => {
            let detail = format!("{peer} gave no answer in time; what was asked may still happen");
            Problem::new(StatusCode::GATEWAY_TIMEOUT, detail)
        }
        CallError::Broken { peer, .. } | CallError::Unreadable { peer, .. } => {
            let detail = format!("{peer} gave no good answer; what was asked may have happened");
            Problem::new(StatusCode::BAD_GATEWAY, detail)
        }
    }
}
