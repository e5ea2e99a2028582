//! One service: parts of it that contradict each other.

use std::collections::HashMap;

use super::Known;
use crate::problem::{Place, Problem, Problems, there_are};
use crate::unread::Unread;
use crate::yaml::{Key, Node, shorten};

/// A service that runs, and what it may name.
pub(super) struct Service<'a, 'p> {
    pub(super) node: &'a Node,
    pub(super) known: &'a Known<'a>,
    pub(super) unread: &'p mut Unread,
    pub(super) problems: &'p mut Problems,
}

impl Service<'_, '_> {
    /// Checks it; `key` is its name.
    pub(super) fn check(&mut self, key: &Key) {
        self.source(key);
        self.build();
        self.networks();
        self.healthcheck();
        self.resources();
        self.declared();
        self.scale();
        self.watch();
        self.mounts();
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>, place: &Place, hint: &str) {
        let problem = Problem::error(what).at(place.clone());
        self.problems.push(if hint.is_empty() {
            problem
        } else {
            problem.hint(hint)
        });
    }

    /// Nothing in `section` has that name, as `what` says.
    pub(super) fn unknown<'k>(
        &mut self,
        (section, name): (&'static str, &str),
        what: String,
        known: impl IntoIterator<Item = &'k str>,
        place: &Place,
        hint: &str,
    ) {
        if self.unread.may_declare(section, name, place) {
            return;
        }
        if let Some(left) = self.unread.left(section, name, &what, place) {
            return self.problems.push(left);
        }
        let near = self.problems.nearest(name, known);
        let near = near.map(|near| format!("did you mean `{near}`?"));
        self.wrong(what, place, near.as_deref().unwrap_or(hint));
    }

    /// It is made of something, or runs by a command of `x-msvc`.
    fn source(&mut self, key: &Key) {
        let written = |field: &str| self.node.get(field).filter(|it| !it.is_null());
        let runs = self.node.at("/x-msvc/process/command").is_some();
        let extends = self.node.get("extends").is_some();
        let may_be = self.unread.may_be_made("services", &key.text);
        if may_be || runs || extends || written("build").is_some() || written("provider").is_some()
        {
            return;
        }
        let name = shorten(&key.text);
        match written("image") {
            None => {
                let what = format!("the service `{name}` has neither `image` nor `build`");
                let near = self.near_elsewhere(key);
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let hint = hint.as_deref().unwrap_or(
                    "say what it is made of, or how it runs with `x-msvc.process.command`",
                );
                self.wrong(what, &key.place, hint);
            }
            Some(image) if image.as_str() == Some("") => {
                let what = format!("the `image` of the service `{name}` is empty");
                self.wrong(what, &image.place, "name one: `image: nginx`");
            }
            Some(_) => {}
        }
    }

    /// The service of another file that is most likely meant: what is laid over that says more of it.
    fn near_elsewhere(&self, key: &Key) -> Option<String> {
        let known = self.known.services.iter();
        let elsewhere =
            known.filter(|(name, node)| **name != key.text && node.place.file != key.place.file);
        let names = elsewhere.map(|(name, _)| *name);
        self.problems.nearest(&key.text, names).map(shorten)
    }

    fn build(&mut self) {
        let Some(build) = self.node.get("build").filter(|node| !node.is_null()) else {
            return;
        };
        if let (Some(inline), Some(file)) =
            (build.get("dockerfile_inline"), build.get("dockerfile"))
            && inline.as_str() != Some("")
            && file.as_str() != Some("")
        {
            let what = "`dockerfile` and `dockerfile_inline` exclude each other";
            self.wrong(what, &inline.place, "keep one of them");
        }
        for (key, context) in build.entries_of("additional_contexts") {
            let text = context.as_str().unwrap_or_default();
            let Some(name) = text.strip_prefix("service:") else {
                continue;
            };
            let known = self.known;
            let place = &context.place;
            let is = |why: &str| {
                format!(
                    "the context `{}` is the service `{name}`, which {why}",
                    key.text
                )
            };
            match known.services.get(name) {
                None => {
                    let names = known.services.keys().copied();
                    let hint = there_are("services", names.clone());
                    let what = is("does not exist");
                    self.unknown(("services", name), what, names, place, &hint);
                }
                Some(other) if other.get("build").is_none_or(Node::is_null) => {
                    self.wrong(is("is not built"), place, "give that service a `build`");
                }
                Some(_) => {}
            }
        }
        let platform = self.node.get("platform").and_then(Node::as_str);
        if let (Some(platform), Some(platforms)) = (platform, build.get("platforms"))
            && !platform.is_empty()
            && !platforms.items().is_empty()
            && !platforms
                .items()
                .iter()
                .any(|it| it.as_str() == Some(platform))
        {
            let what = format!("`build.platforms` does not have the `platform` {platform}");
            self.wrong(what, &platforms.place, "add it");
        }
    }

    fn healthcheck(&mut self) {
        let Some(test) = self.node.at("/healthcheck/test") else {
            return;
        };
        if let Some(first) = test.items().first()
            && !matches!(first.as_str(), Some("CMD" | "CMD-SHELL" | "NONE"))
        {
            self.wrong(
                "`healthcheck.test` as a list begins with CMD, CMD-SHELL or NONE",
                &test.place,
                "write [\"CMD\", \"program\", \"argument\"], or one text for a shell",
            );
        }
    }

    fn scale(&mut self) {
        let replicas = self
            .node
            .get("scale")
            .or_else(|| self.node.at("/deploy/replicas"));
        let Some(node) = replicas else { return };
        let Some(number) = node.as_i64() else { return };
        if number < 0 {
            self.wrong(
                format!("{number} replicas are less than none"),
                &node.place,
                "write 0 or more",
            );
        }
        if number > 1
            && let Some(name) = self.node.get("container_name").and_then(Node::as_str)
            && !name.is_empty()
        {
            self.wrong(
                format!("{number} replicas cannot all be called `{}`", shorten(name)),
                &node.place,
                "take `container_name` away",
            );
        }
    }

    fn watch(&mut self) {
        for trigger in self
            .node
            .at("/develop/watch")
            .map(Node::items)
            .unwrap_or_default()
        {
            let action = trigger
                .get("action")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let target = trigger
                .get("target")
                .and_then(Node::as_str)
                .unwrap_or_default();
            if target.is_empty() && !matches!(action, "rebuild" | "restart") {
                let what = format!("`{action}` needs a `target`");
                self.wrong(what, &trigger.place, "write where it goes in the container");
            }
        }
    }

    /// Nothing is mounted where something else is.
    fn mounts(&mut self) {
        let mut taken: HashMap<String, u32> = HashMap::new();
        let mut twice = Vec::new();
        let tmpfs = self.node.get("tmpfs");
        let one = tmpfs.filter(|node| node.as_str().is_some());
        let tmpfs = tmpfs.map(Node::items).unwrap_or_default().iter().chain(one);
        let tmpfs = tmpfs.filter_map(|item| {
            let text = item.as_str()?;
            let target = text.split_once(':').map_or(text, |(target, _)| target);
            Some((target.to_owned(), &item.place))
        });
        let volumes = self.node.items_of("volumes").iter().map(|item| {
            let target = item
                .get("target")
                .and_then(Node::as_str)
                .unwrap_or_default();
            (crate::volume_text::clean(target), &item.place)
        });
        for (target, place) in tmpfs.chain(volumes) {
            if let Some(line) = taken.insert(target.clone(), place.line) {
                twice.push((target, line, place.clone()));
            }
        }
        for (target, line, place) in twice {
            let what = format!(
                "something is mounted at `{}` already, in line {line}",
                shorten(&target)
            );
            self.wrong(what, &place, "choose another target");
        }
    }
}
