//! What a step sends and what comes back, as values: whoever does the calling fills them, whoever
//! decides reads them.

use std::time::Duration;

use serde_json::Value;

/// A call that a step wants made.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its number within the play, from 1; the `<exchange>` of the baggage.
    pub exchange: u64,
    /// The HTTP method, upper case.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Path parameters as given.
    pub path: Vec<(String, Value)>,
    /// Query parameters as given; they stand in the URL already.
    pub query: Vec<(String, Value)>,
    /// Header lines, names as written.
    pub headers: Vec<(String, String)>,
    /// What is sent, when anything is.
    pub body: Option<SentBody>,
    /// From connecting to the last byte of the answer.
    pub timeout: Duration,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct SentBody {
    /// As a value: what `$request.body` reads.
    pub value: Value,
    /// As bytes on the wire.
    pub text: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header lines in the order received.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ReceivedBody,
}

/// The body of an answer, read once.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceivedBody {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// Anything else; bytes that are no UTF-8 are replaced. The reason says why it is no JSON.
    Text {
        /// The body as text.
        text: String,
        /// Why it was not read as JSON.
        why: String,
    },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With an answer, whatever its status.
    Response(Response),
    /// With none: refused, reset, timed out. One sentence for people.
    Failed(String),
}

impl Response {
    /// The first header line of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl ReceivedBody {
    /// Reads the bytes as what `content_type` says they are; without one, as JSON if they are.
    #[must_use]
    pub fn read(content_type: Option<&str>, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        let why = match content_type {
            Some(kind) if !is_json(kind) => format!("its content type is `{kind}`"),
            _ => match serde_json::from_slice(bytes) {
                Ok(value) => return Self::Json(value),
                Err(error) => error.to_string(),
            },
        };
        Self::Text {
            text: String::from_utf8_lossy(bytes).into_owned(),
            why,
        }
    }

    /// The whole body as a value; nothing at all is none.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        match self {
            Self::Empty => None,
            Self::Json(value) => Some(value.clone()),
            Self::Text { text, .. } => Some(Value::String(text.clone())),
        }
    }
}

/// The first header line of that name, whatever its case.
#[must_use]
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

/// Whether a content type is JSON: `application/json`, or anything ending in `+json`.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_json_when_its_type_says_so_or_nothing_does() {
        let read = ReceivedBody::read;
        assert_eq!(
            read(Some("application/problem+json; charset=utf-8"), b"{}"),
            ReceivedBody::Json(json!({}))
        );
        assert_eq!(read(None, b"[1]"), ReceivedBody::Json(json!([1])));
        assert!(matches!(
            read(Some("text/plain"), b"{}"),
            ReceivedBody::Text { .. }
        ));
        assert!(matches!(
            read(Some("application/json"), b"{"),
            ReceivedBody::Text { .. }
        ));
        assert_eq!(read(Some("application/json"), b""), ReceivedBody::Empty);
    }
}
