//! `environment` over the files of `env_file`.

use std::collections::BTreeMap;
use std::io;

use indexmap::IndexMap;

use super::Context;
use super::scalars::{flag, optional_text};
use crate::dotenv::{self, Earlier};
use crate::forms::scalar_text;
use crate::model::Placed;
use crate::problem::{MOST_SHOWN, Problem, Problems};
use crate::yaml::{Node, shorten};

pub(crate) fn environment(
    name: &str,
    service: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> IndexMap<String, Placed<String>> {
    let mut all = match context.given.environment.get(name) {
        Some(given) => given.clone(),
        None => from_files(service, context, problems),
    };
    // It can be written, and be given to nobody.
    if let Some(nameless) = all.shift_remove("") {
        let problem = Problem::error("a setting without a name").at(nameless.place);
        problems.push(problem.hint("write NAME=value"));
    }
    for (key, value) in service.entries_of("environment") {
        if key.text.is_empty() || key.text.contains(['=', '\0']) {
            let what = format!("`{}` cannot be the name of a variable", shorten(&key.text));
            let problem = Problem::error(what).at(key.place.clone());
            problems.push(problem.hint(name_of(&key.text)));
            continue;
        }
        let text = if value.is_null() {
            context.environment.get(&key.text).cloned()
        } else {
            scalar_text(value)
        };
        let place = value.place.clone();
        match text {
            Some(value) => {
                all.insert(key.text.clone(), Placed { value, place });
            }
            // Named without a value that anybody gives: not set, whatever a file said.
            None => {
                if key.text.contains(':') {
                    // What stands there may be a variable's value.
                    let what = "this is a name with `:` in it, and without a value";
                    let problem = Problem::warning(what).at(key.place.clone());
                    problems.push(problem.hint("write `NAME=VALUE` in a list"));
                }
                all.shift_remove(&key.text);
            }
        }
    }
    all
}

/// The names in `environment` without a value that anybody gives.
pub(crate) fn unset(service: &Node, context: &Context<'_>) -> Vec<String> {
    let entries = service.entries_of("environment").iter();
    let unset = entries.filter(|(key, value)| {
        value.is_null() && !key.text.is_empty() && !context.environment.contains_key(&key.text)
    });
    unset.map(|(key, _)| key.text.clone()).collect()
}

/// What the files of `env_file` set; variables in them look at what is set for the project first, then
/// at the service's own `environment`, then at what stands earlier in the files.
pub(crate) fn from_files(
    service: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> IndexMap<String, Placed<String>> {
    let mut all = IndexMap::new();
    let files = service.items_of("env_file");
    if files.is_empty() {
        return all;
    }
    let mut set: BTreeMap<String, String> = BTreeMap::new();
    let own = service.entries_of("environment");
    for (key, value) in own {
        if let Some(text) = scalar_text(value).filter(|_| !value.is_null()) {
            set.insert(key.text.clone(), text);
        }
    }
    set.extend(context.environment.clone());
    let mut earlier = Earlier {
        lacks_some: context.lacks_settings,
        ..Earlier::default()
    };
    let mut files = files.iter().peekable();
    while let Some(item) = files.next() {
        let mut told = Problems::default();
        match from_file(item, &set, &earlier, context, &mut told) {
            Ok(values) => {
                // What a file sets that cannot be read is not known to those after it.
                if !earlier.lacks_some {
                    problems.0.extend(told.0);
                }
                // Nobody looks at what the last one sets.
                if files.peek().is_some() {
                    let texts = values.iter();
                    earlier
                        .set
                        .extend(texts.map(|(name, it)| (name.clone(), it.value.clone())));
                }
                all.extend(values);
            }
            Err(found) => {
                earlier.lacks_some = true;
                problems.0.extend(told.0);
                problems.0.extend(found.0);
            }
        }
    }
    all
}

/// What to write in place of a name that no variable has.
fn name_of(wrong: &str) -> String {
    match wrong.split_once('=') {
        Some((name, _)) if !name.is_empty() && !name.contains('\0') => {
            format!("write `{}`, and the value behind the colon", shorten(name))
        }
        _ => "write NAME: value".to_owned(),
    }
}

fn from_file(
    item: &Node,
    set: &BTreeMap<String, String>,
    earlier: &Earlier,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<IndexMap<String, Placed<String>>, Problems> {
    let (path_node, format, required) = match item.as_map() {
        None => (item, None, true),
        Some(_) => {
            let wrong = || {
                let problem = Problem::error("this entry of `env_file` has no `path`");
                problem.at(item.place.clone()).hint("add `path: web.env`")
            };
            let required = match item.get("required").filter(|n| !n.is_null()) {
                Some(node) => flag(node, "`env_file.required`")?,
                None => true,
            };
            let format = optional_text(item.get("format"), "`env_file.format`", problems);
            let format = format.filter(|format| !format.is_empty());
            (item.get("path").ok_or_else(wrong)?, format, required)
        }
    };
    let path = scalar_text(path_node).filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| {
        let problem = match path_node.as_str() {
            Some(_) => Problem::error("an entry of `env_file` is empty"),
            None => path_node.expected("an entry of `env_file`", "a path"),
        };
        let problem = problem.at(path_node.place.clone());
        problem.hint("write `env_file: [web.env]`")
    })?;
    let file = context.path(&path);
    context.settings.may_read(&path_node.place)?;
    let bytes = match context.files.read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
            return Ok(IndexMap::new());
        }
        Err(error) => {
            let otherwise = match error.kind() {
                io::ErrorKind::NotFound => "create it, or write `required: false`",
                _ => "name a file that can be read, or take it out of `env_file`",
            };
            // What is beside it is looked for as long as anybody reads it.
            let hint = match problems.0.len() < MOST_SHOWN {
                true => context.files.advice(&file, &error, otherwise),
                false => otherwise.to_owned(),
            };
            return Err(Problem::error(format!(
                "the `env_file` {} cannot be read: {error}",
                context.files.named(&file).display()
            ))
            .at(path_node.place.clone())
            .hint(hint)
            .into());
        }
    };
    let shown = context.shown(&file);
    let known = set.len() + earlier.set.len();
    context.settings.read(bytes.len(), known);
    let read = match format.as_deref() {
        None => dotenv::parse_after(&shown, &bytes, set, earlier).map(|settings| {
            problems.0.extend(settings.warnings);
            settings.values
        }),
        Some("raw") => dotenv::raw(&shown, &bytes, &dotenv::over(&earlier.set, set)),
        Some(other) => {
            let what = format!("`env_file` has no format `{}`", shorten(other));
            let place = item.get("format").map_or(&item.place, |node| &node.place);
            let problem = Problem::error(what).at(place.clone());
            return Err(problem.hint("write `format: raw`, or take it away").into());
        }
    };
    let values = read.inspect_err(|wrong| context.settings.told(wrong))?;
    let texts = values.values().map(|it| it.value.as_str());
    context.settings.gave(texts);
    Ok(values)
}
