//! The text that a number or switch becomes where text is meant.

use crate::problem::Problem;
use crate::yaml::{Node, NodeValue, shorten};

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
