//! The Compose file of a plan: found, made new, or changed and proven.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use msvc_system::files::Files;
use msvc_system::load::{self, LoadRequest, Loaded};
use msvc_system::problem::{Problem, Problems};
use msvc_system::schema;
use serde_json::Value;

use super::{ComposeChange, Draft, Home, Request};
use crate::error::ScaffoldError;
use crate::place;
use crate::render::{self, Facts};
use crate::wire::{self, Addition};

/// The template's file that says how a system holds the service.
const FRAGMENT: &str = "compose.yaml.jinja";

/// The name of a new Compose file.
const NEW: &str = "compose.yaml";

/// The system that the request is about, where there is one.
pub(super) fn find(request: &Request, files: &Arc<Files>) -> Result<Home, ScaffoldError> {
    let Some(paths) = load::sources_of(&request.load, files)? else {
        return Ok(Home::NoFile);
    };
    if paths.iter().any(|path| path.as_os_str() == "-") {
        let problem = Problem::error("standard input holds no Compose file that can be changed");
        return Err(Problems::from(problem.hint("name the file with -f FILE")).into());
    }
    let named = !request.load.files.is_empty();
    let boundary = place::boundary(&request.load.directory);
    let inside = |path: &PathBuf| path.starts_with(&boundary);
    if !named && boundary.join(".git").exists() && !paths.iter().any(inside) {
        // One above this repository belongs to somebody else.
        return Ok(Home::NoFile);
    }
    if let [path] = paths.as_slice()
        && let Ok(text) = files.read(path)
        && is_blank(&String::from_utf8_lossy(&text))
    {
        return Ok(Home::Blank(path.clone()));
    }
    let loaded = load::load(&request.load, files)?;
    Ok(Home::System(Box::new(loaded)))
}

/// What a line of a file without services says of them: nothing, or that there are none.
fn names_no_service(line: &str) -> bool {
    let said = line.split(" #").next().unwrap_or_default();
    let said: String = said.split_whitespace().collect();
    matches!(
        said.as_str(),
        "services:" | "services:{}" | "services:null" | "services:~"
    )
}

/// A file that names no service, with a fragment that does: below its own line of services and the
/// comments there, else below everything. What it says stays.
fn filled(said: &str, fragment: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let text = match lines.iter().position(|line| names_no_service(line)) {
        None if said.trim().is_empty() => fragment.to_owned(),
        None => format!("{}\n\n{fragment}", lines.join("\n").trim_end()),
        Some(at) => {
            let (above, rest) = lines.split_at(at);
            let (own, below) = rest.split_first().unwrap_or((&"", &[]));
            let comment = own.find(" #").map_or("", |at| &own[at..]);
            let is_inside = |line: &&&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
            let inside = below.iter().take_while(is_inside).count();
            let (inside, below) = below.split_at(inside);
            let services = fragment.strip_prefix("services:\n").unwrap_or(fragment);
            let own = format!("services:{}", comment.trim_end());
            let head = [above, &[own.as_str()], inside].concat();
            let head = head.join("\n");
            match below.join("\n").trim() {
                "" => format!("{}\n{services}", head.trim_end()),
                below => format!("{}\n{services}\n{below}\n", head.trim_end()),
            }
        }
    };
    match said.contains("\r\n") {
        true => text.replace('\n', "\r\n"),
        false => text,
    }
}

/// Whether a Compose file names no service, nor anything else that could be in the way of one.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines();
    lines.all(|line| {
        let is_top = ["name:", "version:"]
            .iter()
            .any(|key| line.starts_with(key));
        let said = line.trim();
        said.is_empty() || said.starts_with('#') || is_top || names_no_service(line)
    })
}

impl Draft {
    fn fragment(&self, facts: &Facts) -> Result<String, ScaffoldError> {
        let bytes = self.template.file(FRAGMENT).unwrap_or_default();
        let shown = format!("{}/{FRAGMENT}", self.template.name);
        render::text(&shown, &String::from_utf8_lossy(bytes), facts)
    }

    /// A Compose file that holds the service alone.
    pub(super) fn new_compose(&self, facts: &Facts) -> Result<ComposeChange, ScaffoldError> {
        let path = self.root.join(NEW);
        place::is_free(&path)?;
        let schema = self.root.join(schema::FILE_NAME);
        let mut text = self.fragment(facts)?;
        let read =
            |text: &str| load::load(&self.load_at(&path), &self.with(&path, text.as_bytes()));
        if read(&text).is_err() {
            // The folder's name makes no name of a system.
            text = format!("name: {}\n\n{text}", self.request.name);
            read(&text)?;
        }
        Ok(ComposeChange {
            path,
            before: None,
            after: format!("{}\n\n{text}", schema::COMMENT).into_bytes(),
            schema: place::is_free(&schema).is_ok().then_some(schema),
        })
    }

    /// A Compose file that named no service, with this one below all that it says.
    pub(super) fn filled_compose(
        &self,
        named: &Path,
        facts: &Facts,
    ) -> Result<ComposeChange, ScaffoldError> {
        let fault = |source| ScaffoldError::Read {
            path: named.to_owned(),
            source,
        };
        let path = self.inside(named)?;
        let before = self.files.read(named).map_err(fault)?;
        let said = String::from_utf8_lossy(&before);
        let text = filled(&said, &self.fragment(facts)?);
        load::load(&self.load_at(&path), &self.with(&path, text.as_bytes()))?;
        Ok(ComposeChange {
            path,
            before: Some(before),
            after: text.into_bytes(),
            schema: None,
        })
    }

    /// The real place of a Compose file, which must not lead out of the repository.
    fn inside(&self, named: &Path) -> Result<PathBuf, ScaffoldError> {
        let path = std::fs::canonicalize(named).map_err(|source| ScaffoldError::Read {
            path: named.to_owned(),
            source,
        })?;
        match path.starts_with(&self.boundary) {
            true => Ok(path),
            false => Err(ScaffoldError::Outside {
                path: named.to_owned(),
                real: path,
                root: self.boundary.clone(),
            }),
        }
    }

    /// The first Compose file of the system, with the service in it.
    pub(super) fn changed_compose(
        &self,
        loaded: &Loaded,
        facts: &Facts,
    ) -> Result<ComposeChange, ScaffoldError> {
        let named = loaded.system.files.first().cloned().unwrap_or_default();
        let fault = |source| ScaffoldError::Read {
            path: named.clone(),
            source,
        };
        let path = self.inside(&named)?;
        let before = self.files.read(&named).map_err(fault)?;
        let fragment = self.fragment(facts)?;
        let wire_fault = |why: String| ScaffoldError::Wire {
            path: path.clone(),
            why,
            by_hand: fragment.clone(),
        };
        let additions =
            wire::additions(&fragment).map_err(|error| wire_fault(error.to_string()))?;
        let additions: Vec<Addition> = additions
            .into_iter()
            // Where the system keeps its contracts it has said itself.
            .filter(|a| a.section != "x-msvc" || loaded.system.x_msvc.contracts.is_none())
            .collect();
        let accept = |after: &[u8]| self.accept(loaded, &named, after, &additions);
        let after = wire::wire(&before, &additions, &accept);
        Ok(ComposeChange {
            after: after.map_err(|error| wire_fault(error.to_string()))?,
            before: Some(before),
            path,
            schema: None,
        })
    }

    /// That the system with the file as changed is the system before and the additions.
    fn accept(
        &self,
        loaded: &Loaded,
        path: &Path,
        after: &[u8],
        additions: &[Addition],
    ) -> Result<(), String> {
        let now = load::load(&self.request.load, &self.with(path, after));
        let now = now.map_err(|problems| format!("the system would be wrong: {problems}"))?;
        let before = loaded.system.written.resolved();
        let mut rest = now.system.written.resolved();
        for Addition { section, key, .. } in additions {
            let existed = before.get(section).is_some_and(|s| !s.is_null());
            let entries = rest.get_mut(section).and_then(Value::as_object_mut);
            let removed = entries.map(|entries| (entries.shift_remove(key), entries.is_empty()));
            let Some((Some(_), empty)) = removed else {
                return Err(format!("another file of the system replaces `{section}`"));
            };
            if empty
                && !existed
                && let Some(top) = rest.as_object_mut()
            {
                top.shift_remove(section);
            }
        }
        if without_empty(&rest) == without_empty(&before) {
            Ok(())
        } else {
            Err("something else in the system would change with it".to_owned())
        }
    }

    /// The files with other bytes at `path`.
    fn with(&self, path: &Path, bytes: &[u8]) -> Files {
        let (files, path, bytes) = (Arc::clone(&self.files), path.to_path_buf(), bytes.to_vec());
        Files::new(move |asked, _| {
            if asked == path {
                Ok(bytes.clone())
            } else {
                files.read(asked)
            }
        })
    }

    fn load_at(&self, path: &Path) -> LoadRequest {
        LoadRequest {
            files: vec![path.to_path_buf()],
            ..self.request.load.clone()
        }
    }
}

/// The value without top-level sections that hold nothing: `volumes:` and no `volumes` are one.
fn without_empty(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(top) = value.as_object_mut() {
        top.retain(|_, section| {
            !section.is_null()
                && section
                    .as_object()
                    .is_none_or(|entries| !entries.is_empty())
        });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_services_keeps_what_it_says_where_it_says_it() {
        let fragment = "services:\n  a:\n    image: x\n\nvolumes:\n  v:\n";
        let service = "  a:\n    image: x\n\nvolumes:\n  v:\n";
        for (said, wanted) in [
            ("", fragment.to_owned()),
            ("# ours\n", format!("# ours\n\n{fragment}")),
            (
                "name: t\nservices: {} # soon\n  # nothing\n\n",
                format!("name: t\nservices: # soon\n  # nothing\n{service}"),
            ),
            (
                "services:\n  # in\n\n# out\nname: t\n",
                format!("services:\n  # in\n{service}\n# out\nname: t\n"),
            ),
            (
                "# a\r\nservices: {}\r\n",
                format!("# a\nservices:\n{service}").replace('\n', "\r\n"),
            ),
        ] {
            assert_eq!(filled(said, fragment), wanted, "{said:?}");
        }
    }
}
