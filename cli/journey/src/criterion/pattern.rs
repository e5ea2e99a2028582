//! `regex` criteria. Expressions may be put in as `{$…}`; what they bring matches as plain text.

use fancy_regex::{Regex, RegexBuilder};

use super::CriterionError;
use crate::expression::Expression;
use crate::expression::scope::Scope;
use crate::shown;
use crate::template::{self, Piece};

/// Steps that a match may take before it is given up: far above any honest pattern.
const BACKTRACKS: usize = 1_000_000;

/// A regular expression, with or without values to put in.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Ready(Box<Regex>),
    Open(Vec<Piece>),
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, CriterionError> {
        let pieces = template::pieces(text)?;
        if template::expressions(&pieces).next().is_none() {
            return compile(text)
                .map(|regex| Self::Ready(Box::new(regex)))
                .map_err(|why| CriterionError::Regex { why });
        }
        // Any text may come in; one that needs no escape shows whether the rest is well-formed.
        compile(&template::sample(&pieces, "a")).map_err(|why| CriterionError::Regex { why })?;
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
        let text = template::as_text(&value);
        let found = match self {
            Self::Ready(regex) => regex.is_match(text.as_str()),
            Self::Open(pieces) => {
                let pattern =
                    template::join(pieces, scope, |v| fancy_regex::escape(v).into_owned())
                        .map_err(|e| e.to_string())?;
                compile(&pattern)?.is_match(text.as_str())
            }
        };
        match found {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("`{context}` is {}", shown::value(&value))),
            Err(error) => Err(format!("the match was given up: {error}")),
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .backtrack_limit(BACKTRACKS)
        .build()
        .map_err(|error| error.to_string())
}
