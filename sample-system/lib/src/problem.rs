//! Errors as clients see them: `application/problem+json` (RFC 9457), and request bodies that
//! answer with one when they cannot be read.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::objects::Objects;

/// The content type of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Characters that `detail` may have: a few sentences. What was sent is often told back in it, and
/// can be as long as a body.
const LONGEST_DETAIL: usize = 500;

/// Seconds after which to ask again, where a 503 does not say otherwise: by then a breaker that is
/// open asks again, and what is restarted is back.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("2");

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with `status`; `detail` says what was wrong and what to do, in 500 characters at
    /// most: what is longer is cut.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        Self {
            status,
            detail,
            headers: Vec::new(),
        }
    }

    /// The same problem, answered with one more header, such as `Retry-After`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 400: the request is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 500, the cause in the log and not in the answer.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "failed to answer");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log says why",
        )
    }

    /// Its body.
    pub(crate) fn json(&self) -> String {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        body.to_string()
    }

    /// What was wrong, and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// A 503 says when to ask again, whoever made it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.json()).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response.headers_mut().extend(self.headers);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let when = response.headers_mut().entry(header::RETRY_AFTER);
            when.or_insert(COME_AGAIN);
        }
        response
    }
}

/// The parameters of a path; those that cannot be read as `T` are answered with a [`Problem`].
#[derive(Debug)]
pub struct InPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
        }
    }
}

/// A JSON body; one that cannot be read as `T`, each object in it as an object, is answered with a
/// [`Problem`].
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> Body<T> {
    /// The body `bytes` of a request with `headers`, which was read already.
    ///
    /// # Errors
    /// As where it is read from a request.
    pub fn of(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Problem> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            let detail = "expected a body with `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        Json::from_bytes(bytes)
            .map(|Json(Objects(value))| Self(value))
            .map_err(|rejection| refused(&rejection))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<Objects<T>>::from_request(request, state).await {
            Ok(Json(Objects(value))) => Ok(Self(value)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

/// All that is wrong with the content of a body is 400; a wrong type or size keeps its own status.
fn refused(rejection: &JsonRejection) -> Problem {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    };
    Problem::new(status, untold(rejection.body_text()))
}

/// What is wrong with a body, without the value that is of another type than was wanted: it may be a card
/// or a password, as a number for one, and details end up in logs.
fn untold(mut text: String) -> String {
    for mark in ["invalid type: ", "invalid value: "] {
        let Some(begin) = text.find(mark).map(|begin| begin + mark.len()) else {
            continue;
        };
        let told = text[begin..].find(['"', '`']).map(|quote| begin + quote);
        let rest = text.rfind(", expected ");
        if let (Some(told), Some(rest)) = (told, rest)
            && told < rest
        {
            let told = text[..told].trim_end().len();
            text.replace_range(told..rest, "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_to_be_had_now_says_when_to_ask_again() {
        let told = |problem: Problem| {
            let response = problem.into_response();
            let values = response.headers().get_all(header::RETRY_AFTER).iter();
            values.cloned().collect::<Vec<_>>()
        };
        let away = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not now");
        assert_eq!(told(away()), ["2"]);
        let sooner = away().with_header(header::RETRY_AFTER, HeaderValue::from_static("1"));
        assert_eq!(told(sooner), ["1"]);
        assert!(told(Problem::not_found("no")).is_empty());
    }
    #[test]
    fn what_is_of_another_type_than_was_wanted_is_not_told_back() {
        #[derive(Debug, serde::Deserialize)]
        struct Asked {
            #[serde(rename = "password")]
            _password: String,
            #[serde(rename = "card")]
            _card: Card,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Card {}
        let headers = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )]);
        let detail = |body: &str| {
            let refused = Body::<Asked>::of(&headers, body.as_bytes()).unwrap_err();
            refused.detail().to_owned()
        };
        for (body, wanted) in [
            (
                r#"{"password": 4242}"#,
                "password: invalid type: integer, expected a string",
            ),
            (
                r#"{"password": "x", "card": "4242, expected `\"4242"}"#,
                "card: invalid type: string, expected struct Card",
            ),
            (
                r#"{"password": null}"#,
                "password: invalid type: null, expected a string",
            ),
        ] {
            let detail = detail(body);
            assert!(detail.contains(wanted), "{detail}");
            assert!(!detail.contains("4242"), "{detail}");
        }
        assert!(detail("{").contains("EOF"), "{}", detail("{"));
    }
}
