//! A service's files of settings, read as Compose reads them: with quotes, comments, `export`, and
//! variables of the same file. What nothing in the repository sets stays, as `${NAME}`.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::dotenv;
use msvc_system::yaml::Node;

use super::service::inside;
use super::setting::{Setting, Variables};
use crate::tree::{TextFile, Tree};

/// The settings that a service's files of settings make, the last of a name alone.
pub(super) fn of(node: &Node, folder: &str, tree: &Tree, variables: &Variables) -> Vec<Setting> {
    let Some(given) = node.get("env_file") else {
        return Vec::new();
    };
    let mut all: BTreeMap<String, Setting> = BTreeMap::new();
    for item in given.items().iter().chain([given]) {
        let path = item.text().or_else(|| item.get("path")?.text());
        let path = path.and_then(|path| inside(folder, &variables.replace(&path).0));
        let Some(file) = path.and_then(|path| tree.text(&path)) else {
            continue;
        };
        let is_raw = item.get("format").and_then(Node::text).as_deref() == Some("raw");
        for (name, value, line) in read(file, is_raw, tree, variables) {
            let written = file.text.lines().nth(line.saturating_sub(1) as usize);
            let rests_on = match is_raw {
                true => Vec::new(),
                false => variables.rests_on(written.unwrap_or_default()),
            };
            let setting = Setting {
                key: Some(name.clone()),
                written: value.clone(),
                value,
                rests_on,
                place: tree.place(&file.path, line),
            };
            all.insert(name, setting);
        }
    }
    all.into_values().collect()
}

/// The names, values and lines of a file. Lines that are no setting are passed by.
fn read(
    file: &TextFile,
    is_raw: bool,
    tree: &Tree,
    variables: &Variables,
) -> Vec<(String, String, u32)> {
    let path = tree.root.join(&file.path);
    if is_raw {
        let told = dotenv::raw(&path, file.text.as_bytes(), &BTreeMap::new());
        let told = told.unwrap_or_default().into_iter();
        return told
            .map(|(name, it)| (name, it.value, it.place.line))
            .collect();
    }
    let set = known(&file.text, variables);
    if let Ok(told) = dotenv::parse(&path, file.text.as_bytes(), &set) {
        let told = told.values.into_iter();
        return told
            .map(|(name, it)| (name, it.value, it.place.line))
            .collect();
    }
    let mut all = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let told = dotenv::parse(&path, line.as_bytes(), &set);
        let values = told.into_iter().flat_map(|told| told.values);
        all.extend(values.map(|(name, it)| (name, it.value, number)));
    }
    all
}

/// What is set for a file: by `.env`, and, as themselves, those that nobody sets.
fn known(text: &str, variables: &Variables) -> BTreeMap<String, String> {
    let mut set = variables.all().clone();
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let lines = text.lines().map(|line| line.trim_start());
    let lines = lines.map(|line| line.strip_prefix("export ").unwrap_or(line).trim_start());
    let made: BTreeSet<&str> = lines
        .filter_map(|line| line.split_once(['=', ':']))
        .map(|(name, _)| name.trim())
        .collect();
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let (rest, braced) = match rest.strip_prefix('{') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (name, after) = rest.split_at(rest.find(|it| !is_name(it)).unwrap_or(rest.len()));
        let is_bare = !braced
            || after.starts_with('}')
            || after.starts_with(['?', ':']) && after.trim_start_matches(':').starts_with('?');
        if is_bare && !name.is_empty() && !made.contains(name) && !set.contains_key(name) {
            set.insert(name.to_owned(), format!("${{{name}}}"));
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_settings_is_read_as_compose_does() {
        let text = "export A=db\nB='shop' # theirs\nC=\"a # b\" # c\nD=postgres://${A}/x\n\
                    E=${UNSET}\nF=${OTHER:-d}\n# G=x\nH: y\nno setting at all\n";
        for text in [text, &text.replace("no setting at all\n", "")] {
            let file = TextFile {
                path: ".env.db".to_owned(),
                text: text.to_owned(),
            };
            let tree = Tree::default();
            let all = read(&file, false, &tree, &Variables::default());
            let value = |name: &str| {
                all.iter()
                    .find(|(it, ..)| it == name)
                    .map(|it| it.1.as_str())
            };
            for (name, wanted) in [
                ("A", Some("db")),
                ("B", Some("shop")),
                ("C", Some("a # b")),
                ("E", Some("${UNSET}")),
                ("G", None),
                ("H", Some("y")),
            ] {
                assert_eq!(value(name), wanted, "{name} of {text}");
            }
            if !text.contains("no setting") {
                assert_eq!(value("D"), Some("postgres://db/x"));
                assert_eq!(value("F"), Some("d"));
            }
        }
    }
}
