//! Passing a request on and its answer back, as they are, but for what belongs to one connection
//! alone.

use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use shop::http_client::{self, Answer, CallError};
use shop::idempotency::IDEMPOTENCY_KEY;
use shop::problem::Problem;

use crate::fallback::Kept;
use crate::gate::{Asked, Gate};
use crate::table::{Fallback, Route};
use crate::upstreams::Service;

/// Headers of a request that are passed on. The trace and the time that is left go with every call
/// anyway; everything else is between the client and the gateway (`Host`, `Cookie`, `Connection`,
/// `Transfer-Encoding`, `X-Forwarded-…`), so a new header of some client reaches nobody unasked.
const PASSED_ON: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    HeaderName::from_static(IDEMPOTENCY_KEY),
    HeaderName::from_static("x-test-halt-before"),
];

/// Headers of an answer that are passed back.
const PASSED_BACK: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::WWW_AUTHENTICATE,
    header::RETRY_AFTER,
    header::LOCATION,
    header::ETAG,
    header::ALLOW,
];

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

/// Passes `asked` on to `to` and its answer back.
pub(crate) async fn answer(
    gate: &Gate,
    route: &Route,
    asked: Asked,
    to: Service,
    path: &str,
    fallback: Fallback,
) -> Result<Response, Problem> {
    let path = behind(path, &asked);
    let peer = gate.upstreams.peer(to);
    let request = peer.request(route.method.clone(), &path, &asked.trace);
    let request = with_headers(request, &asked.headers).before(asked.deadline);
    let request = if route.method == Method::GET {
        request
    } else {
        with_body(request, &asked.headers, asked.body)
    };
    let result = request.send().await;
    let away = match &result {
        Ok(answer) => answer.status.is_server_error(),
        Err(_) => true,
    };
    if away && let Some(stale) = gate.fallbacks.stand_in(fallback, &route.path, &path) {
        tracing::warn!(
            peer = to.name(),
            "answered in place of a service that is away"
        );
        return Ok(stale);
    }
    let answer = result.map_err(|error| unreachable(&error))?;
    if fallback == Fallback::Stale && answer.status == StatusCode::OK {
        gate.fallbacks.keep(
            &path,
            Kept {
                content_type: content_type(&answer),
                body: answer.body.clone(),
            },
        );
    }
    Ok(back(answer))
}

/// `path` with its parameters filled in, and the caller's query where it has none of its own.
fn behind(path: &str, asked: &Asked) -> String {
    let mut filled = path.to_owned();
    for (name, value) in &asked.parameters {
        // Values were checked: none has a character that means something in a path or a query.
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    match &asked.query {
        Some(query) if !path.contains('?') => format!("{filled}?{query}"),
        _ => filled,
    }
}

/// `request` with the headers of `headers` that are passed on.
pub(crate) fn with_headers(
    mut request: http_client::Request,
    headers: &HeaderMap,
) -> http_client::Request {
    for name in PASSED_ON {
        if is_of_connection(headers, &name) {
            continue;
        }
        for value in headers.get_all(&name) {
            if let Ok(value) = value.to_str() {
                request = request.header(name.as_str(), value);
            }
        }
    }
    request
}

fn with_body(
    request: http_client::Request,
    headers: &HeaderMap,
    body: Bytes,
) -> http_client::Request {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match kind {
        None if body.is_empty() => request,
        kind => request.body(kind.unwrap_or("application/octet-stream"), body),
    }
}

/// Whether `Connection` says that `name` is meant for the next hop alone (RFC 9110, 7.6.1).
fn is_of_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let named = headers.get_all(header::CONNECTION).into_iter();
    named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case(name.as_str()))
}

fn content_type(answer: &Answer) -> HeaderValue {
    let given = answer.headers.get(header::CONTENT_TYPE).cloned();
    given.unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn back(answer: Answer) -> Response {
    let mut response = (answer.status, Body::from(answer.body)).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for name in PASSED_BACK {
        if is_of_connection(&answer.headers, &name) {
            continue;
        }
        for value in answer.headers.get_all(&name) {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    response
}

/// What a customer is told of a call that failed; the log says more.
pub(crate) fn unreachable(error: &CallError) -> Problem {
    tracing::warn!(%error, "a call failed");
    let away = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    match error {
        CallError::NotSent(http_client::NotSent::Late(_)) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!("{error}; nothing happened"),
        ),
        CallError::NotSent(_) => away(format!("{error}; nothing happened")),
        CallError::Refused { peer, .. } => {
            away(format!("{peer} cannot be reached now; nothing happened"))
        }
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

#[cfg(test)]
mod tests {
    use shop::deadline::Deadline;
    use shop::trace_context::TraceContext;

    use super::*;

    #[test]
    fn a_path_with_a_query_of_its_own_takes_none_of_the_callers() {
        let asked = Asked {
            headers: HeaderMap::new(),
            trace: TraceContext::default(),
            deadline: Deadline::NONE,
            caller: None,
            parameters: vec![("id".to_owned(), "o-1".to_owned())],
            query: Some("order_id=o-2".to_owned()),
            body: Bytes::new(),
        };
        let own = behind("/charges?order_id={id}", &asked);
        assert_eq!(own, "/charges?order_id=o-1");
        assert_eq!(behind("/orders/{id}", &asked), "/orders/o-1?order_id=o-2");
    }
}
