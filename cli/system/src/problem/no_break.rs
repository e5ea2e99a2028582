//! Signs that look like others among what is told: no-break spaces, each named where it stands, so that what
//! follows from it is not told beside it, and quotes of a word processor.

use std::collections::HashSet;

use super::{Place, Problems, Severity};

/// What is said of those that stand where YAML asks for a space.
pub(crate) const TOLD: &str = "no-break spaces, which YAML does not take for ";

/// Whether a sign looks like a space, and is none to YAML.
pub(crate) fn is_odd(sign: char) -> bool {
    sign.is_whitespace() && !sign.is_ascii()
}

/// Of a mapping whose lines begin with them only they are told, not that it is nothing; a value that begins
/// with one has that as its hint.
pub(super) fn name(problems: &mut Problems) {
    let told = problems.0.iter().filter(|it| it.what.starts_with(TOLD));
    let lines: HashSet<Place> = told.filter_map(|it| it.place.as_ref().map(first)).collect();
    problems.0.retain(|problem| {
        let is_nothing = problem.what.ends_with(", not nothing");
        let place = problem.place.as_ref().filter(|_| is_nothing);
        let next = place.map(|place| Place {
            line: place.line.saturating_add(1),
            ..first(place)
        });
        next.is_none_or(|next| !lines.contains(&next))
    });
    for problem in &mut problems.0 {
        let quoted = |part: &str| part.starts_with(['“', '”', '‘', '’', '„']);
        if problem.severity == Severity::Error && problem.what.split('`').any(quoted) {
            problem.hint = Some("write `\"` in place of the quotes of a word processor".to_owned());
        }
        if problem.what.split('`').any(|part| part.starts_with(is_odd)) {
            problem.hint = Some("take the no-break space away that it begins with".to_owned());
        }
    }
}

/// The place where the line of one begins.
fn first(place: &Place) -> Place {
    Place {
        column: 1,
        ..place.clone()
    }
}
