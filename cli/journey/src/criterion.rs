//! Criteria: what must be true of an answer. `simple`, `regex` and `jsonpath`.
//!
//! A criterion that cannot be evaluated (a field that is not there, a body that is no JSON) is
//! false and says why; it never ends a run, so that "again until it is there" can be written.

use msvc_system::problem::Place;

use crate::expression::scope::Scope;
use crate::expression::{Expression, ExpressionError};

mod compare;
mod pattern;
mod query;
mod simple;

use pattern::Pattern;
use query::Query;
use simple::Condition;

/// One criterion of a document.
#[derive(Debug, Clone)]
pub struct Criterion {
    text: String,
    place: Place,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Simple(Condition),
    Regex(Expression, Pattern),
    JsonPath(Expression, Query),
    /// What a step without criteria asks: an answer, and a status from 200 to 299.
    Status,
}

/// How one criterion came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// As written.
    pub condition: String,
    /// Where.
    pub place: Place,
    /// Whether it is so.
    pub holds: bool,
    /// What was seen, when it does not hold.
    pub reason: Option<String>,
}

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CriterionError {
    /// It holds something that is no runtime expression.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// It breaks the grammar of simple conditions.
    #[error("at character {at} of the condition: {why}")]
    Simple {
        /// The character, from 1.
        at: usize,
        /// What was expected or is too much.
        why: String,
    },
    /// It is no regular expression.
    #[error("this is no regular expression: {why}")]
    Regex {
        /// What the library says.
        why: String,
    },
    /// It is no JSONPath of RFC 9535.
    #[error("this is no JSONPath (RFC 9535): {why}")]
    JsonPath {
        /// What the library says.
        why: String,
    },
}

impl Criterion {
    /// A `simple` condition.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn simple(text: &str, place: Place) -> Result<Self, CriterionError> {
        let test = Test::Simple(simple::parse(text)?);
        Ok(Self::new(text, place, test))
    }

    /// A `regex` over the text of `context`, found anywhere in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn regex(text: &str, context: Expression, place: Place) -> Result<Self, CriterionError> {
        let test = Test::Regex(context, Pattern::parse(text)?);
        Ok(Self::new(text, place, test))
    }

    /// A `jsonpath` over `context`, which holds when it selects anything.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn json_path(
        text: &str,
        context: Expression,
        place: Place,
    ) -> Result<Self, CriterionError> {
        let test = Test::JsonPath(context, Query::parse(text)?);
        Ok(Self::new(text, place, test))
    }

    /// What a step that gives no criteria asks for.
    #[must_use]
    pub fn status_is_2xx(place: Place) -> Self {
        Self::new(
            "status 200 to 299 (no successCriteria)",
            place,
            Test::Status,
        )
    }

    fn new(text: &str, place: Place, test: Test) -> Self {
        Self {
            text: text.to_owned(),
            place,
            test,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Every expression in it.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        match &self.test {
            Test::Simple(condition) => condition.expressions(),
            Test::Regex(context, pattern) => {
                let mut all = pattern.expressions();
                all.push(context);
                all
            }
            Test::JsonPath(context, query) => {
                let mut all = query.expressions();
                all.push(context);
                all
            }
            Test::Status => Vec::new(),
        }
    }

    /// Whether it holds in `scope`, and if not, why.
    #[must_use]
    pub fn judge(&self, scope: &Scope<'_>) -> Judgement {
        let failed = match &self.test {
            Test::Simple(condition) => compare::failure(condition, scope),
            Test::Regex(context, pattern) => pattern.failure(context, scope),
            Test::JsonPath(context, query) => query.failure(context, scope),
            Test::Status => match scope.response {
                Some(response) if (200..300).contains(&response.status) => None,
                Some(response) => Some(format!("the status is {}", response.status)),
                None => Some("there is no answer".to_owned()),
            },
        };
        Judgement {
            condition: self.text.clone(),
            place: self.place.clone(),
            holds: failed.is_none(),
            reason: failed,
        }
    }
}

#[cfg(test)]
mod tests;
