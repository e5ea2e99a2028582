//! Where a variable stands that a problem is about: a text knows where it begins, and the file how it is
//! written, over how many lines and behind what indentation.

use std::path::Path;

use super::{Part, Place, Problem};
use crate::files::Files;

/// How far a text was looked through.
struct Reached {
    /// Where the text begins.
    text: Place,
    /// Dollar signs passed in it.
    signs: usize,
    /// Where the next is looked for.
    at: Place,
}

/// Moves each problem about a variable to where that stands. They stand in order: a text with thousands
/// of variables is looked through once.
pub(super) fn find(problems: &mut [Problem], files: &Files, shown_from: &Path) {
    let mut reached: Option<Reached> = None;
    for problem in problems {
        let Part::Variable { signs, characters } = problem.part else {
            continue;
        };
        problem.part = Part::Whole;
        let Some(place) = &problem.place else {
            continue;
        };
        let mut from = match reached.take() {
            Some(reached) if reached.text == *place && reached.signs <= signs => reached,
            _ => Reached {
                text: place.clone(),
                signs: 0,
                at: place.clone(),
            },
        };
        if let Some(found) = from.go_to(signs, files, shown_from) {
            problem.place = Some(found);
            problem.part = Part::Characters(characters);
            reached = Some(from);
        }
    }
}

impl Reached {
    /// The place of the dollar sign before which so many stand in the text.
    fn go_to(&mut self, signs: usize, files: &Files, shown_from: &Path) -> Option<Place> {
        let path = shown_from.join(&self.at.file);
        loop {
            let line = files.line(&path, self.at.line)?;
            let begin = usize::try_from(self.at.column).ok()?.checked_sub(1)?;
            let characters = line.chars().enumerate().skip(begin);
            for (column, _) in characters.filter(|(_, c)| *c == '$') {
                if self.signs == signs {
                    self.at.column = u32::try_from(column).ok()?.checked_add(1)?;
                    return Some(self.at.clone());
                }
                self.signs += 1;
            }
            self.at.line = self.at.line.checked_add(1)?;
            self.at.column = 1;
        }
    }
}
