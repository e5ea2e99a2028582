//! `include`: what other files declare becomes part of this one, each file read on its own, with its
//! own folder and its own `.env`.
//!
//! What comes in: a file's `include`. What leaves: the file without it, and with what the others
//! declare. The same thing declared here and there is an error, unless both say the same. What must
//! not enter: how one file is read ([`crate::load::files`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::dotenv::{self, Earlier};
use crate::git_source;
use crate::load::model::Loading;
use crate::model::Placed;
use crate::normal_path::normal;
use crate::problem::{FileName, Place, Problem, Problems, Severity};
use crate::yaml::{Node, NodeValue};
use import::import;

mod alike;
mod import;
mod kinds;
#[cfg(test)]
mod tests;

/// Files that include each other.
const MAX_DEPTH: usize = 50;
/// Times that files are included, one in the other and beside each other: files that each include
/// the next one twice would be read without end.
const MAX_INCLUDED: usize = 5_000;
/// Files of a circle that are named; of more its middle is left out.
const SHOWN: usize = 8;
/// The keys of an entry.
const KEYS: [&str; 3] = ["path", "project_directory", "env_file"];
/// What they are keys of.
const AN_ENTRY: &str = "an entry of `include`";

/// One entry of `include`.
struct Included {
    paths: Vec<PathBuf>,
    /// Where each of them is named.
    places: Vec<Place>,
    folder: PathBuf,
    /// The folder as its relative paths begin: from the folder of the file that includes.
    way: PathBuf,
    /// Where it is another than that of the file that includes.
    environment: Option<BTreeMap<String, String>>,
    /// What its own files of settings set.
    set: IndexMap<String, Placed<String>>,
    /// Whether all that sets something there can be read.
    are_settings_whole: bool,
}

/// Takes `include` out of a tree whose relative paths start at `folder`, and puts in what it names.
pub(crate) fn apply(
    tree: &mut Node,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    loading: &mut Loading<'_>,
    problems: &mut Problems,
) {
    let include = tree.remove("include");
    let Some(include) = include.filter(|node| !node.is_null() && !node.is_reset()) else {
        return;
    };
    let Some(items) = include.as_seq() else {
        problems.push(include.expected_list("`include`", "include", "more.yaml"));
        return;
    };
    // Each file alone: what is laid over another may include it.
    loading.way.push(tree.place.file.clone());
    all(items, tree, (folder, environment), loading, problems);
    loading.way.pop();
}

fn all(
    items: &[Node],
    tree: &mut Node,
    (folder, environment): (&Path, &BTreeMap<String, String>),
    loading: &mut Loading<'_>,
    problems: &mut Problems,
) {
    for item in items.iter().filter(|item| !item.is_null()) {
        if loading.included >= MAX_INCLUDED {
            let what = format!("files are included more than {MAX_INCLUDED} times");
            let problem = Problem::error(what).at(item.place.clone());
            problems.push(problem.hint("include each file once"));
            return;
        }
        loading.included += 1;
        if loading.is_full() {
            return;
        }
        match entry(item, folder, environment, loading, problems) {
            Ok(included) => {
                let files = included.paths.iter();
                let files: Vec<FileName> = files.map(|it| loading.shown(it).into()).collect();
                let before = problems.errors();
                match read(included, environment, loading, problems) {
                    Some(model) => import(model, &files, tree, loading.variables, problems),
                    // A file may be empty, too.
                    None => loading.unread.file |= problems.errors() > before,
                }
            }
            Err(problem) => {
                loading.unread.file = true;
                problems.push(problem);
            }
        }
    }
}

fn entry(
    item: &Node,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    loading: &Loading<'_>,
    problems: &mut Problems,
) -> Result<Included, Problem> {
    kinds::check(item)?;
    let named = texts(if item.as_str().is_some() {
        Some(item)
    } else {
        item.get("path")
    });
    if named.is_empty()
        && let Some(key) = item.misspelt("path", &KEYS)
    {
        return Err(key.unknown(AN_ENTRY, KEYS));
    }
    // Docker Compose reads on without a word.
    let unknown = item.unknown_keys(AN_ENTRY, &KEYS).into_iter();
    problems.0.extend(unknown.map(|problem| Problem {
        severity: Severity::Warning,
        ..problem
    }));
    if named.is_empty() {
        let problem = Problem::error("this entry of `include` names no file");
        return Err(problem.at(item.place.clone()).hint("write its `path`"));
    }
    let mut all = Vec::with_capacity(named.len());
    for (path, place) in &named {
        all.push(git_source::file(path, folder, loading.files, place)?);
    }
    let own = item.get("project_directory").and_then(Node::text);
    let named_own = own.filter(|text| !text.is_empty()).map(PathBuf::from);
    let main = all.first().and_then(|main| main.file.parent());
    let own = match &named_own {
        Some(own) => normal(&folder.join(own)),
        None => main.unwrap_or(folder).to_path_buf(),
    };
    // It stands for the folder that it is in, where then nobody looks for settings.
    let is_file = loading.files.is_file(&own);
    let own = match own.parent() {
        Some(folder) if is_file => folder.to_path_buf(),
        _ => own,
    };
    let is_whole = named_own.is_some_and(|own| own.is_absolute());
    let way = match all.first() {
        Some(main) if !is_whole => main.way(folder, &own),
        _ => own.clone(),
    };
    let files = texts(item.get("env_file"));
    let asked = !files.is_empty();
    let files = if asked {
        let whole = |(it, place)| (normal(&folder.join::<String>(it)), place);
        files.into_iter().map(whole).collect()
    } else if is_file {
        Vec::new()
    } else {
        vec![(own.join(".env"), &item.place)]
    };
    let mut earlier = Earlier {
        lacks_some: loading.unread.settings,
        ..Earlier::default()
    };
    let mut are_whole = true;
    let mut set = IndexMap::new();
    for (file, place) in files {
        loading.settings.may_read(place)?;
        let bytes = match loading.files.read(&file) {
            Ok(bytes) => bytes,
            Err(error) if !asked && error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let named = loading.files.named(&file);
                let what = format!("the `env_file` {} cannot be read: {error}", named.display());
                let hint = "a relative path counts from the folder of the file that includes";
                let hint = loading.files.advice(&file, &error, hint);
                return Err(Problem::error(what).at(place.clone()).hint(hint));
            }
        };
        let known = earlier.set.len() + environment.len();
        loading.settings.read(bytes.len(), known);
        match dotenv::parse_after(&loading.shown(&file), &bytes, environment, &earlier) {
            Ok(settings) => {
                if !earlier.lacks_some {
                    problems.0.extend(settings.warnings);
                }
                let values = settings.values.values().map(|it| it.value.as_str());
                loading.settings.gave(values);
                let texts = settings.values.iter();
                earlier
                    .set
                    .extend(texts.map(|(name, it)| (name.clone(), it.value.clone())));
                set.extend(settings.values);
            }
            Err(wrong) => {
                are_whole = false;
                earlier.lacks_some = true;
                loading.settings.told(&wrong);
                problems.0.extend(wrong.0);
            }
        }
    }
    let mut found = earlier.set;
    let environment = (!found.is_empty()).then(|| {
        found.extend(environment.clone());
        found
    });
    Ok(Included {
        paths: all.into_iter().map(|it| it.file).collect(),
        places: named.into_iter().map(|(_, place)| place.clone()).collect(),
        folder: own,
        way,
        environment,
        set,
        are_settings_whole: are_whole,
    })
}

/// The texts of a field that is one or a list of them, each with its place.
fn texts(node: Option<&Node>) -> Vec<(String, &Place)> {
    let node = node.filter(|node| !node.is_null());
    let items = match node.map(|node| &node.value) {
        Some(NodeValue::String(_)) => node.into_iter().collect(),
        Some(NodeValue::Seq(items)) => items.iter().collect(),
        _ => Vec::new(),
    };
    let items = items.into_iter();
    items
        .filter_map(|item| Some((item.text()?, &item.place)))
        .collect()
}

fn read(
    included: Included,
    environment: &BTreeMap<String, String>,
    loading: &mut Loading<'_>,
    problems: &mut Problems,
) -> Option<Node> {
    let place = included.places.first()?;
    let first = FileName::from(loading.shown(included.paths.first()?));
    if loading.way.len() >= MAX_DEPTH && !loading.way.contains(&first) {
        let what = format!("files include each other more than {MAX_DEPTH} deep");
        let hint = "include this file further up, where it is not that deep";
        problems.push(Problem::error(what).at(place.clone()).hint(hint));
        return None;
    }
    if loading.way.contains(&first) {
        // The circle alone: what leads there says nothing of it.
        let way = &loading.way;
        let begins = way.iter().position(|it| *it == first).unwrap_or_default();
        let circle = way.iter().skip(begins).chain([&first]);
        let mut names: Vec<String> = circle.map(|it| it.display().to_string()).collect();
        leave_out_middle(&mut names);
        let what = format!(
            "files include each other in a circle: {}",
            names.join(" -> ")
        );
        let problem = Problem::error(what).at(place.clone());
        problems.push(problem.hint("take one of these `include` away"));
        return None;
    }
    let around = loading.set_where.enter(included.set);
    for file in &included.paths {
        let shown = loading.shown(file).into();
        loading.set_where.read(shown);
    }
    let outer = loading.unread.settings;
    loading.unread.settings |= !included.are_settings_whole;
    let model = loading.model(
        &included.paths,
        &included.places,
        (&included.folder, &included.way),
        included.environment.as_ref().unwrap_or(environment),
        problems,
    );
    loading.set_where.leave(around);
    loading.unread.settings = outer;
    if let (Some(model), Some(own)) = (&model, &included.environment) {
        loading.hold(model, own, environment);
    }
    model
}

/// Leaves out the middle of a circle that is too long to be shown.
pub(crate) fn leave_out_middle(names: &mut Vec<String>) {
    if let Some(left_out) = names.len().checked_sub(SHOWN).filter(|it| *it > 0) {
        names.splice(SHOWN / 2..=SHOWN / 2 + left_out, ["…".to_owned()]);
    }
}
