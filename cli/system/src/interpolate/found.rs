//! What is to be told of the variables of one text, each with where in the text it stands.

use std::collections::HashSet;

use super::TemplateError;
use crate::problem::Part;

/// Something to be told.
pub(super) struct Found {
    pub(super) what: What,
    /// The byte of the text where the variable begins, and its characters; `None` where all of the
    /// text is meant.
    variable: Option<(usize, usize)>,
}

/// What that is.
pub(super) enum What {
    /// That nothing sets a variable of this name.
    Unset(String),
    /// That something is wrong.
    Wrong(TemplateError),
}

impl Found {
    /// A variable that nothing sets, at the byte `at`: as `written`, with so many `signs` more.
    pub(super) fn unset(name: &str, at: usize, written: &str, signs: usize) -> Self {
        Self {
            what: What::Unset(name.to_owned()),
            variable: Some((at, signs + written.chars().count())),
        }
    }

    /// The same of one that is wrong.
    pub(super) fn wrong(error: TemplateError, at: usize, written: &str, signs: usize) -> Self {
        Self {
            what: What::Wrong(error),
            variable: Some((at, signs + written.chars().count())),
        }
    }

    /// Something wrong with the text as a whole.
    pub(super) fn whole(error: TemplateError) -> Self {
        Self {
            what: What::Wrong(error),
            variable: None,
        }
    }
}

/// The same in the order in which it stands in `text`, each with its part of that. What must be set is
/// told once.
pub(super) fn in_order(text: &str, mut found: Vec<Found>) -> Vec<(What, Part)> {
    found.sort_by_key(|found| found.variable);
    let mut names = HashSet::new();
    found.retain(|found| match &found.what {
        What::Wrong(TemplateError::Required { name, .. }) => names.insert(name.clone()),
        _ => true,
    });
    let (mut done, mut signs) = (0, 0_usize);
    let with_part = found.into_iter().map(|Found { what, variable }| {
        let Some((at, characters)) = variable else {
            return (what, Part::Whole);
        };
        let between = text.as_bytes().get(done..at).unwrap_or_default();
        signs += between.iter().filter(|byte| **byte == b'$').count();
        done = at;
        (what, Part::Variable { signs, characters })
    });
    with_part.collect()
}
