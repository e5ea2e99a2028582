//! What a node or key was wanted to be and is not: its value or the problem that it is another, with what
//! to do; unknown keys.

use super::{Key, Node, NodeValue, in_line, no_break, shorten};
use crate::problem::{Problem, nearest};

impl Node {
    /// The problem that `what` is not what it must be.
    #[must_use]
    pub fn expected(&self, what: &str, wanted: &str) -> Problem {
        let is = match &self.value {
            // "A whole number, not a number" would say nothing.
            NodeValue::Int(number) if wanted.contains("number") => number.to_string(),
            NodeValue::Large(number) if wanted.contains("number") => number.to_string(),
            NodeValue::Float(number) if wanted.contains("number") => number.to_string(),
            _ => self.kind().to_owned(),
        };
        let problem = Problem::error(format!("{what} must be {wanted}, not {is}"));
        let problem = problem.at(self.place.clone());
        match self.hint(wanted) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    /// The problem that `what`, the value of `key`, is no list of texts like `example`.
    pub(crate) fn expected_list(&self, what: &str, key: &str, example: &str) -> Problem {
        let own = Some(self).filter(|it| it.as_str().is_some_and(|text| !text.is_empty()));
        let own = own.and_then(Self::as_written);
        let own = own.as_ref().and_then(in_line);
        let own = own.filter(|own| own.len() <= 60);
        let own = own.as_deref().unwrap_or(example);
        let problem = self.expected(what, "a list");
        problem.hint(format!("write `{key}: [{own}]`"))
    }

    /// What to do where `wanted` was, for who knows nothing better.
    fn hint(&self, wanted: &str) -> Option<String> {
        let short = |line: &String| line.chars().count() <= 40;
        let one = match self.as_seq() {
            Some([one]) => Some(one),
            Some(_) => None,
            None => Some(self),
        };
        // What a variable was replaced by can be a secret.
        let own = one.filter(|it| it.is_scalar()).and_then(Self::as_written);
        let own = own.as_ref();
        match wanted {
            "a list" => {
                let own = own.and_then(in_line).filter(short);
                Some(own.map_or_else(
                    || "write it as lines that begin with `- `".to_owned(),
                    |own| format!("write `[{own}]`"),
                ))
            }
            "text" if self.is_scalar() => Some("put it in quotes".to_owned()),
            "text" => {
                let own = own.and_then(Self::text).map(NodeValue::String);
                let own = own.and_then(|own| in_line(&Self::new(self.place.clone(), own)));
                let own = own.filter(short).map(|own| format!("write `{own}`"));
                let other = || match self.value {
                    NodeValue::Seq(_) => "write text in place of the list",
                    NodeValue::Map(_) => "write text in place of the mapping",
                    _ => "write text there",
                };
                own.or_else(|| Some(other().to_owned()))
            }
            "a whole number" | "a number" => Some("write it in digits".to_owned()),
            "text or a list of texts" => Some("write `[program, argument]`".to_owned()),
            "a mapping" => Some("write `NAME: VALUE` below it".to_owned()),
            _ => None,
        }
    }

    /// Its entries, or the problem that `what` must be a mapping.
    ///
    /// # Errors
    /// When it is no mapping.
    pub fn want_map(&self, what: &str) -> Result<&[(Key, Self)], Problem> {
        self.as_map()
            .ok_or_else(|| self.expected(what, "a mapping"))
    }

    /// Its items, or the problem that `what` must be a list.
    ///
    /// # Errors
    /// When it is no list.
    pub fn want_seq(&self, what: &str) -> Result<&[Self], Problem> {
        self.as_seq().ok_or_else(|| self.expected(what, "a list"))
    }

    /// Its text, or the problem that `what` must be text.
    ///
    /// # Errors
    /// When it is no text; numbers and booleans are none.
    pub fn want_str(&self, what: &str) -> Result<&str, Problem> {
        self.as_str().ok_or_else(|| self.expected(what, "text"))
    }

    /// One error for each key of this mapping that is not in `known`, with the nearest known one.
    /// Keys that begin with `x-` are everybody's own and pass. `what` says of what the keys are:
    /// "a step", "`healthcheck`".
    #[must_use]
    pub fn unknown_keys(&self, what: &str, known: &[&str]) -> Vec<Problem> {
        self.entries()
            .iter()
            .filter(|(key, _)| !key.text.starts_with("x-") && !known.contains(&key.text.as_str()))
            .map(|(key, _)| key.unknown(what, known.iter().copied()))
            .collect()
    }

    /// The key of this mapping that stands where `wanted`, one of the `known`, is meant.
    pub(crate) fn misspelt(&self, wanted: &str, known: &[&str]) -> Option<&Key> {
        let mut unknown = self.entries().iter().map(|(key, _)| key);
        unknown.find(|key| {
            !known.contains(&key.text.as_str())
                && nearest(&key.text, known.iter().copied()) == Some(wanted)
        })
    }
}

impl Key {
    /// The problem that this key is none of `known`, with the nearest of them, or all where they are few
    /// and none is near.
    #[must_use]
    pub fn unknown<'a>(&self, what: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        if let Some(problem) = no_break(self) {
            return problem;
        }
        let problem = Problem::error(format!("{what} has no key `{}`", shorten(&self.text)))
            .at(self.place.clone());
        problem.hint(match nearest(&self.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            // Where keys of one's own may stand, none of them is unknown.
            None if self.text.starts_with("x-") && !(1..=FEW).contains(&known.len()) => {
                "take it away: it has no keys of your own".to_owned()
            }
            None => keys_there(&known),
        })
    }
}

/// How many keys are named: more are read in the reference, not in a line.
const FEW: usize = 10;

/// Which keys there are, in words.
pub(crate) fn keys_there(known: &[&str]) -> String {
    match known {
        [one] => format!("the only key there is `{one}`"),
        [others @ .., last] if others.len() < FEW => {
            format!("the keys there are `{}` and `{last}`", others.join("`, `"))
        }
        _ => "take it away; keys of your own begin with `x-`".to_owned(),
    }
}
