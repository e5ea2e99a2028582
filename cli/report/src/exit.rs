//! The exit codes, the same for every command, and which of several holds.

use serde::{Deserialize, Serialize};

use crate::case::Verdict;

/// How a command ends. The numbers are part of the interface and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// What was asked is so.
    Held,
    /// The thing tested failed.
    Failed,
    /// The command line is wrong, or names what the system does not have.
    Usage,
    /// msvc or the machine could not.
    CouldNot,
    /// An input file is missing or invalid.
    Input,
    /// Nothing matched, nothing ran, nothing was felt, or it was unhealthy before it began.
    Inconclusive,
    /// A fault could not be undone.
    NotUndone,
    /// Interrupted, and cleaned up.
    Interrupted,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Failed,
        Self::Usage,
        Self::CouldNot,
        Self::Input,
        Self::Inconclusive,
        Self::NotUndone,
        Self::Interrupted,
    ];

    /// The process's exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::CouldNot => 3,
            Self::Input => 4,
            Self::Inconclusive => 5,
            Self::NotUndone => 6,
            Self::Interrupted => 130,
        }
    }

    /// One line for the reference and for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Held => "held: what was asked is so",
            Self::Failed => {
                "the thing tested failed: a contract broken, a weakness found, a build or a \
                 service of yours that failed"
            }
            Self::Usage => "usage; also a service, edge or journey that the system does not have",
            Self::CouldNot => "msvc or the machine could not: port taken, no permission",
            Self::Input => "an input file is missing or invalid",
            Self::Inconclusive => {
                "inconclusive: nothing matched, nothing ran, nothing was felt, or unhealthy before"
            }
            Self::NotUndone => "a fault could not be undone",
            Self::Interrupted => "interrupted, and cleaned up",
        }
    }

    /// Which of two holds: the first of 6, 1, 3, 5, 0. The others end a run before it has
    /// several, and outrank all.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.rank() <= other.rank() {
            self
        } else {
            other
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Interrupted => 0,
            Self::Usage => 1,
            Self::Input => 2,
            Self::NotUndone => 3,
            Self::Failed => 4,
            Self::CouldNot => 5,
            Self::Inconclusive => 6,
            Self::Held => 7,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Held => Self::Held,
            Verdict::Failed => Self::Failed,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_codes_the_first_of_six_one_three_five_zero_holds() {
        let order = [
            Exit::NotUndone,
            Exit::Failed,
            Exit::CouldNot,
            Exit::Inconclusive,
            Exit::Held,
        ];
        for (i, a) in order.into_iter().enumerate() {
            for b in order.into_iter().skip(i) {
                assert_eq!(a.and(b), a);
                assert_eq!(b.and(a), a);
            }
        }
    }
}
