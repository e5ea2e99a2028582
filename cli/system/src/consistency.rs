//! What a project must not say at once, and names that must be declared.
//!
//! What comes in: a tree in long form and which services run. What leaves: an error for each part
//! that contradicts another, as Docker Compose has them. What must not enter: what one value is
//! (the table says that), what `x-msvc` says.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::forms::scalar_text;
use crate::problem::{Place, Problem, Problems, nearest};
use crate::yaml::{Key, Node, shorten};

mod waits;

/// Checks what is declared, whether anything uses it or not.
pub(crate) fn declared(tree: &Node, problems: &mut Problems) {
    for (section, ways) in [
        ("configs", ["file", "environment", "content"].as_slice()),
        ("secrets", ["file", "environment"].as_slice()),
    ] {
        for (key, entry) in entries(tree, section) {
            source(section, key, entry, ways, problems);
        }
    }
    for (key, volume) in entries(tree, "volumes") {
        external(key, volume, problems);
    }
    for (_, service) in entries(tree, "services") {
        for port in items(service, "ports") {
            if let Some(node) = port.get("host_ip")
                && let Some(text) = node.as_str()
                && text.parse::<IpAddr>().is_err()
            {
                let what = format!("`{}` is no IP address", shorten(text));
                problems.push(Problem::error(what).at(node.place.clone()));
            }
        }
        for trigger in service
            .at("/develop/watch")
            .map(Node::items)
            .unwrap_or_default()
        {
            if let Some(path) = trigger.get("path").filter(|it| it.as_str() == Some("")) {
                problems.push(Problem::error("this `path` is empty").at(path.place.clone()));
            }
        }
        let reserved = service.at("/deploy/resources/reservations/devices");
        for device in reserved.map(Node::items).unwrap_or_default() {
            both(device, "count", "device_ids", problems);
        }
        for device in items(service, "gpus") {
            both(device, "count", "device_ids", problems);
        }
    }
}

fn both(node: &Node, one: &str, other: &str, problems: &mut Problems) {
    if let (Some(_), Some(second)) = (node.get(one), node.get(other)) {
        let what = format!("`{one}` and `{other}` exclude each other");
        let problem = Problem::error(what).at(second.place.clone());
        problems.push(problem.hint("keep one of them"));
    }
}

/// A secret or config comes from one place.
fn source(section: &str, key: &Key, entry: &Node, ways: &[&str], problems: &mut Problems) {
    let given: Vec<&str> = ways
        .iter()
        .copied()
        .filter(|way| entry.get(way).is_some())
        .collect();
    let one = section.trim_end_matches('s');
    let name = shorten(&key.text);
    if given.len() > 1 {
        let what = format!(
            "the {one} `{name}` comes from {} at once",
            given.join(" and ")
        );
        let problem = Problem::error(what).at(key.place.clone());
        problems.push(problem.hint("keep one of them"));
        return;
    }
    let is_external = entry.get("external").is_some();
    if given.is_empty() && entry.get("driver").is_none() && !is_external {
        let what = format!("nothing says what the {one} `{name}` is");
        let problem = Problem::error(what).at(key.place.clone());
        problems.push(problem.hint(format!("write its `{}`", ways.join("` or `"))));
    } else if section == "secrets"
        && ways
            .iter()
            .all(|way| entry.get(way).is_none_or(|it| it.as_str() == Some("")))
        && !says_true(entry.get("external"))
    {
        let what = format!("the secret `{name}` has neither `file` nor `environment`");
        problems.push(Problem::error(what).at(key.place.clone()));
    }
}

/// What somebody else declares has nothing here but its name.
fn external(key: &Key, volume: &Node, problems: &mut Problems) {
    if !says_true(volume.get("external")) {
        return;
    }
    for (field, _) in volume.entries() {
        if !matches!(field.text.as_str(), "name" | "external") && !field.text.starts_with("x-") {
            let what = format!(
                "the volume `{}` is external, so that `{}` cannot be said of it",
                shorten(&key.text),
                field.text
            );
            let problem = Problem::error(what).at(field.place.clone());
            problems.push(problem.hint("take one of the two away"));
        }
    }
}

fn says_true(node: Option<&Node>) -> bool {
    node.and_then(Node::as_bool).unwrap_or_default()
}

/// Checks the services that run.
pub(crate) fn services(tree: &Node, runs: impl Fn(&str) -> bool, problems: &mut Problems) {
    let declared = |section: &str| -> Vec<&str> {
        let entries = entries(tree, section);
        entries.iter().map(|(key, _)| key.text.as_str()).collect()
    };
    let known = Known {
        services: declared("services"),
        networks: declared("networks"),
        volumes: declared("volumes"),
        secrets: declared("secrets"),
        configs: declared("configs"),
        models: declared("models"),
    };
    let all = entries(tree, "services");
    let mut containers: HashMap<&str, &str> = HashMap::new();
    for (key, service) in all.iter().filter(|(key, _)| runs(&key.text)) {
        let mut one = Service {
            node: service,
            tree,
            known: &known,
            problems,
        };
        one.source(key);
        one.build();
        one.networks();
        one.healthcheck();
        one.resources();
        one.declared();
        one.scale();
        one.watch();
        one.mounts();
        if let Some(name) = service.get("container_name").and_then(Node::as_str)
            && let Some(other) = containers.insert(name, &key.text)
        {
            let what = format!(
                "the services `{}` and `{}` name their containers the same, `{}`",
                shorten(other),
                shorten(&key.text),
                shorten(name)
            );
            let place = service.get("container_name").map(|node| node.place.clone());
            let problem = Problem::error(what).at(place.unwrap_or_else(|| key.place.clone()));
            problems.push(problem.hint("give one of them another `container_name`"));
        }
    }
    waits::check(tree, &runs, problems);
}

/// Names that are declared.
struct Known<'a> {
    services: Vec<&'a str>,
    networks: Vec<&'a str>,
    volumes: Vec<&'a str>,
    secrets: Vec<&'a str>,
    configs: Vec<&'a str>,
    models: Vec<&'a str>,
}

struct Service<'a, 'p> {
    node: &'a Node,
    tree: &'a Node,
    known: &'a Known<'a>,
    problems: &'p mut Problems,
}

impl Service<'_, '_> {
    fn wrong(&mut self, what: impl Into<String>, place: &Place, hint: &str) {
        let problem = Problem::error(what).at(place.clone());
        self.problems.push(if hint.is_empty() {
            problem
        } else {
            problem.hint(hint)
        });
    }

    fn unknown(&mut self, what: String, name: &str, known: &[&str], place: &Place, hint: &str) {
        let near = nearest(name, known.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`?"));
        self.wrong(what, place, near.as_deref().unwrap_or(hint));
    }

    /// It is made of something, or runs by a command of `x-msvc`.
    fn source(&mut self, key: &Key) {
        let written = |field: &str| self.node.get(field).filter(|it| !it.is_null());
        let runs = self.node.at("/x-msvc/process/command").is_some();
        let extends = self.node.get("extends").is_some();
        if runs || extends || written("build").is_some() || written("provider").is_some() {
            return;
        }
        let name = shorten(&key.text);
        match written("image") {
            None => self.wrong(
                format!("the service `{name}` has neither `image` nor `build`"),
                &key.place,
                "say what it is made of, or how it runs with `x-msvc.process.command`",
            ),
            Some(image) if image.as_str() == Some("") => {
                let what = format!("the `image` of the service `{name}` is empty");
                self.wrong(what, &image.place, "");
            }
            Some(_) => {}
        }
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
        for (key, context) in entries(build, "additional_contexts") {
            let text = context.as_str().unwrap_or_default();
            let Some(name) = text.strip_prefix("service:") else {
                continue;
            };
            let other = self.tree.get("services").and_then(|all| all.get(name));
            let what = match other {
                None => format!(
                    "the context `{}` is the service `{name}`, which does not exist",
                    key.text
                ),
                Some(other) if other.get("build").is_none_or(Node::is_null) => {
                    format!(
                        "the context `{}` is the service `{name}`, which is not built",
                        key.text
                    )
                }
                Some(_) => continue,
            };
            let known = self.known;
            self.unknown(what, name, &known.services, &context.place, "");
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

    fn networks(&mut self) {
        let networks = self
            .node
            .get("networks")
            .filter(|it| !it.entries().is_empty());
        if let (Some((key, mode)), Some(_)) = (self.node.entry("network_mode"), networks)
            && mode.as_str() != Some("")
        {
            let what = "`network_mode` and `networks` exclude each other";
            self.wrong(what, &key.place, "keep one of them");
        }
        for (key, _) in entries(self.node, "networks") {
            let known = self.known;
            if key.text == "default" || known.networks.contains(&key.text.as_str()) {
                continue;
            }
            let what = format!(
                "the network `{}` is not declared under the top-level `networks`",
                shorten(&key.text)
            );
            let mut names = known.networks.clone();
            names.push("default");
            self.unknown(what, &key.text, &names, &key.place, "declare it there");
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

    /// What is said of the service itself and under `deploy`, in two ways.
    fn resources(&mut self) {
        let Some(deploy) = self.node.get("deploy").filter(|it| !it.is_null()) else {
            return;
        };
        let number = |node: &Node| scalar_text(node)?.parse::<f64>().ok();
        let size = |node: &Node| match scalar_text(node) {
            Some(text) => crate::normal_form::bytes::parse(&text).ok(),
            None => None,
        };
        let mut wrong = Vec::new();
        if let (Some(scale), Some(replicas)) = (self.node.get("scale"), deploy.get("replicas"))
            && number(scale) != number(replicas)
        {
            wrong.push(("scale", "deploy.replicas", scale.place.clone()));
        }
        for (own, path, limits) in [
            ("cpus", "/resources/limits/cpus", "/resources/limits"),
            ("pids_limit", "/resources/limits/pids", "/resources/limits"),
        ] {
            if let (Some(node), Some(_)) = (self.node.get(own), deploy.at(limits))
                && number(node) != Some(0.0)
                && number(node) != Some(deploy.at(path).and_then(number).unwrap_or_default())
            {
                wrong.push((own, path, node.place.clone()));
            }
        }
        for (own, path, limits) in [
            ("mem_limit", "/resources/limits/memory", "/resources/limits"),
            (
                "mem_reservation",
                "/resources/reservations/memory",
                "/resources/reservations",
            ),
        ] {
            if let (Some(node), Some(_)) = (self.node.get(own), deploy.at(limits))
                && size(node) != Some(0)
                && size(node) != Some(deploy.at(path).and_then(size).unwrap_or_default())
            {
                wrong.push((own, path, node.place.clone()));
            }
        }
        for (own, other, place) in wrong {
            let other = other.trim_start_matches('/').replace('/', ".");
            let other = other.strip_prefix("deploy.").unwrap_or(&other).to_owned();
            let what = format!("`{own}` and `deploy.{other}` are not the same");
            self.wrong(what, &place, "keep one of them, or make them the same");
        }
    }

    /// Volumes, secrets, configs and models that it uses.
    fn declared(&mut self) {
        let known = self.known;
        for mount in items(self.node, "volumes") {
            let name = mount
                .get("source")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let is_volume = mount.get("type").and_then(Node::as_str) == Some("volume");
            if is_volume && !name.is_empty() && !known.volumes.contains(&name) {
                let what = format!(
                    "the volume `{}` is not declared under the top-level `volumes`",
                    shorten(name)
                );
                let hint = "declare it there, or begin a path of the host with `./`";
                self.unknown(what, name, &known.volumes, &mount.place, hint);
            }
        }
        let build = self.node.get("build");
        let of_build = build
            .map(|build| items(build, "secrets"))
            .unwrap_or_default();
        let secrets = items(self.node, "secrets").iter().chain(of_build);
        for (one, section, item, names) in secrets
            .map(|item| ("secret", "secrets", item, &known.secrets))
            .chain(
                items(self.node, "configs")
                    .iter()
                    .map(|item| ("config", "configs", item, &known.configs)),
            )
        {
            let name = item
                .get("source")
                .and_then(Node::as_str)
                .unwrap_or_default();
            if name.is_empty() {
                let what = format!("this {one} has no `source`");
                self.wrong(what, &item.place, "name one of the top-level section");
                continue;
            }
            if !names.contains(&name) {
                let what = format!(
                    "the {one} `{}` is not declared under the top-level `{section}`",
                    shorten(name)
                );
                self.unknown(what, name, names, &item.place, "declare it there");
            }
        }
        for (key, _) in entries(self.node, "models") {
            if !known.models.contains(&key.text.as_str()) {
                let what = format!(
                    "the model `{}` is not declared under the top-level `models`",
                    shorten(&key.text)
                );
                self.unknown(
                    what,
                    &key.text,
                    &known.models,
                    &key.place,
                    "declare it there",
                );
            }
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
        let volumes = items(self.node, "volumes").iter().map(|item| {
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

fn entries<'n>(node: &'n Node, key: &str) -> &'n [(Key, Node)] {
    node.get(key).map(Node::entries).unwrap_or_default()
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).map(Node::items).unwrap_or_default()
}
