//! `include`: what other files declare becomes part of this one, each file read on its own, with its
//! own folder and its own `.env`.
//!
//! What comes in: a file's `include`. What leaves: the file without it, and with what the others
//! declare. The same thing declared here and there is an error, unless both say the same. What must
//! not enter: how one file is read ([`crate::load::files`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::dotenv;
use crate::load::model::Loading;
use crate::problem::{Problem, Problems};
use crate::typed::normal;
use crate::yaml::{Key, Node, NodeValue, shorten};

/// Files that include each other.
const MAX_DEPTH: usize = 50;
/// What files declare.
const SECTIONS: [&str; 6] = [
    "services", "volumes", "networks", "secrets", "configs", "models",
];

/// One entry of `include`.
struct Included {
    paths: Vec<PathBuf>,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

/// Takes `include` out of a tree whose relative paths start at `folder`, and puts in what it names.
pub(crate) fn apply(
    tree: &mut Node,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    loading: &mut Loading<'_>,
    problems: &mut Problems,
) {
    let Some(include) = tree.remove("include").filter(|node| !node.is_null()) else {
        return;
    };
    let Some(items) = include.as_seq() else {
        problems.push(include.expected("`include`", "a list"));
        return;
    };
    for item in items.iter().filter(|item| !item.is_null()) {
        match entry(item, folder, environment, loading, problems) {
            Ok(included) => {
                if let Some(model) = read(item, included, loading, problems) {
                    import(model, tree, problems);
                }
            }
            Err(problem) => problems.push(problem),
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
    let texts = |node: Option<&Node>| -> Vec<String> {
        let node = node.filter(|node| !node.is_null());
        match node.map(|node| &node.value) {
            Some(NodeValue::String(text)) => vec![text.clone()],
            Some(NodeValue::Seq(items)) => items.iter().filter_map(Node::text).collect(),
            _ => Vec::new(),
        }
    };
    let named = match item.as_str() {
        Some(text) => vec![text.to_owned()],
        None => texts(item.get("path")),
    };
    let Some(first) = named.first() else {
        let problem = Problem::error("this entry of `include` names no file");
        return Err(problem.at(item.place.clone()).hint("write its `path`"));
    };
    if let Some(far) = named.iter().find(|path| is_remote(path)) {
        let what = format!("`include` of `{}`, which is no file here", shorten(far));
        let problem = Problem::error(what).at(item.place.clone());
        return Err(problem.hint("clone it, and name the file"));
    }
    let paths: Vec<PathBuf> = named.iter().map(|it| normal(&folder.join(it))).collect();
    let own = item.get("project_directory").and_then(Node::text);
    let own = match own.filter(|text| !text.is_empty()) {
        Some(text) => normal(&folder.join(text)),
        None => {
            let main = normal(&folder.join(first));
            main.parent().unwrap_or(folder).to_path_buf()
        }
    };
    let files = texts(item.get("env_file"));
    let asked = !files.is_empty();
    let files = if asked {
        files.iter().map(|it| normal(&folder.join(it))).collect()
    } else {
        vec![own.join(".env")]
    };
    let mut environment = environment.clone();
    let mut found = BTreeMap::new();
    for file in files {
        let bytes = match loading.files.read(&file) {
            Ok(bytes) => bytes,
            Err(error) if !asked && error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let what = format!("the `env_file` {} cannot be read: {error}", file.display());
                return Err(Problem::error(what).at(item.place.clone()));
            }
        };
        let mut set = found.clone();
        set.extend(environment.clone());
        match dotenv::parse(&loading.shown(&file), &bytes, &set) {
            Ok(settings) => {
                problems.0.extend(settings.warnings);
                found.extend(settings.values.into_iter().map(|(k, v)| (k, v.value)));
            }
            Err(wrong) => problems.0.extend(wrong.0),
        }
    }
    for (key, value) in found {
        environment.entry(key).or_insert(value);
    }
    Ok(Included {
        paths,
        folder: own,
        environment,
    })
}

/// Whether a path names something that is not on this machine.
fn is_remote(path: &str) -> bool {
    const PREFIXES: [&str; 7] = [
        "https://",
        "http://",
        "git://",
        "ssh://",
        "git@",
        "github.com/",
        "oci://",
    ];
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

fn read(
    item: &Node,
    included: Included,
    loading: &mut Loading<'_>,
    problems: &mut Problems,
) -> Option<Node> {
    let first = included.paths.first()?.clone();
    if loading.way.contains(&first) || loading.way.len() >= MAX_DEPTH {
        let mut names: Vec<String> = loading.way.iter().map(|it| loading.name(it)).collect();
        names.push(loading.name(&first));
        let what = format!(
            "files include each other in a circle: {}",
            shorten(&names.join(" -> "))
        );
        problems.push(Problem::error(what).at(item.place.clone()));
        return None;
    }
    loading.way.push(first);
    let model = loading.model(
        &included.paths,
        Some(&item.place),
        &included.folder,
        &included.environment,
        problems,
    );
    loading.way.pop();
    model
}

/// Puts what a model declares into a tree.
fn import(model: Node, into: &mut Node, problems: &mut Problems) {
    let NodeValue::Map(sections) = model.value else {
        return;
    };
    for (section, node) in sections {
        if !SECTIONS.contains(&section.text.as_str()) {
            continue;
        }
        let NodeValue::Map(entries) = node.value else {
            continue;
        };
        let place = node.place;
        let Some(there) = section_of(into, section, place) else {
            continue;
        };
        for (key, entry) in entries {
            match there.iter().find(|(other, _)| other.text == key.text) {
                Some((_, other)) if other.to_json() == entry.to_json() => {}
                Some((other, _)) => {
                    let what = format!(
                        "`{}` is declared here and, in another way, in line {} of {}, \
                         which is included",
                        shorten(&key.text),
                        key.place.line,
                        key.place.file.display()
                    );
                    let problem = Problem::error(what).at(other.place.clone());
                    problems.push(problem.hint(
                        "give one of them another name, or name both files in one `path` list",
                    ));
                }
                None => there.push((key, entry)),
            }
        }
    }
}

/// The entries of a section, made where there is none.
fn section_of(
    tree: &mut Node,
    section: Key,
    place: crate::problem::Place,
) -> Option<&mut Vec<(Key, Node)>> {
    if tree.get(&section.text).is_none_or(Node::is_null) {
        tree.remove(&section.text);
        if let NodeValue::Map(entries) = &mut tree.value {
            let empty = Node::new(place, NodeValue::Map(Vec::new()));
            entries.push((section.clone(), empty));
        }
    }
    match tree.get_mut(&section.text).map(|node| &mut node.value) {
        Some(NodeValue::Map(entries)) => Some(entries),
        _ => None,
    }
}
