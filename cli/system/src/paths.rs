//! Relative paths of a tree counted from another folder: those of a file that another one names from
//! that one's folder, those of the outermost files made absolute. What begins with `~` is of the home
//! folder.
//!
//! What comes in: a tree in long form ([`crate::canonical`]). What leaves: the same, its relative
//! paths (those that Docker Compose takes for paths) with the folder before them. What must not enter: reading; what a path is
//! for.

use std::path::Path;

use crate::problem::{Problem, Problems};
use crate::volume_text::is_whole_windows;
use crate::yaml::{Node, NodeValue};

/// What paths count from.
pub(crate) struct Base<'a> {
    /// The folder, or the way to it from where the outer file's paths count from.
    pub(crate) folder: &'a Path,
    /// The home folder, where it is known.
    pub(crate) home: Option<&'a str>,
}

/// Resolves every path of a file.
pub(crate) fn resolve(tree: &mut Node, base: &Base<'_>, problems: &mut Problems) {
    for service in tree.values_of_mut("services") {
        of_service(service, base, problems);
    }
    for section in ["configs", "secrets"] {
        for entry in tree.values_of_mut(section) {
            if let Some(file) = entry.get_mut("file") {
                base.unix(file);
            }
        }
    }
    for volume in tree.values_of_mut("volumes") {
        let is_local = volume.get("driver").and_then(Node::as_str) == Some("local");
        if let Some(options) = volume.get_mut("driver_opts").filter(|_| is_local)
            && options.get("o").and_then(Node::as_str) == Some("bind")
            && let Some(device) = options.get_mut("device")
        {
            base.unix(device);
        }
    }
}

/// Resolves every path of a service.
pub(crate) fn of_service(service: &mut Node, base: &Base<'_>, problems: &mut Problems) {
    if let Some(build) = service.get_mut("build") {
        if let Some(context) = build.get_mut("context") {
            base.context(context);
        }
        for context in build.values_of_mut("additional_contexts") {
            base.context(context);
        }
        for key in build.values_of_mut("ssh") {
            base.unix(key);
        }
    }
    for file in service.items_of_mut("env_file") {
        if let Some(path) = file.get_mut("path") {
            base.path(path);
        }
    }
    for file in service.items_of_mut("label_file") {
        base.path(file);
    }
    if let Some(watch) = service
        .get_mut("develop")
        .and_then(|it| it.get_mut("watch"))
    {
        for trigger in watch.items_mut() {
            if let Some(path) = trigger.get_mut("path") {
                base.path(path);
            }
        }
    }
    for mount in service.items_of_mut("volumes") {
        if mount.get("type").and_then(Node::as_str) != Some("bind") {
            continue;
        }
        match mount.get_mut("source") {
            Some(source) => base.unix(source),
            None => problems.push(
                Problem::error("this mount has no `source`")
                    .at(mount.place.clone())
                    .hint("a mount of type `bind` needs a path of the host"),
            ),
        }
    }
}

impl Base<'_> {
    /// A build's context: a path, unless it is a service's or stands elsewhere.
    fn context(&self, node: &mut Node) {
        const ELSEWHERE: [&str; 6] = [
            "https://",
            "http://",
            "git://",
            "ssh://",
            "github.com/",
            "git@",
        ];
        let Some(text) = node.as_str() else { return };
        let elsewhere = text.contains("://")
            || text.starts_with("service:")
            || ELSEWHERE.iter().any(|it| text.starts_with(it));
        if !elsewhere {
            self.path(node);
        }
    }

    /// A path; the empty one stays.
    fn path(&self, node: &mut Node) {
        if let NodeValue::String(text) = &mut node.value
            && !text.is_empty()
        {
            *text = self.counted(text);
        }
    }

    /// A path that may be a Windows one.
    fn unix(&self, node: &mut Node) {
        if let NodeValue::String(text) = &mut node.value
            && !is_whole_windows(text)
        {
            *text = self.counted(text);
        }
    }

    /// A path as it is when absolute, else from home or from the folder.
    fn counted(&self, text: &str) -> String {
        let from_home = text.strip_prefix('~').zip(self.home);
        let joined = match from_home {
            Some((rest, home)) => Path::new(home).join(rest.trim_start_matches('/')),
            None if text.starts_with('/') => return text.to_owned(),
            None => self.folder.join(text),
        };
        match crate::normal_path::normal(&joined).to_string_lossy() {
            here if here.is_empty() => ".".to_owned(),
            path => path.into_owned(),
        }
    }
}
