//! What all files of settings of a project cost together: one file that many services read, or that
//! many files include, is read as often.
//!
//! What comes in: how much each reading took. What leaves: an error once it was too much. What must
//! not enter: what the settings say.

use std::cell::Cell;

use crate::problem::{Place, Problem, Problems};

/// Bytes that all files of settings may have and give together: five of the largest. A thousand
/// services that each read a hundred settings come to two fifths of it. What they give is in memory
/// twice, as it is read and as it is printed.
const MOST: usize = 50_000_000;
/// Bytes that a setting costs beside its text.
const EACH: usize = 64;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct SettingsTotal(Cell<usize>);

impl SettingsTotal {
    /// Whether one more file may be read; `place` is where it is named.
    ///
    /// # Errors
    /// When those before it were too much already.
    pub(crate) fn may_read(&self, place: &Place) -> Result<(), Problem> {
        if self.0.get() <= MOST {
            return Ok(());
        }
        let what = format!(
            "the files of settings that are read here and before have and give more than {MOST} \
             bytes, each counted as often as it is named"
        );
        let hint = "name large files less often";
        Err(Problem::error(what).at(place.clone()).hint(hint))
    }

    /// Counts a file of so many bytes, read beside so many settings that were known.
    pub(crate) fn read(&self, bytes: usize, known: usize) {
        self.add(bytes.saturating_add(known.saturating_mul(EACH)));
    }

    /// Counts what was wrong with a file: it was read all the same.
    pub(crate) fn told(&self, wrong: &Problems) {
        let each = wrong.0.iter().map(|it| it.more.saturating_add(1));
        self.add(each.sum::<usize>().saturating_mul(EACH));
    }

    /// Counts values that a file gave.
    pub(crate) fn gave<'v>(&self, values: impl Iterator<Item = &'v str>) {
        values.for_each(|value| self.add(value.len().saturating_add(EACH)));
    }

    fn add(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_add(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_until_they_were_too_much() {
        let place = Place {
            file: "compose.yaml".into(),
            line: 1,
            column: 1,
        };
        let total = SettingsTotal::default();
        total.read(MOST - 3 * EACH - 1, 2);
        total.gave(["x"].into_iter());
        assert_eq!(total.may_read(&place), Ok(()));
        total.gave([""].into_iter());
        assert!(total.may_read(&place).is_err());
    }
}
