//! Which names there are, where one was asked for that is none of them and near to none.

use crate::yaml::shorten;

/// Names that are told.
const MOST: usize = 5;
/// Names that are counted beyond those: as many services may each name one that is not there.
const COUNTED: usize = 1_000;

/// The names that there are of `what` ("services"), or that there are none.
pub(crate) fn there_are<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut all = names.fuse();
    let shown = all.by_ref().take(MOST);
    let mut names: Vec<String> = shown.map(|name| format!("`{}`", shorten(name))).collect();
    match all.take(COUNTED).count() {
        0 => {}
        COUNTED => names.push(format!("{COUNTED} more at least")),
        more => names.push(format!("{more} more")),
    }
    match names.pop() {
        None => format!("there are no other {what}: declare it under `{what}`"),
        Some(last) if names.is_empty() => format!("{what} here: {last}"),
        Some(last) => format!("{what} here: {} and {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_told_and_of_many_how_many_more() {
        let told = |names: &[&str]| there_are("services", names.iter().copied());
        assert_eq!(
            told(&[]),
            "there are no other services: declare it under `services`"
        );
        assert_eq!(told(&["db"]), "services here: `db`");
        assert_eq!(told(&["a", "b", "c"]), "services here: `a`, `b` and `c`");
        assert_eq!(
            told(&["a", "b", "c", "d", "e", "f", "g"]),
            "services here: `a`, `b`, `c`, `d`, `e` and 2 more"
        );
        assert_eq!(
            told(&["a"; 20_000]),
            "services here: `a`, `a`, `a`, `a`, `a` and 1000 more at least"
        );
    }
}
