//! The check of what is no list and no mapping: its kind, the range of a number, the words of a text.

use super::super::words::{is_container_name, is_pull_policy};
use super::super::{FLAG, NOTHING, NUMBER, Shape, TEXT, WHOLE, Words};
use super::Checker;
use crate::forms::scalar_text;
use crate::problem::{Problem, nearest};
use crate::yaml::{Node, NodeValue, shorten};

impl Checker<'_> {
    /// Whether the value may stay.
    pub(super) fn scalar(&mut self, node: &Node, shape: &'static Shape) -> bool {
        if let NodeValue::Date(_) = &node.value {
            // What stands in the file is shown below; what was made of it nobody wrote.
            let what = format!("`{}` is a date to YAML, and none is meant", self.shown());
            let problem = Problem::error(what).at(node.place.clone());
            self.problems.push(problem.hint("put it in quotes"));
            return false;
        }
        let kind = match &node.value {
            NodeValue::Null => NOTHING,
            NodeValue::Bool(_) => FLAG,
            NodeValue::Int(_) | NodeValue::Large(_) => WHOLE | NUMBER,
            NodeValue::Float(float) if float.fract() == 0.0 => WHOLE | NUMBER,
            NodeValue::Float(_) => NUMBER,
            NodeValue::String(_) => TEXT,
            NodeValue::Date(_) | NodeValue::Seq(_) | NodeValue::Map(_) => 0,
        };
        if shape.scalars & kind == 0 {
            self.wrong(node, shape);
            return false;
        }
        let before = self.problems.0.len();
        match &node.value {
            NodeValue::String(text) => {
                self.text(node, text, shape.words);
                return before == self.problems.0.len();
            }
            NodeValue::Int(number) => self.range(node, *number, shape.range),
            NodeValue::Large(_) => self.range(node, i64::MAX, shape.range),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole, and what is too large is out of range in any case"
            )]
            NodeValue::Float(number) if number.abs() < 9e18 => {
                self.range(node, *number as i64, shape.range);
            }
            NodeValue::Float(number) => self.beyond(node, *number, shape.range),
            _ => {}
        }
        // A number that is out of its range is there all the same: nobody misses it.
        true
    }

    /// A number that no whole number of ours is.
    fn beyond(&mut self, node: &Node, number: f64, range: Option<(i64, i64)>) {
        match range {
            Some((_, i64::MAX)) if number > 0.0 => {
                let what = format!("{} is too large", scalar_text(node).unwrap_or_default());
                let problem = Problem::error(what).at(node.place.clone());
                self.problems.push(problem.hint("write a smaller number"));
            }
            _ => self.range(node, i64::MIN, range),
        }
    }

    fn range(&mut self, node: &Node, number: i64, range: Option<(i64, i64)>) {
        let Some((least, most)) = range.filter(|(least, most)| !(*least..=*most).contains(&number))
        else {
            return;
        };
        let written = scalar_text(node).unwrap_or_default();
        let what = format!("`{}` cannot be {written}", self.shown());
        let problem = Problem::error(what).at(node.place.clone());
        self.problems.push(problem.hint(if most == i64::MAX {
            format!("write {least} or more")
        } else {
            format!("write a number from {least} to {most}")
        }));
    }

    fn text(&mut self, node: &Node, text: &str, words: Words) {
        let problem = match words {
            Words::Any => return,
            Words::OneOf(words) if words.contains(&text) => return,
            Words::ContainerName if is_container_name(text) => return,
            Words::PullPolicy if is_pull_policy(text) => return,
            Words::OneOf(words) => {
                let what = format!("`{}` cannot be `{}`", self.shown(), shorten(text));
                Problem::error(what).hint(match word_meant(text, words) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("one of {}", words.join(", ")),
                })
            }
            Words::ContainerName => {
                let what = format!("`{}` cannot name a container", shorten(text));
                Problem::error(what).hint("two characters or more: letters, digits, `_`, `.`, `-`")
            }
            Words::PullPolicy => {
                let what = format!("`{}` is no `pull_policy`", shorten(text));
                let words = ["always", "never", "missing", "build", "daily", "weekly"];
                Problem::error(what).hint(match word_meant(text, &words) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("one of {}, every_12h", words.join(", ")),
                })
            }
        };
        self.problems.push(problem.at(node.place.clone()));
    }
}

/// The one of `words` that is near, or the only one that has the text in it: `healthy` of `service_healthy`.
pub(in super::super) fn word_meant<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    /// Letters that say enough.
    const LEAST: usize = 4;
    let mut whole = words.iter().filter(|it| it.contains(text));
    let one = whole.next().filter(|_| whole.next().is_none());
    let one = one.filter(|_| text.len() >= LEAST).copied();
    nearest(text, words.iter().copied()).or(one)
}
