//! Whose the parts are, as files declare it: `CODEOWNERS` as GitHub and GitLab read it, and
//! `x-msvc.owner`.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::glob::is_met;
use crate::repository::Repository;
use crate::tree::{TextFile, is_source};

/// Where the file may stand; the first is read.
const PLACES: [&str; 4] = [
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitlab/CODEOWNERS",
];

/// A rule: whose the files are that a pattern meets.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pattern: String,
    owners: BTreeSet<String>,
}

impl Rule {
    /// Whether it names anybody.
    #[must_use]
    pub fn has_owners(&self) -> bool {
        !self.owners.is_empty()
    }
}

/// The file of owners.
#[must_use]
pub fn file(repository: &Repository) -> Option<&TextFile> {
    let tree = &repository.tree;
    PLACES.into_iter().find_map(|path| tree.text(path))
}

/// Its rules, in order; without an owner they take files from the owners above.
#[must_use]
pub fn rules(text: &str) -> Vec<Rule> {
    let mut all = Vec::new();
    // GitLab's sections give owners to the rules in them that have none.
    let mut section = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let head = line.strip_prefix('^').unwrap_or(line);
        if let Some((_, rest)) = head.strip_prefix('[').and_then(|it| it.split_once(']')) {
            section = owners(rest);
            continue;
        }
        let spaced = line.replace("\\ ", "\u{0}");
        let (pattern, rest) = spaced
            .split_once(char::is_whitespace)
            .unwrap_or((&spaced, ""));
        let mut owners = owners(rest);
        if owners.is_empty() {
            owners.clone_from(&section);
        }
        all.push(Rule {
            pattern: pattern.replace('\u{0}', " "),
            owners,
        });
    }
    all
}

/// The people and teams of a rule: names with `@`, and addresses.
fn owners(text: &str) -> BTreeSet<String> {
    let words = text.split_whitespace().filter(|word| {
        let (before, after) = word.split_once('@').unwrap_or(("", ""));
        !after.is_empty() && (before.is_empty() || after.contains('.'))
    });
    words.map(str::to_lowercase).collect()
}

/// Whether a rule is about a path: as `.gitignore` reads patterns.
fn is_about(pattern: &str, path: &str) -> bool {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let bare = pattern.trim_start_matches('/');
    let pattern = match anchored {
        true => bare.to_owned(),
        false => format!("**/{bare}"),
    };
    if bare.is_empty() {
        return true;
    }
    if let Some(folder) = pattern.strip_suffix('/') {
        return is_met(&format!("{folder}/**"), path);
    }
    // A name without a star may be a folder's, and all in it.
    let folder = !pattern.ends_with('*') && is_met(&format!("{pattern}/**"), path);
    folder || is_met(&pattern, path)
}

/// Whose each part is, by its name: of all its source files' owners those of the most.
#[must_use]
pub fn of_parts(repository: &Repository) -> BTreeMap<String, BTreeSet<String>> {
    let rules = file(repository)
        .map(|file| rules(&file.text))
        .unwrap_or_default();
    let mut all = BTreeMap::new();
    for context in &repository.contexts.all {
        let owners =
            of_files(repository, context, &rules).or_else(|| declared(repository, context));
        if let Some(owners) = owners {
            all.insert(context.name.clone(), owners);
        }
    }
    all
}

fn of_files(
    repository: &Repository,
    context: &Context,
    rules: &[Rule],
) -> Option<BTreeSet<String>> {
    if rules.is_empty() {
        return None;
    }
    let paths = repository.tree.paths.iter();
    let own = paths.filter(|path| context.has(path) && is_source(path));
    let mut files: BTreeMap<&BTreeSet<String>, usize> = BTreeMap::new();
    let nobody = BTreeSet::new();
    for path in own {
        let last = rules
            .iter()
            .rev()
            .find(|rule| is_about(&rule.pattern, path));
        *files
            .entry(last.map_or(&nobody, |rule| &rule.owners))
            .or_default() += 1;
    }
    let (owners, _) = files.into_iter().max_by_key(|(_, files)| *files)?;
    (!owners.is_empty()).then(|| owners.clone())
}

/// The owners that the Compose file names for a part's services.
fn declared(repository: &Repository, context: &Context) -> Option<BTreeSet<String>> {
    let services = repository.compose.iter().flat_map(|it| &it.services);
    let own = services.filter(|service| {
        let folder = service.build.as_ref();
        folder.is_some_and(|folder| context.folders.contains(folder))
            || service.context.as_ref() == Some(&context.name)
            || service.name == context.name
    });
    let owners: BTreeSet<String> = own.filter_map(|service| service.owner.clone()).collect();
    (!owners.is_empty()).then_some(owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_owners_or_take_them_away() {
        let all = rules(
            "# nobody\n*.md @docs\n/orders/ \n/users/ # nobody\n/a\\ b/ ann@x.org @t/s # c\n[Web][2] @web\nweb/\n",
        );
        let said: Vec<(&str, usize)> = all
            .iter()
            .map(|it| (it.pattern.as_str(), it.owners.len()))
            .collect();
        assert_eq!(
            said,
            [
                ("*.md", 1),
                ("/orders/", 0),
                ("/users/", 0),
                ("/a b/", 2),
                ("web/", 1)
            ]
        );
    }

    #[test]
    fn a_pattern_is_about_what_git_says_it_is() {
        for (pattern, path, about) in [
            ("*", "a/b.py", true),
            ("*.md", "a/b.md", true),
            ("*.md", "a/b.py", false),
            ("/orders/", "orders/a/b.py", true),
            ("/orders", "orders/a.py", true),
            ("orders/", "x/orders/a.py", true),
            ("/orders/", "x/orders/a.py", false),
            ("orders/*", "orders/a.py", true),
            ("orders/*", "orders/a/b.py", false),
            ("/nosuch/", "orders/a.py", false),
            ("/", "orders/a.py", true),
            ("**", "orders/a.py", true),
            ("services/**/api", "services/a/api/x.py", true),
        ] {
            assert_eq!(is_about(pattern, path), about, "{pattern} {path}");
        }
    }
}
