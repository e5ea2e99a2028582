//! `volumes` in short and long form, and `tmpfs`.

use std::path::PathBuf;

use super::Context;
use super::scalars::{flag_or_false, optional_text};
use crate::fields::not_supported;
use crate::forms::scalar_text;
use crate::model::{Mount, MountSource};
use crate::problem::{Problem, Problems, nearest};
use crate::volume_text;
use crate::yaml::{Node, shorten};

/// Every mount of a service, in file order, `tmpfs` last.
pub(crate) fn mounts(service: &Node, context: &Context<'_>, problems: &mut Problems) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if let Some(node) = service.get("volumes").filter(|n| !n.is_null()) {
        match node.as_seq() {
            Some(items) => {
                for item in items {
                    match mount(item, context, problems) {
                        Ok(mount) => mounts.push(mount),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            None => problems.push(node.expected("`volumes`", "a list")),
        }
    }
    for item in service.get("tmpfs").map(Node::items).unwrap_or_default() {
        if let Some(text) = scalar_text(item) {
            let target = text.split(':').next().unwrap_or(&text).to_owned();
            mounts.push(Mount {
                source: MountSource::Tmpfs,
                target,
                read_only: false,
                place: item.place.clone(),
            });
        }
    }
    mounts
}

fn mount(item: &Node, context: &Context<'_>, problems: &mut Problems) -> Result<Mount, Problem> {
    let mount = match item.as_str() {
        Some(text) => short(text, item, context)?,
        None if item.as_map().is_some() => long(item, context, problems)?,
        None => {
            return Err(item.expected(
                "an item of `volumes`",
                "text (`SOURCE:TARGET`) or a mapping",
            ));
        }
    };
    if let MountSource::Volume(name) = &mount.source
        && !context.volumes.contains(&name.as_str())
    {
        let problem = Problem::error(format!(
            "the volume `{}` is not declared under the top-level `volumes`",
            shorten(name)
        ))
        .at(item.place.clone());
        return Err(match nearest(name, context.volumes.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("declare it there, or begin a path of the host with `./`"),
        });
    }
    Ok(mount)
}

fn short(text: &str, item: &Node, context: &Context<'_>) -> Result<Mount, Problem> {
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
    Ok(Mount {
        source,
        target: clean(parts.target),
        read_only: parts.options.split(',').any(|option| option == "ro"),
        place: item.place.clone(),
    })
}

fn long(item: &Node, context: &Context<'_>, problems: &mut Problems) -> Result<Mount, Problem> {
    let mut field =
        |key: &str| optional_text(item.get(key), &format!("`{key}` of a mount"), problems);
    let (kind, source, target) = (field("type"), field("source"), field("target"));
    let missing =
        |what: &str| Problem::error(format!("this mount has no `{what}`")).at(item.place.clone());
    let target = target.ok_or_else(|| missing("target"))?;
    let source = match (kind.as_deref(), source) {
        (Some("bind"), Some(path)) => MountSource::Bind(host_path(&path, context)),
        (Some("bind"), None) => return Err(missing("source")),
        (Some("volume"), Some(name)) if !name.is_empty() => MountSource::Volume(name),
        (Some("volume"), _) => MountSource::Anonymous,
        (Some("tmpfs"), _) => MountSource::Tmpfs,
        (Some(other), _) => {
            let what = format!("a mount of type `{}`", shorten(other));
            return Err(not_supported(
                &what,
                &item.place,
                "volume, bind and tmpfs are",
            ));
        }
        (None, _) => return Err(missing("type").hint("volume, bind or tmpfs")),
    };
    if let Some((key, _)) = item
        .get("volume")
        .and_then(|volume| volume.entry("subpath"))
    {
        return Err(not_supported("`subpath` of a volume", &key.place, ""));
    }
    Ok(Mount {
        source,
        target: clean(&target),
        read_only: flag_or_false(item.get("read_only"), "`read_only` of a mount", problems),
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
