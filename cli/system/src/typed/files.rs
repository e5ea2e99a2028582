//! `secrets` and `configs` of a service, with the top-level entries that they name.

use indexmap::IndexMap;

use super::Context;
use super::scalars::{flag_or_false, number, optional_text};
use crate::forms::scalar_text;
use crate::model::{FileSource, GivenFile, Placed};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::yaml::{Key, Node, shorten};

/// One of the two kinds.
struct Kind {
    section: &'static str,
    one: &'static str,
    /// Where its files stand when nobody says where.
    folder: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        section: "secrets",
        one: "secret",
        folder: "/run/secrets/",
    },
    Kind {
        section: "configs",
        one: "config",
        folder: "/",
    },
];

/// Every secret and config of a service, in file order, secrets first.
pub(crate) fn files(
    service: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Vec<GivenFile> {
    let mut files = Vec::new();
    for kind in &KINDS {
        for item in service.items_of(kind.section) {
            match file(kind, item, context, problems) {
                Ok(file) => files.push(file),
                Err(problem) => problems.push(problem),
            }
        }
    }
    files
}

fn file(
    kind: &Kind,
    item: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<GivenFile, Problem> {
    let Kind { one, folder, .. } = kind;
    let of_it = |key: &str| format!("`{key}` of a {one}");
    let mut text = |key: &str| optional_text(item.get(key), &of_it(key), problems);
    let (name, target) = match scalar_text(item).filter(|_| !item.is_null()) {
        Some(name) => (name, None),
        None if item.as_map().is_some() => {
            let missing = || {
                let problem = Problem::error(format!("this {one} has no `source`"));
                let hint = format!(
                    "add `source: NAME`, a name of the top-level `{}`",
                    kind.section
                );
                problem.at(item.place.clone()).hint(hint)
            };
            (text("source").ok_or_else(missing)?, text("target"))
        }
        None => {
            let what = format!("an item of `{}`", kind.section);
            let problem = item.expected(&what, "a name or a mapping");
            return Err(problem.hint(format!("write `{}: [NAME]`", kind.section)));
        }
    };
    let target = target.filter(|target| !target.is_empty());
    let target = target.unwrap_or_else(|| name.clone());
    let (key, declared) = declared(kind, &name, item, context)?;
    let other_fields = others(kind, declared, problems);
    let mut asked = |key: &str| {
        let node = item.get(key).filter(|node| !node.is_null())?;
        let number = if key == "mode" {
            mode(node, &of_it(key))
        } else {
            number(node, &of_it(key), u32::MAX)
        };
        number.map_err(|problem| problems.push(problem)).ok()
    };
    let (uid, gid, mode) = (asked("uid"), asked("gid"), asked("mode"));
    Ok(GivenFile {
        what: format!("{one} `{name}`"),
        source: match source(kind, &name, key, declared, context, problems)? {
            None if other_fields.is_empty() => return Err(nothing_in_it(kind, &name, key)),
            None => FileSource::Elsewhere,
            Some(source) => source,
        },
        target: match target.starts_with('/') {
            true => target,
            false => format!("{folder}{target}"),
        },
        uid,
        gid,
        mode,
        other_fields,
        place: item.place.clone(),
        source_place: source_place(key, declared).clone(),
    })
}

/// Where a secret or config says what is in it.
fn source_place<'n>(key: &'n Key, declared: &'n Node) -> &'n Place {
    let ways = ["file", "environment", "content"];
    let mut said = ways.iter().filter_map(|way| declared.get(way));
    let said = said.find(|node| !node.is_null());
    said.map_or(&key.place, |node| &node.place)
}

/// What is in a secret of the top level.
pub(crate) fn secret(
    name: &str,
    key: &Key,
    declared: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<FileSource, Problem> {
    let [kind, _] = &KINDS;
    if let Some((path, field)) = others(kind, declared, problems).first() {
        let field_name = path.rsplit('.').next().unwrap_or_default();
        let what = format!("msvc cannot read a secret that is `{field_name}`");
        let problem = Problem::error(what).at(field.place.clone());
        return Err(problem.hint("give it a `file`, or `environment` with a variable's name"));
    }
    source(kind, name, key, declared, context, problems)?
        .ok_or_else(|| nothing_in_it(kind, name, key))
}

/// What of a declared one says that it is kept elsewhere, by its field's path.
fn others(
    kind: &Kind,
    declared: &Node,
    problems: &mut Problems,
) -> IndexMap<String, Placed<serde_json::Value>> {
    let mut fields = IndexMap::new();
    for name in ["external", "driver", "driver_opts", "template_driver"] {
        let Some((key, node)) = declared.entry(name).filter(|(_, node)| !node.is_null()) else {
            continue;
        };
        let is_mapping = node.as_map().is_some();
        if name == "external" && !is_mapping && !flag_or_false(Some(node), "`external`", problems) {
            continue;
        }
        let (value, place) = (node.to_json(), key.place.clone());
        fields.insert(format!("/{}.{name}", kind.section), Placed { value, place });
    }
    fields
}

fn nothing_in_it(kind: &Kind, name: &str, key: &Key) -> Problem {
    let what = format!(
        "the {} `{}` says nothing of what is in it",
        kind.one,
        shorten(name)
    );
    let problem = Problem::error(what).at(key.place.clone());
    problem.hint("give it a `file`, or `environment` with a variable's name")
}

fn declared<'n>(
    kind: &Kind,
    name: &str,
    item: &Node,
    context: &Context<'n>,
) -> Result<(&'n Key, &'n Node), Problem> {
    let all = context.tree.get(kind.section);
    if let Some(found) = all.and_then(|all| all.entry(name)) {
        return Ok(found);
    }
    let problem = Problem::error(format!(
        "the {} `{}` is not declared under the top-level `{}`",
        kind.one,
        shorten(name),
        kind.section
    ))
    .at(item.place.clone());
    let names = all.map(Node::entries).unwrap_or_default();
    let names = names.iter().map(|(key, _)| key.text.as_str());
    Err(match nearest(name, names) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("declare it there, with `file`, `environment` or `content`"),
    })
}

/// What is in it, where the files say so.
fn source(
    kind: &Kind,
    name: &str,
    key: &Key,
    declared: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<Option<FileSource>, Problem> {
    let Kind { one, .. } = kind;
    let mut text = |key: &str| {
        let what = format!("`{key}` of a {one}");
        optional_text(declared.get(key), &what, problems)
    };
    let (path, variable, content) = (text("file"), text("environment"), text("content"));
    match (path, variable, content) {
        (Some(path), None, None) => Ok(Some(FileSource::Host(context.path(&path)))),
        (None, Some(variable), None) => Ok(Some(FileSource::Variable {
            value: {
                let held = context.given.held.get(&(kind.section, name.to_owned()));
                let set = context.environment.get(&variable).cloned();
                set.or_else(|| held.map(ToString::to_string))
            },
            name: variable,
        })),
        (None, None, Some(text)) => Ok(Some(FileSource::Text(text))),
        (None, None, None) => Ok(None),
        _ => {
            let what = format!("the {one} `{}` has more than one source", shorten(name));
            let problem = Problem::error(what).at(key.place.clone());
            Err(problem.hint("keep one of `file`, `environment` and `content`"))
        }
    }
}

/// Permissions: a number as YAML reads it (`0440` is octal), or octal digits as text.
fn mode(node: &Node, what: &str) -> Result<u32, Problem> {
    const MOST: u32 = 0o7777;
    match node.as_str() {
        None => number(node, what, MOST),
        Some(text) => {
            let digits = text.trim().trim_start_matches("0o");
            let mode = u32::from_str_radix(digits, 8).ok();
            mode.filter(|mode| *mode <= MOST).ok_or_else(|| {
                let problem = node.expected(what, "permissions");
                problem.hint("write it in octal, as `\"0440\"`")
            })
        }
    }
}
