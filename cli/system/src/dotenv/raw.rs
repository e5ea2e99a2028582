//! Files of settings whose values stand for themselves (`format: raw`).

use std::collections::BTreeMap;
use std::path::Path;

use indexmap::IndexMap;

use super::{MAX_SETTINGS, Text, named};
use crate::model::Placed;
use crate::problem::{FileName, MOST_SHOWN, Place, Problem, Problems};

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
    let mut problems = Problems::default();
    for (i, line) in text.rest().lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if problems.errors() > MOST_SHOWN {
            break;
        }
        if let Err(problem) = text.check(line, &at(i)) {
            problems.push(problem);
            continue;
        }
        let mut wrong =
            |what: String| problems.push(Problem::error(what).at(at(i)).hint("write NAME=value"));
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, set.get(line).cloned()),
        };
        if name.is_empty() {
            wrong("a setting without a name".to_owned());
        } else if name.contains(char::is_whitespace) {
            let named = named(name, value.is_some());
            wrong(format!(
                "{named} cannot be the name of a setting: it has a space in it"
            ));
        } else if all.len() == MAX_SETTINGS {
            wrong(format!("the file has more than {MAX_SETTINGS} settings"));
            break;
        } else if let Some(value) = value {
            let place = at(i);
            all.insert(name.to_owned(), Placed { value, place });
        }
    }
    problems.or(all)
}
