//! Texts, switches, numbers, sizes and durations, each as the normal form prints it.

use serde_json::{Value, json};

use super::{Printing, bytes, number, wait};
use crate::duration;
use crate::fields::Field;
use crate::forms::scalar_text;
use crate::interpolate::cast::flag;
use crate::yaml::{Node, NodeValue, shorten};

/// What is said of YAML's `.nan`.
const NO_NUMBER: &str = "`.nan` is no number";

impl Printing<'_> {
    pub(super) fn text(&mut self, node: &Node, field: &Field) -> Option<String> {
        if let NodeValue::Float(_) | NodeValue::Large(_) | NodeValue::Bool(_) = node.value {
            self.problems.push(
                node.expected(&format!("`{}`", field.name), "text")
                    .hint("put it in quotes"),
            );
            return None;
        }
        scalar_text(node)
    }

    pub(super) fn flag(&mut self, node: &Node) -> Option<bool> {
        match &node.value {
            NodeValue::Bool(flag) => Some(*flag),
            NodeValue::String(text) => {
                let said = flag(text).map(|(flag, _)| flag);
                if said.is_none() {
                    let what = format!("`{}` is no switch", shorten(text));
                    self.wrong(node, what, "write `true` or `false`");
                }
                said
            }
            _ => None,
        }
    }

    pub(super) fn whole(&mut self, node: &Node) -> Option<i64> {
        match &node.value {
            NodeValue::Int(number) => Some(*number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what Docker Compose makes of it"
            )]
            NodeValue::Float(number) if number.abs() < 9e18 => Some(*number as i64),
            NodeValue::Float(number) if number.is_nan() => {
                self.wrong(node, NO_NUMBER, "write it in digits");
                None
            }
            NodeValue::Float(_) | NodeValue::Large(_) => {
                let what = format!("{} is too large", scalar_text(node).unwrap_or_default());
                self.wrong(node, what, "write a smaller number");
                None
            }
            NodeValue::String(text) => {
                let number = text.parse().ok();
                if number.is_none() {
                    let what = format!("`{}` is no whole number", shorten(text));
                    self.wrong(node, what, "write it in digits");
                }
                number
            }
            _ => None,
        }
    }

    /// A whole number that no text may stand for.
    pub(super) fn count_in_digits(&mut self, node: &Node, name: &str) -> Option<Value> {
        if node.as_str().is_some() {
            let what = format!("`{name}`");
            self.problems.push(node.expected(&what, "a whole number"));
            return None;
        }
        self.count(node).filter(|it| *it != 0).map(Value::from)
    }

    pub(super) fn count(&mut self, node: &Node) -> Option<i64> {
        let number = self.whole(node)?;
        if number < 0 {
            let what = format!("{number} is less than nothing");
            self.wrong(node, what, "write 0 or more");
            return None;
        }
        Some(number)
    }

    pub(super) fn number(&mut self, node: &Node) -> Option<Value> {
        let number = match &node.value {
            NodeValue::String(text) => {
                let number = text.parse::<f64>().ok();
                if number.is_none() {
                    let what = format!("`{}` is no number", shorten(text));
                    self.wrong(node, what, "write it in digits");
                }
                number?
            }
            _ => node.as_f64()?,
        };
        if number.is_nan() {
            self.wrong(node, NO_NUMBER, "write it in digits");
        }
        if number::is_too_much(number) {
            self.wrong(node, format!("{number} is too much"), "write it in digits");
        }
        number::single(number)
    }

    pub(super) fn bytes(&mut self, node: &Node, field: &Field) -> Option<Value> {
        let bytes = match &node.value {
            NodeValue::Int(number) => *number,
            // No limit: Docker Compose prints it so, and reads it as a number alone.
            NodeValue::String(text) if text == "-1" => -1,
            NodeValue::String(text) => match bytes::parse(text) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let what = format!("`{}` is no size: {error}", shorten(text));
                    self.wrong(node, what, field.size_hint());
                    return None;
                }
            },
            _ => return None,
        };
        (bytes != 0).then(|| bytes.to_string().into())
    }

    /// As Docker Compose writes durations.
    pub(super) fn wait_text(&mut self, node: &Node) -> Option<Value> {
        self.wait(node).map(|it| wait::text(it).into())
    }

    /// The same, unless it is none.
    pub(super) fn wait_that_is_some(&mut self, node: &Node) -> Option<Value> {
        let nanos = self.wait(node).filter(|it| *it != 0)?;
        Some(wait::text(nanos).into())
    }

    /// In nanoseconds.
    fn wait(&mut self, node: &Node) -> Option<i64> {
        let text = scalar_text(node)?;
        match wait::parse(&text) {
            Ok(nanos) => Some(nanos),
            Err(error) => {
                let what = format!("`{}` is no duration: {error}", shorten(&text));
                let hint = match node.replaced {
                    Some(_) => duration::ADVICE.to_owned(),
                    None => duration::advice(&text),
                };
                self.wrong(node, what, &hint);
                None
            }
        }
    }

    pub(super) fn mode(&mut self, node: &Node) -> Option<Value> {
        let mode = match &node.value {
            NodeValue::Int(mode) => *mode,
            NodeValue::String(text) => match i64::from_str_radix(text, 8) {
                Ok(mode) => mode,
                Err(_) => {
                    let what = format!("`{}` is no file mode", shorten(text));
                    self.wrong(node, what, "write it in octal, as `\"0440\"`");
                    return None;
                }
            },
            _ => {
                self.problems.push(
                    node.expected("`mode`", "a whole number")
                        .hint("write it in octal, as `\"0440\"`"),
                );
                return None;
            }
        };
        let sign = if mode < 0 { "-" } else { "" };
        Some(format!("0{sign}{:o}", mode.unsigned_abs()).into())
    }

    pub(super) fn device_count(&mut self, node: &Node) -> Option<Value> {
        if node
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("all"))
        {
            return Some(json!(-1));
        }
        if let NodeValue::Float(_) = node.value {
            self.problems.push(
                node.expected("`count`", "`all` or a whole number")
                    .hint("write `count: 1`"),
            );
            return None;
        }
        self.whole(node).filter(|it| *it != 0).map(Value::from)
    }
}
