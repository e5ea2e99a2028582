//! The settings of a service: of its environment, its files of settings, its command; each with
//! its variables replaced by what Compose would set, where the repository says it.

use std::collections::BTreeMap;

use msvc_system::dotenv;
use msvc_system::interpolate::{Interpolation, TemplateError};
use msvc_system::problem::Place;
use msvc_system::yaml::Node;

use super::env_file;
use super::service::inside;
use crate::tree::Tree;

/// A text names at most so many variables, one in the other's default included.
const VARIABLES: usize = 50;

/// A setting of a service.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name, where it has one.
    pub key: Option<String>,
    /// What it is set to: with what Compose would put for its variables. One that nothing of the
    /// repository sets stays, as `${NAME}`.
    pub value: String,
    /// The same as it stands there.
    pub written: String,
    /// What of the variables its value rests on: defaults, and what `.env` sets.
    pub rests_on: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// What stands for the variables of a Compose file.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Those of the `.env` beside a Compose file, as far as it is tracked and can be read.
    pub(super) fn of(folder: &str, tree: &Tree) -> Self {
        let file = inside(folder, ".env").and_then(|path| tree.text(&path));
        let told = file.and_then(|file| {
            let path = tree.root.join(&file.path);
            dotenv::parse(&path, file.text.as_bytes(), &BTreeMap::new()).ok()
        });
        let values = told.into_iter().flat_map(|told| told.values);
        Self(values.map(|(name, it)| (name, it.value)).collect())
    }

    /// Their names and values.
    pub(super) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// A text with its variables replaced, and what that rests on. What cannot be read stays.
    pub(super) fn replace(&self, text: &str) -> (String, Vec<String>) {
        if !text.contains('$') {
            return (text.to_owned(), Vec::new());
        }
        let mut set = self.0.clone();
        for _ in 0..VARIABLES {
            let mut unset = Vec::new();
            match Interpolation::new(&set).text(text, &mut unset) {
                Ok(value) if unset.is_empty() => return (value, self.rests_on(text)),
                Ok(_) => {}
                Err(TemplateError::Required { name, .. }) => unset.push(name),
                Err(_) => break,
            }
            for name in unset {
                let stays = format!("${{{name}}}");
                set.insert(name, stays);
            }
        }
        (text.to_owned(), Vec::new())
    }

    /// The variables in a text that `.env` sets, and those that have a default.
    pub(super) fn rests_on(&self, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (at, _) in text.match_indices('$') {
            let rest = &text[at + 1..];
            let (rest, braced) = match rest.strip_prefix('{') {
                Some(rest) => (rest, true),
                None => (rest, false),
            };
            let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
            let end = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
            let (name, form) = rest.split_at(end);
            let said = if self.0.contains_key(name) {
                format!("as .env sets `${name}`")
            } else if braced && (form.starts_with(":-") || form.starts_with('-')) {
                format!("where nobody sets `${name}`")
            } else {
                continue;
            };
            if !all.contains(&said) {
                all.push(said);
            }
        }
        all
    }
}

/// All settings of a service.
pub(super) fn settings(
    node: &Node,
    folder: &str,
    tree: &Tree,
    variables: &Variables,
) -> Vec<Setting> {
    let setting = |key: Option<&str>, written: String, place: &Place| {
        let (value, rests_on) = variables.replace(&written);
        Setting {
            key: key.map(str::to_owned),
            value,
            written,
            rests_on,
            place: place.clone(),
        }
    };
    let mut all = env_file::of(node, folder, tree, variables);
    for (name, value, place) in environment(node) {
        // It takes the place of what a file, or an earlier line, says.
        all.retain(|it| it.key.as_ref() != Some(&name));
        all.push(match value {
            Some(value) => setting(Some(&name), value, &place),
            None if variables.0.contains_key(&name) => {
                setting(Some(&name), format!("${{{name}}}"), &place)
            }
            // It is passed on as it is set outside.
            None => setting(None, name, &place),
        });
    }
    for key in ["command", "entrypoint"] {
        let Some(value) = node.get(key) else { continue };
        for value in value.items() {
            let Some(text) = value.text() else { continue };
            all.push(match text.split_once('=') {
                Some((key, said)) => setting(Some(key), said.to_owned(), &value.place),
                None => setting(None, text, &value.place),
            });
        }
        for word in value.as_str().unwrap_or_default().split_whitespace() {
            all.push(setting(None, word.to_owned(), &value.place));
        }
    }
    all
}

/// The names in a service's environment, each with its value where it has one.
fn environment(node: &Node) -> Vec<(String, Option<String>, Place)> {
    let Some(given) = node.get("environment") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (key, value) in given.entries() {
        let place = match value.text() {
            Some(_) => &value.place,
            None => &key.place,
        };
        all.push((key.text.clone(), value.text(), place.clone()));
    }
    for value in given.items() {
        let Some(text) = value.text() else { continue };
        let (name, said) = match text.split_once('=') {
            Some((name, said)) => (name, Some(said.to_owned())),
            None => (text.as_str(), None),
        };
        all.push((name.to_owned(), said, value.place.clone()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_what_compose_would_set_as_far_as_the_repository_says() {
        let variables = Variables(BTreeMap::from([("SET".to_owned(), "s".to_owned())]));
        for (text, value, rests_on) in [
            ("a", "a", ""),
            ("$$a", "$a", ""),
            ("${A:-b}c", "bc", "where nobody sets `$A`"),
            (
                "${A:-${B-b}}",
                "b",
                "where nobody sets `$A`, where nobody sets `$B`",
            ),
            ("${SET:-b}", "s", "as .env sets `$SET`"),
            ("$SET", "s", "as .env sets `$SET`"),
            ("${A:?say it}/${B}/$C", "${A}/${B}/${C}", ""),
            ("${A:-${B:?b}}", "${B}", "where nobody sets `$A`"),
            ("${", "${", ""),
        ] {
            let (found, why) = variables.replace(text);
            assert_eq!((found.as_str(), why.join(", ").as_str()), (value, rests_on));
        }
    }
}
