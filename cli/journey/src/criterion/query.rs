//! `jsonpath` criteria (RFC 9535): they hold when the query selects at least one node, whatever
//! its value. Expressions may be put in as `{$…}`, escaped where they stand in a quoted string.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::CriterionError;
use crate::expression::Expression;
use crate::expression::scope::Scope;
use crate::message::ReceivedBody;
use crate::shown;
use crate::template::{self, Piece};

/// A query, with or without values to put in.
#[derive(Debug, Clone)]
pub(super) enum Query {
    Ready(Box<JsonPath>),
    Open(Vec<Piece>),
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, CriterionError> {
        let pieces = template::pieces(text)?;
        if template::expressions(&pieces).next().is_none() {
            return compile(text).map(|query| Self::Ready(Box::new(query)));
        }
        // A number is well-formed inside and outside of quotes.
        compile(&template::sample(&pieces, "1"))?;
        Ok(Self::Open(pieces))
    }

    pub(super) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Ready(_) => Vec::new(),
            Self::Open(pieces) => template::expressions(pieces).collect(),
        }
    }

    pub(super) fn failure(&self, context: &Expression, scope: &Scope<'_>) -> Option<String> {
        self.holds(context, scope).err()
    }

    fn holds(&self, context: &Expression, scope: &Scope<'_>) -> Result<(), String> {
        let value = context.evaluate(scope).map_err(|e| e.to_string())?;
        if let (Value::String(_), Some(ReceivedBody::Text { text, why })) =
            (&value, scope.response.map(|r| &r.body))
            && context.reads_exchange()
        {
            let body = shown::text(text);
            return Err(format!("`{context}`: the body is not JSON ({why}): {body}"));
        }
        let selects = match self {
            Self::Ready(query) => !query.query(&value).is_empty(),
            Self::Open(pieces) => {
                let text = fill(pieces, scope)?;
                let query = compile(&text).map_err(|e| format!("with its values in: {e}"))?;
                !query.query(&value).is_empty()
            }
        };
        if selects {
            return Ok(());
        }
        Err(format!(
            "it selects nothing in `{context}`, which is {}",
            shown::value(&value)
        ))
    }
}

fn compile(text: &str) -> Result<JsonPath, CriterionError> {
    JsonPath::parse(text).map_err(|error| CriterionError::JsonPath {
        why: error.to_string(),
    })
}

/// The query's text with the values put in; inside a quoted string they are escaped for it.
fn fill(pieces: &[Piece], scope: &Scope<'_>) -> Result<String, String> {
    let mut filled = String::new();
    let mut open: Option<char> = None;
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => {
                open = quote_after(open, plain);
                filled.push_str(plain);
            }
            Piece::Expression(expression) => {
                let value = expression.evaluate(scope).map_err(|e| e.to_string())?;
                let text = template::as_text(&value);
                match open {
                    None => filled.push_str(&text),
                    Some(quote) => filled.push_str(&escaped(&text, quote)),
                }
            }
        }
    }
    Ok(filled)
}

/// The quote that is open behind `plain`, when `open` was before it.
fn quote_after(mut open: Option<char>, plain: &str) -> Option<char> {
    let mut chars = plain.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(quote), c) if c == quote => open = None,
            (None, '\'' | '"') => open = Some(c),
            _ => {}
        }
    }
    open
}

fn escaped(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            c if c == quote => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if u32::from(c) < 0x20 => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
