//! Refusals as clients see them, as the other services write them: `application/problem+json`.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

/// Seconds after which to ask again what is not ready: a broker that was started again is back by
/// then.
const COME_AGAIN: HeaderValue = HeaderValue::from_static("2");

const KIND: &str = "application/problem+json";

/// A refusal with `status`; `detail` says why.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body(status, detail).into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(KIND));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, COME_AGAIN);
        }
        _ => {}
    }
    answer
}

/// As [`problem`], as it is sent: behind the `head` of an answer that has no body.
pub(super) fn behind(head: &[u8], status: StatusCode, detail: &str) -> Vec<u8> {
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().filter(|line| !line.is_empty());
    let is_length = |line: &&str| line.to_ascii_lowercase().starts_with("content-length:");
    let kept: Vec<&str> = lines.filter(|line| !is_length(line)).collect();
    let (kept, body) = (kept.join("\r\n"), body(status, detail));
    let length = body.len();
    format!("{kept}\r\ncontent-type: {KIND}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn body(status: StatusCode, detail: &str) -> String {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    body.to_string()
}
