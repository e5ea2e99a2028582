//! Values of a document that may hold runtime expressions: a whole one keeps its type
//! (`$inputs.qty`), one in a text becomes text (`"order {$inputs.run}"`).

use serde_json::{Map, Value};

use crate::expression::scope::Scope;
use crate::expression::{EvaluateError, Expression, ExpressionError};

/// A value with its expressions still in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// No expression in it.
    Literal(Value),
    /// One expression and nothing else.
    Whole(Expression),
    /// Text with expressions in it.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Template>),
    /// An object.
    Object(Vec<(String, Template)>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As written.
    Plain(String),
    /// To be looked up.
    Expression(Expression),
}

impl Template {
    /// Reads a text: a whole expression, a text with expressions, or plain text.
    ///
    /// # Errors
    /// When what is meant as an expression is none.
    pub fn of_text(text: &str) -> Result<Self, ExpressionError> {
        if Expression::is_meant(text) {
            return Expression::parse(text).map(Self::Whole);
        }
        let mut pieces = pieces(text)?;
        Ok(match (pieces.pop(), pieces.is_empty()) {
            (None, _) => Self::Literal(Value::from("")),
            (Some(Piece::Plain(plain)), true) => Self::Literal(Value::from(plain)),
            (Some(last), _) => {
                pieces.push(last);
                Self::Text(pieces)
            }
        })
    }

    /// The value.
    ///
    /// # Errors
    /// When one of its expressions has none.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Whole(expression) => expression.evaluate(scope)?,
            Self::Text(pieces) => Value::from(join(pieces, scope, str::to_owned)?),
            Self::List(items) => {
                let items = items.iter().map(|item| item.evaluate(scope));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, member)| Ok((key.clone(), member.evaluate(scope)?)));
                Value::Object(members.collect::<Result<Map<_, _>, EvaluateError>>()?)
            }
        })
    }

    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Whole(expression) => vec![expression],
            Self::Text(pieces) => expressions(pieces).collect(),
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, m)| m.expressions()).collect(),
        }
    }
}

/// The expressions among `pieces`.
pub(crate) fn expressions(pieces: &[Piece]) -> impl Iterator<Item = &Expression> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Plain(_) => None,
        Piece::Expression(expression) => Some(expression),
    })
}

/// Splits a text at its `{$…}`.
///
/// # Errors
/// When one is not closed or is no expression.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, ExpressionError> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{$") {
        plain.push_str(before);
        let end = after.find('}');
        let inside = format!("${}", after.get(..end.unwrap_or(after.len())).unwrap_or(""));
        match end {
            Some(end) if Expression::is_meant(&inside) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Expression(Expression::parse(&inside)?));
                rest = after.get(end + 1..).unwrap_or_default();
            }
            None if Expression::is_meant(&inside) => {
                return Err(ExpressionError::Open { text: inside });
            }
            _ => {
                plain.push_str("{$");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok(pieces)
}

/// The pieces as one text with `instead` of each value: whether what stands around them is well-formed.
pub(crate) fn sample(pieces: &[Piece], instead: &str) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Plain(plain) => plain.as_str(),
        Piece::Expression(_) => instead,
    });
    texts.collect()
}

/// The pieces as one text; `quote` is applied to every value that is put in.
///
/// # Errors
/// When an expression has no value.
pub(crate) fn join(
    pieces: &[Piece],
    scope: &Scope<'_>,
    quote: impl Fn(&str) -> String,
) -> Result<String, EvaluateError> {
    let mut joined = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => joined.push_str(plain),
            Piece::Expression(expression) => {
                joined.push_str(&quote(&as_text(&expression.evaluate(scope)?)));
            }
        }
    }
    Ok(joined)
}

/// A value inside a text: a string as it is, anything else as JSON.
#[must_use]
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;
    use serde_json::json;

    fn evaluate(template: &Template) -> Value {
        let inputs = match json!({"qty": 3, "run": "r1", "card": {"n": 1}}) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let (outputs, steps) = (IndexMap::new(), IndexMap::new());
        let (workflows, sources) = (IndexMap::new(), IndexMap::new());
        template
            .evaluate(&Scope {
                inputs: &inputs,
                outputs: &outputs,
                steps: &steps,
                workflows: &workflows,
                sources: &sources,
                request: None,
                response: None,
            })
            .unwrap()
    }

    #[test]
    fn a_whole_expression_keeps_its_type_and_one_in_a_text_becomes_text() {
        for (text, value) in [
            ("$inputs.qty", json!(3)),
            ("{$inputs.qty}", json!("3")),
            ("key-{$inputs.run}-{$inputs.qty}!", json!("key-r1-3!")),
            ("{$inputs.card}", json!("{\"n\":1}")),
            ("$49.99", json!("$49.99")),
            ("{ $x } {$1}", json!("{ $x } {$1}")),
            ("{\"a\": \"{$inputs.run}\"}", json!("{\"a\": \"r1\"}")),
            ("", json!("")),
        ] {
            assert_eq!(evaluate(&Template::of_text(text).unwrap()), value, "{text}");
        }
    }

    #[test]
    fn a_brace_that_is_never_closed_and_a_misspelt_name_are_refused() {
        assert!(matches!(
            Template::of_text("a {$inputs.run"),
            Err(ExpressionError::Open { .. })
        ));
        assert!(matches!(
            Template::of_text("a {$input.run}"),
            Err(ExpressionError::Unknown { .. })
        ));
    }
}
