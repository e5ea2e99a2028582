//! `volumes` in short and long form, and `tmpfs`.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::Context;
use super::scalars::{flag_or_false, optional_text};
use crate::fields::not_supported;
use crate::forms::scalar_text;
use crate::model::{Mount, MountSource, Placed};
use crate::problem::{Problem, Problems};
use crate::volume_text;
use crate::yaml::{Key, Node, shorten};

/// Every mount of a service, in file order, `tmpfs` last.
pub(crate) fn mounts(service: &Node, context: &Context<'_>, problems: &mut Problems) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for item in service.items_of("volumes") {
        match mount(item, context, problems) {
            Ok(mount) => mounts.push(mount),
            Err(problem) => problems.push(problem),
        }
    }
    for item in service.items_of("tmpfs") {
        if let Some(text) = scalar_text(item) {
            let (target, options) = text.split_once(':').unwrap_or((&text, ""));
            let mut other_fields = IndexMap::new();
            if !options.is_empty() {
                other_fields.insert("tmpfs.options".to_owned(), placed(options, item));
            }
            mounts.push(Mount {
                source: MountSource::Tmpfs,
                target: target.to_owned(),
                read_only: false,
                other_fields,
                place: item.place.clone(),
            });
        }
    }
    mounts
}

fn mount(item: &Node, context: &Context<'_>, problems: &mut Problems) -> Result<Mount, Problem> {
    let mount = match item.as_str() {
        Some(text) => short(text, item, context, problems)?,
        None if item.as_map().is_some() => long(item, context, problems)?,
        None => {
            let problem = item.expected("an item of `volumes`", "text or a mapping");
            return Err(problem.hint("write `SOURCE:TARGET` or `SOURCE:TARGET:ro`"));
        }
    };
    if let MountSource::Volume(name) = &mount.source
        && !context.volumes.contains_key(name.as_str())
    {
        let problem = Problem::error(format!(
            "the volume `{}` is not declared under the top-level `volumes`",
            shorten(name)
        ))
        .at(item.place.clone());
        return Err(
            match problems.nearest(name, context.volumes.keys().copied()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("declare it there, or begin a path of the host with `./`"),
            },
        );
    }
    Ok(mount)
}

fn short(
    text: &str,
    item: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Result<Mount, Problem> {
    let parts = volume_text::parts(text).map_err(|error| {
        Problem::error(format!("`{}` is no mount: {error}", shorten(text)))
            .at(item.place.clone())
            .hint("write `SOURCE:TARGET` or `SOURCE:TARGET:ro`")
    })?;
    let source = match parts.source {
        None => MountSource::Anonymous,
        Some(path) if volume_text::is_path(path) => MountSource::Bind(host_path(path, context)),
        Some(name) => MountSource::Volume(name.to_owned()),
    };
    let mut other_fields = IndexMap::new();
    for option in parts.options.split(',').filter(|it| !it.is_empty()) {
        let (field, value) = match option {
            "ro" | "rw" => continue,
            "z" | "Z" => ("bind.selinux", json!(option)),
            "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" => {
                ("bind.propagation", json!(option))
            }
            "nocopy" | "volume-nocopy" => ("volume.nocopy", json!(true)),
            "cached" | "consistent" | "delegated" => ("consistency", json!(option)),
            other => {
                let what = format!("`{}` is no option of a mount", shorten(other));
                let problem = Problem::warning(what).at(item.place.clone());
                problems.push(problem.hint("Compose goes without it too"));
                continue;
            }
        };
        other_fields.insert(field.to_owned(), placed(value, item));
    }
    Ok(Mount {
        source,
        target: clean(parts.target),
        read_only: parts.options.split(',').any(|option| option == "ro"),
        other_fields,
        place: item.place.clone(),
    })
}

fn placed(value: impl Into<Value>, item: &Node) -> Placed<Value> {
    Placed {
        value: value.into(),
        place: item.place.clone(),
    }
}

/// What a mount in long form says besides source and target.
fn other_fields(item: &Node) -> IndexMap<String, Placed<Value>> {
    let mut fields = IndexMap::new();
    let mut keep = |name: String, (key, node): &(Key, Node)| {
        if !node.is_null() && !key.text.starts_with("x-") {
            let (value, place) = (node.to_json(), key.place.clone());
            fields.insert(name, Placed { value, place });
        }
    };
    for entry in item.entries() {
        match entry.0.text.as_str() {
            "consistency" => keep("consistency".to_owned(), entry),
            kind @ ("bind" | "tmpfs" | "volume") => {
                for below in entry.1.entries() {
                    keep(format!("{kind}.{}", below.0.text), below);
                }
            }
            _ => {}
        }
    }
    fields
}

fn long(item: &Node, context: &Context<'_>, problems: &mut Problems) -> Result<Mount, Problem> {
    let mut field =
        |key: &str| optional_text(item.get(key), &format!("`{key}` of a mount"), problems);
    let (kind, source, target) = (field("type"), field("source"), field("target"));
    let missing = |what: &str, hint: &str| {
        let problem = Problem::error(format!("this mount has no `{what}`"));
        problem.at(item.place.clone()).hint(hint)
    };
    let target = target.ok_or_else(|| missing("target", "add `target: /data`"))?;
    let source = match (kind.as_deref(), source) {
        (Some("bind"), Some(path)) => MountSource::Bind(host_path(&path, context)),
        (Some("bind"), None) => return Err(missing("source", "add `source: ./data`")),
        (Some("volume"), Some(name)) if !name.is_empty() => MountSource::Volume(name),
        (Some("volume"), _) => MountSource::Anonymous,
        (Some("tmpfs"), _) => MountSource::Tmpfs,
        (Some(other), _) => {
            let what = format!("a mount of type `{}`", shorten(other));
            return Err(not_supported(
                &what,
                &item.place,
                "volume, bind and tmpfs are: mount a folder, or build an image with the files",
            ));
        }
        (None, _) => return Err(missing("type", "volume, bind or tmpfs")),
    };
    Ok(Mount {
        source,
        target: clean(&target),
        read_only: flag_or_false(item.get("read_only"), "`read_only` of a mount", problems),
        other_fields: other_fields(item),
        place: item.place.clone(),
    })
}

/// A path of the host: `~` is the home folder, anything relative starts at the project directory.
fn host_path(path: &str, context: &Context<'_>) -> PathBuf {
    context.path(path)
}

/// A target without `.`, `..`, doubled or trailing slashes.
fn clean(target: &str) -> String {
    if volume_text::is_windows(target) {
        return target.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let slash = if target.starts_with('/') { "/" } else { "" };
    format!("{slash}{}", parts.join("/"))
}
