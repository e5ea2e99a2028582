//! Files of settings whose values stand for themselves (`format: raw`).

use std::collections::BTreeMap;
use std::path::Path;

use indexmap::IndexMap;

use super::{MAX_SETTINGS, Text, Told, named};
use crate::model::Placed;
use crate::problem::{FileName, Place, Problem, Problems};

/// The text as it is: every line a setting, nothing quoted and nothing replaced (`format: raw`). A
/// name alone takes what is `set`, or is left out.
///
/// # Errors
/// When a line is no setting, or one that is not UTF-8 is no comment.
pub fn raw(
    file: &Path,
    bytes: &[u8],
    set: &BTreeMap<String, String>,
) -> Result<IndexMap<String, Placed<String>>, Problems> {
    let file = FileName::from(file);
    let at = |line: usize| Place {
        file: file.clone(),
        line: u32::try_from(line + 1).unwrap_or(u32::MAX),
        column: 1,
    };
    let text = Text::of(bytes);
    let mut all = IndexMap::new();
    let mut told = Told::default();
    for (i, line) in text.rest().lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, set.get(line).cloned()),
        };
        let has_space = name.contains(char::is_whitespace);
        let checked = text.check(line, &at(i));
        let is_wrong = name.is_empty() || has_space || checked.is_err();
        if is_wrong && let Some(foreign) = text.foreign(name, &at(i)) {
            told.push(foreign);
            break;
        } else if is_wrong && told.is_full() {
            told.count();
        } else if let Err(problem) = checked {
            told.push(problem);
        } else if name.is_empty() {
            told.push(wrong("a setting without a name", at(i)));
        } else if has_space {
            let named = named(name, value.is_some());
            let what = format!("{named} cannot be the name of a setting: it has a space in it");
            told.push(wrong(what, at(i)));
        } else if all.len() == MAX_SETTINGS {
            let what = format!("the file has more than {MAX_SETTINGS} settings");
            told.push(wrong(what, at(i)));
            break;
        } else if let Some(value) = value {
            let place = at(i);
            all.insert(name.to_owned(), Placed { value, place });
        }
    }
    told.problems().or(all)
}

fn wrong(what: impl Into<String>, place: Place) -> Problem {
    Problem::error(what).at(place).hint("write NAME=value")
}
