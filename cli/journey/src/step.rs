//! One step as a decision: what it sends, given what is known; what the answer is worth.

use msvc_system::problem::Place;
use serde_json::Value;

use crate::criterion::Judgement;
use crate::document::{Body, Location, Parameter, Replacement, Step};
use crate::entry::{Bases, NoBase};
use crate::expression::scope::{Outputs, Scope};
use crate::expression::{EvaluateError, Pointer};
use crate::message::{self, Request, SentBody};
use crate::source::Operation;
use crate::template;

mod url;

pub(crate) use url::encoded as percent_encoded;

/// A request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A value that it needs is not there.
    #[error(transparent)]
    Value(#[from] EvaluateError),
    /// Nothing says where to.
    #[error(transparent)]
    Base(#[from] NoBase),
    /// A list or object where a parameter must be one value.
    #[error("the {location} parameter `{name}` is {kind}; msvc writes single values only")]
    Structured {
        /// Where it goes.
        location: &'static str,
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// An empty path parameter, `.` or `..` leads to another path.
    #[error("the path parameter `{name}` is empty, `.` or `..`, which leads to another path")]
    OtherPath {
        /// Its name.
        name: String,
    },
    /// The name or value of a header has characters that it cannot have.
    #[error(
        "the header `{name}` cannot be sent: its name or value has characters that HTTP refuses"
    )]
    Header {
        /// Its name.
        name: String,
    },
    /// The replacement's target is not in the payload.
    #[error("the payload has no `{target}` to replace")]
    Target {
        /// The pointer.
        target: String,
    },
    /// Replacements need JSON.
    #[error("the payload is not JSON, so that `{target}` cannot be replaced in it: {why}")]
    Payload {
        /// The pointer.
        target: String,
        /// What the parser says.
        why: String,
    },
    /// A list or object as a body that is no JSON.
    #[error("the payload is {kind}, which cannot be written as `{content_type}`")]
    Unwritable {
        /// What it is.
        kind: &'static str,
        /// As what.
        content_type: String,
    },
}

/// Something is wrong, and where.
pub(crate) type Placed<E> = (E, Place);

/// The request of a step that calls `operation`, without the headers that msvc adds.
pub(crate) fn request(
    step: &Step,
    operation: &Operation,
    bases: &Bases,
    scope: &Scope<'_>,
) -> Result<Request, Placed<RequestError>> {
    let base = bases
        .of(operation)
        .map_err(|error| (error.into(), step.place.clone()))?;
    let mut given = Given::default();
    for parameter in &step.parameters {
        given
            .add(parameter, scope)
            .map_err(|error| (error, parameter.place.clone()))?;
    }
    if !given.cookies.is_empty() {
        given
            .headers
            .push(("Cookie".to_owned(), given.cookies.join("; ")));
    }
    let mut body = None;
    if let Some(written) = &step.body {
        body = Some(sent_body(written, scope)?);
        if message::header(&given.headers, "content-type").is_none() {
            let line = ("Content-Type".to_owned(), written.content_type.clone());
            given.headers.push(line);
        }
    }
    if message::header(&given.headers, "accept").is_none() {
        let line = (
            "Accept".to_owned(),
            "application/json, */*;q=0.5".to_owned(),
        );
        given.headers.push(line);
    }
    Ok(Request {
        exchange: 0,
        method: operation.method.clone(),
        url: url::write(&base, &operation.path, &given.path, &given.query),
        path: given.path,
        query: given.query,
        headers: given.headers,
        body,
        timeout: std::time::Duration::ZERO,
    })
}

#[derive(Default)]
struct Given {
    path: Vec<(String, Value)>,
    query: Vec<(String, Value)>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
}

impl Given {
    fn add(&mut self, parameter: &Parameter, scope: &Scope<'_>) -> Result<(), RequestError> {
        let Some(location) = parameter.location else {
            return Ok(());
        };
        let name = parameter.name.clone();
        let value = parameter.value.evaluate(scope)?;
        if value.is_array() || value.is_object() {
            return Err(RequestError::Structured {
                location: location.word(),
                name,
                kind: crate::shown::kind(&value),
            });
        }
        let text = template::as_text(&value);
        match location {
            Location::Path if matches!(text.as_str(), "" | "." | "..") => {
                return Err(RequestError::OtherPath { name });
            }
            Location::Path => self.path.push((name, value)),
            Location::Query => self.query.push((name, value)),
            Location::Header => {
                if !url::is_header(&name, &text) {
                    return Err(RequestError::Header { name });
                }
                self.headers.push((name, text));
            }
            Location::Cookie => {
                if !url::is_header("Cookie", &text) || text.contains(';') {
                    return Err(RequestError::Header { name });
                }
                self.cookies.push(format!("{name}={text}"));
            }
        }
        Ok(())
    }
}

fn sent_body(body: &Body, scope: &Scope<'_>) -> Result<SentBody, Placed<RequestError>> {
    let here = |error: EvaluateError| (error.into(), body.place.clone());
    let mut value = body.payload.evaluate(scope).map_err(here)?;
    let json = message::is_json(&body.content_type);
    // A text with a JSON type is the JSON itself, as Arazzo's own examples write it; a whole
    // expression is a value like any other.
    let mut verbatim = value.is_string() && !matches!(body.payload, template::Template::Whole(_));
    for replacement in &body.replacements {
        let there = |error: RequestError| (error, replacement.place.clone());
        if verbatim && let Value::String(text) = &value {
            value = serde_json::from_str(text).map_err(|error| {
                there(RequestError::Payload {
                    target: replacement.text.clone(),
                    why: error.to_string(),
                })
            })?;
            verbatim = false;
        }
        replace(&mut value, replacement, scope).map_err(there)?;
    }
    let text = match &value {
        Value::String(text) if verbatim || !json => text.clone(),
        Value::Array(_) | Value::Object(_) if !json => {
            return Err((
                RequestError::Unwritable {
                    kind: crate::shown::kind(&value),
                    content_type: body.content_type.clone(),
                },
                body.place.clone(),
            ));
        }
        other => other.to_string(),
    };
    if verbatim
        && json
        && let Ok(read) = serde_json::from_str(&text)
    {
        value = read;
    }
    Ok(SentBody { value, text })
}

/// Puts the value where the pointer leads: an existing item of a list, `-` behind its last, or a
/// member of an object, new or old.
fn replace(
    payload: &mut Value,
    replacement: &Replacement,
    scope: &Scope<'_>,
) -> Result<(), RequestError> {
    let new = replacement.value.evaluate(scope)?;
    let missing = || RequestError::Target {
        target: replacement.text.clone(),
    };
    let Pointer(tokens) = &replacement.target;
    let Some((last, way)) = tokens.split_last() else {
        *payload = new;
        return Ok(());
    };
    let mut at = payload;
    for token in way {
        at = match at {
            Value::Object(map) => map.get_mut(token),
            Value::Array(list) => token.parse().ok().and_then(|i: usize| list.get_mut(i)),
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match at {
        Value::Object(map) => {
            map.insert(last.clone(), new);
            Ok(())
        }
        Value::Array(list) if last == "-" => {
            list.push(new);
            Ok(())
        }
        Value::Array(list) => {
            let index = last.parse().ok().and_then(|i: usize| list.get_mut(i));
            *index.ok_or_else(missing)? = new;
            Ok(())
        }
        _ => Err(missing()),
    }
}

/// Whether the step holds: every criterion, all of them judged.
pub(crate) fn judge(step: &Step, scope: &Scope<'_>) -> (bool, Vec<Judgement>) {
    let criteria: Vec<Judgement> = step.criteria.iter().map(|c| c.judge(scope)).collect();
    (criteria.iter().all(|judged| judged.holds), criteria)
}

/// What the step leaves. An output that is not there keeps the reason.
pub(crate) fn outputs<'a>(
    declared: impl IntoIterator<Item = (&'a String, &'a crate::expression::Expression)>,
    scope: &Scope<'_>,
) -> Outputs {
    declared
        .into_iter()
        .map(|(name, expression)| {
            let value = expression.evaluate(scope).map_err(|e| e.to_string());
            (name.clone(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests;
