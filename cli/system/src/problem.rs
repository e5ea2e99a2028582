//! What is wrong with an input file: what, where, and what to do about it.
//!
//! Loaders collect problems and fail once with all of them; nobody prints here.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

mod file_name;
pub(crate) mod no_break;
mod settled;
mod tag;
mod there;
mod variable;

pub use file_name::FileName;
pub use settled::MOST_SHOWN;
pub(crate) use there::there_are;

/// A position in a file that a user wrote. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file as it was named or found.
    pub file: FileName,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input is used; the user should know.
    Warning,
}

/// What has to change for a problem to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The input.
    #[default]
    Input,
    /// The machine or its network, which could not do what the input asks for.
    Machine,
    /// Nothing: the user wanted to end.
    Interrupt,
}

/// What a problem is about of what begins at its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// A variable in it, which is looked for when the problems are [`Problems::settled`].
    Variable {
        /// Dollar signs before its own.
        signs: usize,
        /// Characters that it has.
        characters: usize,
    },
    /// So many characters at its beginning.
    Characters(usize),
    /// A tag of so many characters before it.
    Tag(usize),
}

/// One thing wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Where, when a file is to blame.
    pub place: Option<Place>,
    /// What of that; told by the mark under it and not written down.
    #[serde(skip)]
    pub part: Part,
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// What to do, when that can be said.
    pub hint: Option<String>,
    /// What has to change; told by the exit code and not written down.
    #[serde(skip)]
    pub blame: Blame,
    /// How many more like it there are that nobody lists; they count among what is not shown.
    #[serde(skip)]
    pub more: usize,
}

impl Problem {
    /// An error without a place.
    pub fn error(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place: None,
            part: Part::default(),
            what: what.into(),
            hint: None,
            blame: Blame::default(),
            more: 0,
        }
    }

    /// A warning without a place.
    pub fn warning(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            place: None,
            part: Part::default(),
            what: what.into(),
            hint: None,
            blame: Blame::default(),
            more: 0,
        }
    }

    /// The same problem at `place`.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same problem, about a part of what stands at its place.
    #[must_use]
    pub fn about(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// The same problem, its cause another than the input.
    #[must_use]
    pub fn blaming(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }

    /// The same problem with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// Every problem of one input, in the order found until they are [`Problems::settled`]. As an error it holds at least one
/// [`Severity::Error`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// The candidate nearest to `wrong`, as long as what is advised can be among what is shown:
    /// in a file with any number of wrong names, looking each up would take any time.
    pub(crate) fn nearest<'a>(
        &self,
        wrong: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        let few = self.0.len() <= 2 * MOST_SHOWN;
        // Hundreds of names that are wrong, each compared with thousands, take long as well: the more
        // are told, the fewer each is compared with.
        let most = MOST_LETTERS / (1 + self.0.len() / 5);
        few.then(|| nearest_of(wrong, candidates, most)).flatten()
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    /// How many of them are errors.
    pub(crate) fn errors(&self) -> usize {
        let errors = self.0.iter().filter(|it| it.severity == Severity::Error);
        errors.count()
    }

    /// Where errors stand.
    pub(crate) fn places(&self) -> HashSet<Place> {
        let errors = self.0.iter().filter(|it| it.severity == Severity::Error);
        errors.filter_map(|it| it.place.clone()).collect()
    }

    /// Drops what was said after the first `before` problems of places where something was wrong
    /// already: it is an echo.
    pub(crate) fn forget_echoes(&mut self, before: usize, told: &HashSet<Place>) {
        let mut at = 0;
        self.0.retain(|problem| {
            at += 1;
            let echo = problem
                .place
                .as_ref()
                .is_some_and(|place| told.contains(place));
            at <= before || !echo
        });
    }

    /// `Ok(value)` when no error was collected, else all problems.
    ///
    /// # Errors
    /// When any collected problem is an error.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.has_errors() {
            Err(self)
        } else {
            Ok(value)
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Candidates that are compared with a wrong name.
const MOST_COMPARED: usize = 5_000;
/// Letters of theirs that are compared with letters of it, each with each.
const MOST_LETTERS: usize = 4_000_000;

/// The candidate nearest to `wrong`, when one is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_of(wrong, candidates, MOST_LETTERS)
}

/// The same, of the first candidates, as many as take the comparison of `most` letters.
fn nearest_of<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Option<&'a str> {
    // No name of ours is longer: what is cannot be near one, and comparing it would cost.
    const LONGEST: usize = 64;
    if wrong.len() > LONGEST {
        return None;
    }
    let lower = wrong.to_lowercase();
    let letters = lower.chars().count();
    let mut left = most;
    candidates
        .into_iter()
        .filter(|c| c.len() <= 4 * LONGEST)
        .take(MOST_COMPARED)
        .filter(|c| c.chars().count().abs_diff(letters) <= 1 + c.chars().count().max(3) / 3)
        .take_while(|c| {
            let rest = left.checked_sub(letters.saturating_mul(c.len()));
            left = rest.unwrap_or_default();
            rest.is_some()
        })
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| {
            let letters = c.chars().count();
            // `db` is no slip of the hand for `web`, nor `bad` for `uid`: hardly anything of it is left.
            *distance <= 1 + letters.max(3) / 3 && 2 * *distance <= letters
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_name_finds_its_neighbour_and_a_foreign_one_does_not() {
        let names = ["payments", "orders", "gateway"];
        assert_eq!(nearest("paymnets", names), Some("payments"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("db", ["web", "no"]), None);
        assert_eq!(nearest("bad", ["uid", "gid"]), None);
        assert_eq!(nearest("web2", ["web"]), Some("web"));
    }

    #[test]
    fn a_problem_reads_place_what_and_hint() {
        let problem = Problem::error("unknown key `prots`")
            .at(Place {
                file: "compose.yaml".into(),
                line: 3,
                column: 5,
            })
            .hint("did you mean `ports`?");
        assert_eq!(
            problem.to_string(),
            "compose.yaml:3:5: unknown key `prots` (did you mean `ports`?)"
        );
    }
}
