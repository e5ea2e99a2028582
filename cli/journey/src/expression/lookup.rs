//! [`Expression`] to value.

use serde_json::{Map, Value};

use super::scope::{Outputs, Scope};
use super::{Access, Expression, Name, Part, Pointer, Source};
use crate::message::{ReceivedBody, header};
use crate::shown;

/// An expression has no value now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The step has sent nothing yet, or got no answer.
    #[error("`{expression}`: there is no {side}")]
    NoExchange {
        /// The expression.
        expression: String,
        /// Request or answer.
        side: &'static str,
    },
    /// Nothing of that name is there.
    #[error("`{expression}`: {what} has no `{name}`")]
    NoSuch {
        /// The expression.
        expression: String,
        /// What was searched.
        what: String,
        /// What it has not.
        name: String,
    },
    /// The step or workflow was not played, or did not hold.
    #[error("`{expression}`: {what} has not been played")]
    NotPlayed {
        /// The expression.
        expression: String,
        /// The step or workflow.
        what: String,
    },
    /// The output was declared, and could not be read then.
    #[error("`{expression}`: that output could not be read: {why}")]
    Unreadable {
        /// The expression.
        expression: String,
        /// Why.
        why: String,
    },
    /// A pointer or index leads into a body that is no JSON.
    #[error("`{expression}`: the body is not JSON ({why}): {body}")]
    NotJson {
        /// The expression.
        expression: String,
        /// Why it was not read as JSON.
        why: String,
        /// How it begins.
        body: String,
    },
    /// The body is empty.
    #[error("`{expression}`: the body is empty")]
    Empty {
        /// The expression.
        expression: String,
    },
}

impl Expression {
    /// The value, with its own type.
    ///
    /// # Errors
    /// When there is none in `scope`; the error says why.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        let value = self.source_value(scope)?;
        self.access
            .iter()
            .try_fold(value, |value, access| self.step_into(value, access))
    }

    fn source_value(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        match &self.source {
            Source::Url => self.request(scope).map(|r| Value::from(r.url.clone())),
            Source::Method => self.request(scope).map(|r| Value::from(r.method.clone())),
            Source::StatusCode => self.response(scope).map(|r| Value::from(r.status)),
            Source::Request(part) => self.request_part(scope, part),
            Source::Response(part) => self.response_part(scope, part),
            Source::Inputs(name) => self.named(name, "the workflow's inputs", |n| {
                scope.inputs.get(n).cloned()
            }),
            Source::Outputs(name) => self.output_value(name, "the workflow", scope.outputs),
            Source::Step { step, output } => {
                let what = format!("step `{step}`");
                let outputs = scope.steps.get(step);
                let outputs = outputs.ok_or_else(|| self.not_played(&what))?;
                self.output_value(output, &what, outputs)
            }
            Source::WorkflowInput { workflow, input } => {
                let what = format!("workflow `{workflow}`");
                let finished = scope.workflows.get(workflow);
                let finished = finished.ok_or_else(|| self.not_played(&what))?;
                self.named(input, &what, |n| finished.inputs.get(n).cloned())
            }
            Source::WorkflowOutput { workflow, output } => {
                let what = format!("workflow `{workflow}`");
                let finished = scope.workflows.get(workflow);
                let finished = finished.ok_or_else(|| self.not_played(&what))?;
                self.output_value(output, &what, &finished.outputs)
            }
            Source::Described { name, field } => match scope.sources.get(name) {
                Some(url) if field == "url" => Ok(Value::from(url.clone())),
                _ => Err(self.no_such("the document's source descriptions", name)),
            },
        }
    }

    fn request<'a>(&self, scope: &Scope<'a>) -> Result<&'a crate::message::Request, EvaluateError> {
        scope.request.ok_or_else(|| EvaluateError::NoExchange {
            expression: self.text.clone(),
            side: "request",
        })
    }

    fn response<'a>(
        &self,
        scope: &Scope<'a>,
    ) -> Result<&'a crate::message::Response, EvaluateError> {
        scope.response.ok_or_else(|| EvaluateError::NoExchange {
            expression: self.text.clone(),
            side: "answer",
        })
    }

    fn request_part(&self, scope: &Scope<'_>, part: &Part) -> Result<Value, EvaluateError> {
        let request = self.request(scope)?;
        let named = |list: &[(String, Value)], name: &str| {
            let found = list.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone())
        };
        match part {
            Part::Header(name) => header(&request.headers, name)
                .map(Value::from)
                .ok_or_else(|| self.no_such("the request's header", name)),
            Part::Query(name) => {
                named(&request.query, name).ok_or_else(|| self.no_such("the request's query", name))
            }
            Part::Path(name) => {
                named(&request.path, name).ok_or_else(|| self.no_such("the request's path", name))
            }
            Part::Body(pointer) => {
                let body = request.body.as_ref().ok_or_else(|| self.empty())?;
                self.pointed(body.value.clone(), pointer.as_ref(), "the request's body")
            }
        }
    }

    fn response_part(&self, scope: &Scope<'_>, part: &Part) -> Result<Value, EvaluateError> {
        let response = self.response(scope)?;
        let pointer = match part {
            Part::Header(name) => {
                return response
                    .header(name)
                    .map(Value::from)
                    .ok_or_else(|| self.no_such("the answer's header", name));
            }
            Part::Body(pointer) => pointer.as_ref(),
            // The parser makes neither for an answer.
            Part::Query(name) | Part::Path(name) => return Err(self.no_such("the answer", name)),
        };
        match &response.body {
            ReceivedBody::Empty => Err(self.empty()),
            ReceivedBody::Json(value) => self.pointed(value.clone(), pointer, "the answer's body"),
            ReceivedBody::Text { text, why } => {
                if pointer.is_none() && self.access.is_empty() {
                    return Ok(Value::from(text.clone()));
                }
                Err(EvaluateError::NotJson {
                    expression: self.text.clone(),
                    why: why.clone(),
                    body: shown::text(text),
                })
            }
        }
    }

    fn output_value(
        &self,
        name: &Name,
        what: &str,
        outputs: &Outputs,
    ) -> Result<Value, EvaluateError> {
        if let Some(Err(why)) = outputs.get(&name.name) {
            return Err(EvaluateError::Unreadable {
                expression: self.text.clone(),
                why: why.clone(),
            });
        }
        self.named(name, what, |n| outputs.get(n)?.as_ref().ok().cloned())
    }

    /// The value of the longest name that is there; what remains of the name are properties.
    fn named(
        &self,
        name: &Name,
        what: &str,
        get: impl Fn(&str) -> Option<Value>,
    ) -> Result<Value, EvaluateError> {
        let mut end = name.name.len();
        loop {
            let head = name.name.get(..end).unwrap_or_default();
            if let Some(mut value) = get(head) {
                let tail = name.name.get(end..).unwrap_or_default();
                for property in tail.split('.').skip(1) {
                    value = self.step_into(value, &Access::Property(property.to_owned()))?;
                }
                return self.pointed(value, name.pointer.as_ref(), what);
            }
            match head.rfind('.') {
                Some(dot) => end = dot,
                None => return Err(self.no_such(what, &name.name)),
            }
        }
    }

    fn pointed(
        &self,
        mut value: Value,
        pointer: Option<&Pointer>,
        what: &str,
    ) -> Result<Value, EvaluateError> {
        let Some(Pointer(tokens)) = pointer else {
            return Ok(value);
        };
        let mut walked = String::new();
        for token in tokens {
            value = match (take(value, token), walked.is_empty()) {
                (Some(inner), _) => inner,
                (None, true) => return Err(self.no_such(what, &format!("/{token}"))),
                (None, false) => {
                    return Err(self.no_such(&format!("{what} at {walked}"), &format!("/{token}")));
                }
            };
            walked.push('/');
            walked.push_str(token);
        }
        Ok(value)
    }

    fn step_into(&self, value: Value, access: &Access) -> Result<Value, EvaluateError> {
        let (token, name) = match access {
            Access::Index(index) => (index.to_string(), format!("[{index}]")),
            Access::Property(name) => (name.clone(), name.clone()),
        };
        let kind = shown::kind(&value);
        let fits = match access {
            Access::Index(_) => value.is_array(),
            Access::Property(_) => value.is_object(),
        };
        if !fits {
            return Err(self.no_such(kind, &name));
        }
        take(value, &token).ok_or_else(|| self.no_such(kind, &name))
    }

    fn no_such(&self, what: &str, name: &str) -> EvaluateError {
        EvaluateError::NoSuch {
            expression: self.text.clone(),
            what: what.to_owned(),
            name: name.to_owned(),
        }
    }

    fn not_played(&self, what: &str) -> EvaluateError {
        EvaluateError::NotPlayed {
            expression: self.text.clone(),
            what: what.to_owned(),
        }
    }

    fn empty(&self) -> EvaluateError {
        EvaluateError::Empty {
            expression: self.text.clone(),
        }
    }
}

/// Takes the member that one pointer token names.
fn take(value: Value, token: &str) -> Option<Value> {
    match value {
        Value::Object(mut map) => take_key(&mut map, token),
        Value::Array(mut list) => {
            let plain = token == "0" || !token.starts_with(['0', '+']);
            let index = token.parse::<usize>().ok().filter(|_| plain)?;
            (index < list.len()).then(|| list.swap_remove(index))
        }
        _ => None,
    }
}

fn take_key(map: &mut Map<String, Value>, key: &str) -> Option<Value> {
    map.swap_remove(key)
}
