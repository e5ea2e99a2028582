//! The variable that is set and most likely meant by one that is not.

use std::collections::BTreeMap;

use crate::problem::Problems;

/// Letters that a name has at least to be near another.
const LEAST: usize = 4;
/// Letters from which on a name may have two slips.
const LONG: usize = 8;
/// Names that are compared in a run, for each problem anew: a file may have any number of wrong ones.
const MOST: usize = 200_000;

/// The name in `environment` that is meant by `name`. It is nearer than names of other things are: whoever calls
/// msvc has set a hundred variables that the files have nothing to do with.
pub(super) fn near<'e>(
    name: &str,
    environment: &'e BTreeMap<String, String>,
    problems: &Problems,
) -> Option<&'e str> {
    let is_cheap = environment.len().saturating_mul(1 + problems.0.len()) <= MOST;
    if !is_cheap || name.len() < LEAST {
        return None;
    }
    let slips = if name.len() < LONG { 1 } else { 2 };
    let wanted = name.to_ascii_lowercase();
    let set = environment.keys().map(String::as_str);
    let alike = set.filter(|it| {
        it.len() >= LEAST && it.len().abs_diff(name.len()) <= slips && is_another(it, name)
    });
    let measured = alike.map(|it| {
        let distance = strsim::damerau_levenshtein(&wanted, &it.to_ascii_lowercase());
        (distance, it)
    });
    let near = measured.filter(|(distance, _)| *distance <= slips);
    near.min().map(|(_, it)| it)
}

/// Whether more than their numbers tells two names apart: `DB1_HOST` is not meant by `DB2_HOST`.
fn is_another(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    letters(one) != letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_near_with_one_slip_or_two_where_it_is_long_and_not_by_a_number() {
        let set = ["DB_PASSWORD", "HOME", "PORT", "DB1_HOST", "TAG"];
        let set: BTreeMap<String, String> = set.map(|it| (it.to_owned(), String::new())).into();
        for (name, wanted) in [
            ("DB_PASWORD", Some("DB_PASSWORD")),
            ("DB_PASSWROD", Some("DB_PASSWORD")),
            ("DB_PSSWRD", Some("DB_PASSWORD")),
            ("db_password", Some("DB_PASSWORD")),
            ("PORTT", Some("PORT")),
            ("HOST", None),
            ("DB2_HOST", None),
            ("TAGS", None),
            ("A", None),
        ] {
            assert_eq!(near(name, &set, &Problems::default()), wanted, "{name}");
        }
    }
}
