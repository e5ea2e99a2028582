//! The order in which names that somebody gave stand in YAML: Docker Compose's, in which a number counts as
//! one (`A_2` before `A_10`), and `_` and the like before letters.
//!
//! What comes in: a printed tree. What leaves: the same, its names in order. What must not enter: the order
//! of fields, which the table has.

use std::cmp::Ordering;

use super::tree::{Fields, Tree};
use crate::fields::{FILE, Level, Out};

/// Sorts the names in a printed file, wherever the table says that somebody gives them.
pub(super) fn arrange(project: &mut Fields) {
    level(project, &FILE);
}

fn level(fields: &mut Fields, level: &'static Level) {
    for (key, value) in fields {
        if let Some(field) = level.field(key) {
            of_field(value, field.out);
        }
    }
}

fn of_field(tree: &mut Tree, out: Out) {
    match (tree, out) {
        (Tree::Map(fields), Out::In(of) | Out::InAlways(of)) => level(fields, of),
        (Tree::List(items), Out::Each(of) | Out::Bare(of)) => {
            let items = items.iter_mut().filter_map(Tree::fields_mut);
            items.for_each(|fields| level(fields, of));
        }
        (Tree::Map(fields), Out::Entries(of) | Out::EntriesOrNull(of)) => {
            sort(fields);
            let entries = fields.values_mut().filter_map(Tree::fields_mut);
            entries.for_each(|fields| level(fields, of));
        }
        (
            Tree::Map(fields),
            Out::Settings
            | Out::PlainSettings
            | Out::Environment
            | Out::MultiSettings
            | Out::Limits(_),
        ) => sort(fields),
        _ => {}
    }
}

/// Sorts the fields of one mapping.
pub(super) fn sort(fields: &mut Fields) {
    fields.sort_by(|one, _, other, _| natural(one, other));
}

/// The same of all that stand in a tree.
pub(super) fn sort_all(tree: &mut Tree) {
    match tree {
        Tree::Map(fields) => {
            sort(fields);
            fields.values_mut().for_each(sort_all);
        }
        Tree::List(items) => items.iter_mut().for_each(sort_all),
        _ => {}
    }
}

/// A part of a name.
#[derive(PartialEq, Eq)]
enum Part<'n> {
    Letter(char),
    Other(char),
    /// A number: what tells it from others, and how long it is with the noughts before that.
    Number(&'n str, usize),
}

/// Compares two names: at the first part in which they differ.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one, other);
    let mut is_behind_number = false;
    loop {
        let order = match (part(&mut ones), part(&mut others)) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(one), Some(other)) if one == other => {
                is_behind_number = matches!(one, Part::Number(..));
                continue;
            }
            (Some(one), Some(other)) => (one, other),
        };
        return match order {
            (Part::Letter(one), Part::Letter(other)) | (Part::Other(one), Part::Other(other)) => {
                one.cmp(&other)
            }
            (Part::Number(one, all), Part::Number(other, others)) => {
                let size = one.len().cmp(&other.len());
                size.then_with(|| one.cmp(other)).then(all.cmp(&others))
            }
            (Part::Letter(_), _) if is_behind_number => Ordering::Less,
            (Part::Letter(_), _) => Ordering::Greater,
            (_, Part::Letter(_)) if is_behind_number => Ordering::Greater,
            (_, Part::Letter(_)) => Ordering::Less,
            (Part::Other(_), Part::Number(..)) => Ordering::Less,
            (Part::Number(..), Part::Other(_)) => Ordering::Greater,
        };
    }
}

/// Takes the first part of what is left of a name.
fn part<'n>(rest: &mut &'n str) -> Option<Part<'n>> {
    let first = rest.chars().next()?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (taken, left) = rest.split_at_checked(digits.max(first.len_utf8()))?;
    *rest = left;
    Some(match first {
        '0'..='9' => Part::Number(taken.trim_start_matches('0'), taken.len()),
        letter if letter.is_alphabetic() => Part::Letter(letter),
        other => Part::Other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_as_docker_compose_has_them() {
        // What its 2.40.3 prints of these names in an `environment`.
        let wanted = [
            "-a",
            "_",
            "_a",
            "0",
            "00",
            "1",
            "1a",
            "1_",
            "01",
            "2",
            "2a",
            "10",
            "10a",
            "100",
            "A",
            "A-b",
            "A_2",
            "A_10",
            "A0b",
            "A00b",
            "A1",
            "A1a",
            "A1_",
            "A2",
            "A10",
            "AB",
            "DB_DATA_B",
            "DB_DATABASE",
            "a",
            "é",
            "éa",
        ];
        let mut names = wanted;
        names.reverse();
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(names, wanted);
    }

    proptest::proptest! {
        #[test]
        fn any_three_names_have_one_order(
            one in "[aé_0-2-]{0,4}", two in "[aé_0-2-]{0,4}", three in "[aé_0-2-]{0,4}",
        ) {
            assert_eq!(natural(&one, &two), natural(&two, &one).reverse());
            assert_eq!(natural(&one, &two) == Ordering::Equal, one == two);
            if natural(&one, &two).is_le() && natural(&two, &three).is_le() {
                assert!(natural(&one, &three).is_le(), "{one} {two} {three}");
            }
        }
    }
}
