//! What is wrong with a file of settings: as many problems as are shown, and how many more there are, for
//! a file may have any number of wrong lines.

use crate::problem::{MOST_SHOWN, Problem, Problems, Severity};

/// What was told of a file so far.
#[derive(Default)]
pub(super) struct Told {
    kept: Problems,
    /// How many of these are errors.
    errors: usize,
    /// How many more errors there are.
    more: usize,
}

impl Told {
    /// Whether all errors are kept that are shown: of more only the number counts.
    pub(super) fn is_full(&self) -> bool {
        self.errors >= MOST_SHOWN
    }

    /// Counts an error, once there are more than are shown.
    pub(super) fn count(&mut self) {
        self.more += 1;
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if problem.severity == Severity::Error {
            if self.is_full() {
                self.more += 1 + problem.more;
                return;
            }
            self.errors += 1;
        }
        self.kept.push(problem);
    }

    /// Keeps what `tell` tells.
    pub(super) fn keep<T>(&mut self, tell: impl FnOnce(&mut Problems) -> T) -> T {
        let before = self.kept.0.len();
        let result = tell(&mut self.kept);
        for problem in self.kept.0.split_off(before) {
            self.push(problem);
        }
        result
    }

    /// All of it; of a file that is wrong the errors alone, since what is not set may be what a wrong
    /// line would have.
    pub(super) fn problems(self) -> Problems {
        let mut kept = self.kept;
        if self.errors > 0 {
            kept.0.retain(|problem| problem.severity == Severity::Error);
        }
        if let Some(last) = kept.0.last_mut() {
            last.more += self.more;
        }
        kept
    }
}
