//! Whether a `simple` condition holds. Comparisons are loose, as Arazzo says: strings regardless
//! of case, a string that spells a number or boolean equals it (header values are strings).
//!
//! A part whose value is missing is neither true nor false: `a || b` still holds when `b` does,
//! `a && b` is still false when `b` is, and a whole that stays open is false with the reason.

use std::cmp::Ordering;

use serde_json::Value;

use super::simple::{Condition, Operand, Operator};
use crate::expression::scope::Scope;
use crate::shown;

/// Why the condition does not hold; `None` when it does.
pub(super) fn failure(condition: &Condition, scope: &Scope<'_>) -> Option<String> {
    match truth(condition, scope) {
        Ok(true) => None,
        Ok(false) => Some(seen(condition, scope)),
        Err(why) => Some(why),
    }
}

fn truth(condition: &Condition, scope: &Scope<'_>) -> Result<bool, String> {
    match condition {
        Condition::Or(all) => any(all, scope, true),
        Condition::And(all) => any(all, scope, false),
        Condition::Not(inner) => truth(inner, scope).map(|holds| !holds),
        Condition::Compare(left, operator, right) => {
            compare(&value(left, scope)?, *operator, &value(right, scope)?)
        }
        Condition::Truth(expression) => {
            let value = expression.evaluate(scope).map_err(|e| e.to_string())?;
            is_true(&value).ok_or_else(|| {
                let value = shown::value(&value);
                format!("`{expression}` is {value}, neither true nor false: compare it, with `==`")
            })
        }
    }
}

/// `decides` as soon as one part is; else open when one part is; else the other.
fn any(all: &[Condition], scope: &Scope<'_>, decides: bool) -> Result<bool, String> {
    let mut open = None;
    for part in all {
        match truth(part, scope) {
            Ok(holds) if holds == decides => return Ok(decides),
            Ok(_) => {}
            Err(why) => open = open.or(Some(why)),
        }
    }
    open.map_or(Ok(!decides), Err)
}

fn value(operand: &Operand, scope: &Scope<'_>) -> Result<Value, String> {
    match operand {
        Operand::Literal(value) => Ok(value.clone()),
        Operand::Expression(expression) => expression.evaluate(scope).map_err(|e| e.to_string()),
    }
}

/// Nothing is false, and a text that spells a boolean is one; anything else is neither.
fn is_true(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Bool(holds) => Some(*holds),
        Value::String(text) => text.to_lowercase().parse().ok(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn compare(left: &Value, operator: Operator, right: &Value) -> Result<bool, String> {
    match operator {
        Operator::Equal => return Ok(equal(left, right)),
        Operator::NotEqual => return Ok(!equal(left, right)),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {}
    }
    let Some(ordering) = order(left, right) else {
        let (left, right) = (shown::value(left), shown::value(right));
        return Err(format!("{left} and {right} have no order"));
    };
    Ok(match operator {
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        _ => ordering.is_ge(),
    })
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Bool(a), Value::String(b)) | (Value::String(b), Value::Bool(a)) => {
            b.eq_ignore_ascii_case(if *a { "true" } else { "false" })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| equal(a, b)))
        }
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// Numbers by value, strings regardless of case, a string that spells a number as one beside a
/// number; anything else has no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Number(_), Value::Number(_) | Value::String(_))
        | (Value::String(_), Value::Number(_)) => {
            // Whole numbers beyond what an f64 tells apart are compared exactly.
            if let (Some(a), Some(b)) = (whole(left), whole(right)) {
                return Some(a.cmp(&b));
            }
            number(left)?.partial_cmp(&number(right)?)
        }
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|n| n.is_finite()),
        _ => None,
    }
}

/// What the condition's expressions are, for the reason.
fn seen(condition: &Condition, scope: &Scope<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for expression in condition.expressions() {
        let part = match expression.evaluate(scope) {
            Ok(value) => format!("`{expression}` is {}", shown::value(&value)),
            Err(error) => error.to_string(),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        "it compares nothing that changes".to_owned()
    } else {
        parts.join(", ")
    }
}
