//! Scalars as Compose takes them: numbers that only YAML 1.1 knows (`0444`, `1_000`), and the text
//! that a number or switch becomes where text is meant.

use crate::problem::Problem;
use crate::yaml::{Node, NodeValue, shorten};

/// Numbers that YAML 1.1 knows and YAML 1.2 does not, wherever they stand without quotes.
pub(crate) fn old_numbers(node: &mut Node) {
    match &mut node.value {
        NodeValue::String(text) if node.plain => {
            if let Some(value) = old_number(text) {
                node.value = value;
            }
        }
        NodeValue::Seq(items) => items.iter_mut().for_each(old_numbers),
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(_, node)| old_numbers(node)),
        _ => {}
    }
}

/// The number that a text without quotes is to YAML 1.1.
pub(crate) fn old_number(text: &str) -> Option<NodeValue> {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with('_') {
        return None;
    }
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let whole = |digits: &str, radix| match sign {
        "" => u64::from_str_radix(digits, radix)
            .ok()
            .map(|number| i64::try_from(number).map_or(NodeValue::Large(number), NodeValue::Int)),
        sign => i64::from_str_radix(&format!("{sign}{digits}"), radix)
            .ok()
            .map(NodeValue::Int),
    };
    let lower = digits.to_ascii_lowercase();
    let int = if let Some(hex) = lower.strip_prefix("0x") {
        whole(hex, 16)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        whole(binary, 2)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        whole(octal, 8)
    } else if let Some(octal) = lower.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        whole(octal, 8)
    } else {
        whole(&lower, 10)
    };
    let decimal = digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match int {
        Some(int) => Some(int),
        // A number beyond all is a text.
        None if decimal => {
            let number = plain.parse().ok();
            number
                .filter(|it: &f64| it.is_finite())
                .map(NodeValue::Float)
        }
        None => None,
    }
}

/// A scalar as Compose turns it into text; `None` for lists and mappings. Nothing is the empty
/// text.
pub(crate) fn scalar_text(node: &Node) -> Option<String> {
    match node.value {
        NodeValue::Float(float) => Some(float_text(float)),
        _ => node.text(),
    }
}

/// The shortest text of a number: with an exponent from a million on and below 1e-4.
fn float_text(float: f64) -> String {
    let size = float.abs();
    if !float.is_finite() || size == 0.0 || (1e-4..1e6).contains(&size) {
        return match float {
            f if f == f64::INFINITY => "+Inf".to_owned(),
            f if f == f64::NEG_INFINITY => "-Inf".to_owned(),
            f => f.to_string(),
        };
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// The text of a scalar, or the problem that `what` must be one.
pub(crate) fn want_text(node: &Node, what: &str) -> Result<String, Problem> {
    match scalar_text(node) {
        Some(text) if !node.is_null() => Ok(text),
        _ => Err(node.expected(&shorten(what), "text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_text_that_compose_makes_of_them() {
        for (float, text) in [
            (1.0, "1"),
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (0.0, "0"),
            (123_456.7, "123456.7"),
            (1_000_000.0, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (-1e7, "-1e+07"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }
}
