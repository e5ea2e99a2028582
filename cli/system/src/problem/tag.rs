//! Where a tag stands that a problem is about: before its value, in the same line or one above.

use std::path::Path;

use super::{Part, Place, Problem};
use crate::files::Files;

/// Lines in which a tag is looked for: what stands in between is a comment at most.
const MOST: u32 = 5;
/// Problems for which lines above are looked at: to go back in a file it is read from its beginning.
const LOOKED_AT: usize = 20;

/// Moves each problem about a tag to where that stands.
pub(super) fn find(problems: &mut [Problem], files: &Files, shown_from: &Path) {
    let mut looked_at = 0;
    for problem in problems {
        let Part::Tag(characters) = problem.part else {
            continue;
        };
        problem.part = Part::Whole;
        looked_at += 1;
        let above = if looked_at > LOOKED_AT { 0 } else { MOST };
        if let Some(place) = &problem.place
            && let Some(found) = before(place, (characters, above), files, shown_from)
        {
            problem.place = Some(found);
            problem.part = Part::Characters(characters);
        }
    }
}

/// The place of what begins with `!` and has so many characters, the last before `place` in its line or
/// so many above.
fn before(
    place: &Place,
    (characters, above): (usize, u32),
    files: &Files,
    shown_from: &Path,
) -> Option<Place> {
    let path = shown_from.join(&place.file);
    let mut end = usize::try_from(place.column).ok()?.checked_sub(1)?;
    for line in (place.line.saturating_sub(above).max(1)..=place.line).rev() {
        let text: Vec<char> = files.line(&path, line)?.chars().collect();
        let text = text.get(..end.min(text.len()))?;
        let signs = text.iter().enumerate().rev().filter(|(_, c)| **c == '!');
        let mut tags = signs.filter(|(at, _)| {
            let word = text.iter().skip(*at).take_while(|c| !c.is_whitespace());
            word.count() == characters
        });
        if let Some((at, _)) = tags.next() {
            return Some(Place {
                line,
                column: u32::try_from(at + 1).ok()?,
                file: place.file.clone(),
            });
        }
        end = usize::MAX;
    }
    None
}
