//! One service of a Compose file, as far as checks need it.

use msvc_system::problem::Place;
use msvc_system::yaml::{Key, Node, NodeValue};

use super::dockerfile;
use super::hosts::Hosts;
use super::leads_to;
use super::setting::{Setting, Variables, settings};
use crate::tree::{Tree, is_source};

/// A service of the Compose file.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its image, when it is not built.
    pub image: Option<String>,
    /// The image that what is built here starts from.
    pub base: Option<String>,
    /// Its build context, relative to the repository, `""` for the root itself.
    pub build: Option<String>,
    /// `x-msvc.context`.
    pub context: Option<String>,
    /// `x-msvc.owner`.
    pub owner: Option<String>,
    /// Why a plain `up` does not start it, if so.
    pub idle: Option<&'static str>,
    /// Whether it opens a port to the host, and where that stands.
    pub published: Option<Place>,
    /// Whether this machine alone reaches the ports that it opens.
    pub on_loopback: bool,
    /// Whether it has a healthcheck that asks something.
    pub healthcheck: bool,
    /// Whether it is started again when it ends.
    pub restart: bool,
    /// Whether its memory or processor is limited.
    pub limits: bool,
    /// The driver that takes its log elsewhere, and where that stands.
    pub log_driver: Option<(String, Place)>,
    /// All of its settings: of its environment, its files of settings, its command.
    pub settings: Vec<Setting>,
    /// Under which names it and others are found.
    pub hosts: Hosts,
    /// Its labels, `name=value`.
    pub labels: Vec<String>,
    /// What it mounts, as written.
    pub mounts: Vec<String>,
    /// What it mounts where.
    pub volumes: Vec<Mount>,
    /// Files and folders of the repository that it is given.
    pub files: Vec<String>,
    /// Services that it names in `links` or `x-msvc.calls`.
    pub names: Vec<String>,
    /// Services that it waits for: that says nothing of whom it calls.
    pub waits: Vec<String>,
}

/// A volume, or a folder or file of the repository, in a service.
#[derive(Debug, Clone)]
pub struct Mount {
    /// The volume's name, or the path in the repository.
    pub source: String,
    /// Where the service finds it.
    pub target: String,
    /// Where it stands.
    pub place: Place,
}

/// Drivers that leave a log on its machine.
const LOCAL_DRIVERS: [&str; 5] = ["none", "json-file", "local", "journald", "db"];

impl Service {
    /// What it is: its image's last name, or its own, lower case.
    #[must_use]
    pub fn kind(&self) -> String {
        last_name(self.image.as_deref().unwrap_or(&self.name))
    }

    /// What it is made of: the last name of the image that what is built here starts from.
    #[must_use]
    pub fn made_of(&self) -> Option<String> {
        self.base.as_deref().map(last_name)
    }

    /// Whether its settings lead to a host of this name.
    #[must_use]
    pub fn leads_to(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == host)
            || self.settings.iter().any(|it| leads_to(&it.value, host))
    }
}

/// `registry:5000/team/kafka:3.7` is `kafka`.
fn last_name(image: &str) -> String {
    let image = image.rsplit('/').next().unwrap_or(image);
    let image = image.split([':', '@']).next().unwrap_or(image);
    image.to_lowercase()
}

/// All services below `services`.
pub(super) fn all(root: &Node, path: &str, tree: &Tree) -> Vec<Service> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let services = root.get("services").map(Node::entries).unwrap_or_default();
    let variables = Variables::of(folder, tree);
    services
        .iter()
        .map(|(key, node)| {
            let given = |key: &str| node.get(key).and_then(Node::text);
            let of_file = dockerfile::of(node, folder, tree, &variables);
            Service {
                name: key.text.clone(),
                place: key.place.clone(),
                image: given("image"),
                base: of_file.as_ref().and_then(dockerfile::Image::base),
                build: built_of(services, node, folder, (tree, &variables)),
                context: node.at("/x-msvc/context").and_then(Node::text),
                owner: node.at("/x-msvc/owner").and_then(Node::text),
                idle: idle(node),
                published: published(node),
                on_loopback: on_loopback(node, &variables),
                healthcheck: match node.get("healthcheck") {
                    Some(check) if check.get("test").is_some() || is_off(check) => asks(check),
                    _ => of_file.is_some_and(|it| it.asks()),
                },
                restart: given("restart").is_some_and(|policy| policy != "no"),
                limits: node.at("/deploy/resources/limits").is_some()
                    || node.get("mem_limit").is_some()
                    || node.get("cpus").is_some(),
                log_driver: node.at("/logging/driver").and_then(|driver| {
                    let name = driver.text()?;
                    let elsewhere = !LOCAL_DRIVERS.contains(&name.as_str());
                    elsewhere.then(|| (name, driver.place.clone()))
                }),
                settings: settings(node, folder, tree, &variables),
                hosts: Hosts::of(node),
                labels: labels(node),
                mounts: mounts(node),
                volumes: volumes(node, folder),
                files: files(root, node, folder),
                names: names(node, &["/links", "/x-msvc/calls"]),
                waits: names(node, &["/depends_on"]),
            }
        })
        .collect()
}

/// The folder that it is built of: its context, or, where several are built in one context, the
/// folder of its Dockerfile in which its source stands.
fn built_of(
    services: &[(Key, Node)],
    node: &Node,
    folder: &str,
    (tree, variables): (&Tree, &Variables),
) -> Option<String> {
    let context = |node: &Node| {
        let build = node.get("build")?;
        let given = build.text().or_else(|| build.get("context")?.text());
        let (given, _) = variables.replace(given.as_deref().unwrap_or("."));
        inside(folder, &given)
    };
    let own = context(node)?;
    let in_one = services
        .iter()
        .filter(|(_, it)| context(it).as_ref() == Some(&own));
    let file = node.at("/build/dockerfile").and_then(Node::text);
    let file = file.filter(|_| in_one.count() > 1);
    let file = file.map(|file| variables.replace(&file).0);
    let of_file = file.and_then(|file| inside(&own, file.rsplit_once('/')?.0));
    let has_source = |folder: &String| {
        let begin = format!("{folder}/");
        let mut paths = tree.paths.iter();
        paths.any(|path| path.starts_with(&begin) && is_source(path))
    };
    Some(of_file.filter(has_source).unwrap_or(own))
}

/// Why `up` does not start it by itself.
fn idle(node: &Node) -> Option<&'static str> {
    let none = |pointer: &str| {
        let number = node.at(pointer).and_then(Node::text);
        number.is_some_and(|number| number.trim() == "0")
    };
    let profiles = node.get("profiles").map(Node::items).unwrap_or_default();
    if !profiles.is_empty() {
        Some("stands behind a profile")
    } else if none("/scale") || none("/deploy/replicas") {
        Some("has no replica")
    } else {
        None
    }
}

/// Where it opens a port to the host: by `ports`, or by being on the host's network.
fn published(node: &Node) -> Option<Place> {
    let ports = node.get("ports").filter(|it| !it.items().is_empty());
    let network = node.get("network_mode");
    let host = network.filter(|it| it.as_str() == Some("host"));
    ports.or(host).map(|it| it.place.clone())
}

/// Whether each port that it opens is opened on an address of loopback.
fn on_loopback(node: &Node, variables: &Variables) -> bool {
    let ports = node.get("ports").map(Node::items).unwrap_or_default();
    let is_so = |port: &Node| {
        let long = port.get("host_ip").and_then(Node::text);
        let Some(written) = long.or_else(|| port.text()) else {
            return false;
        };
        let (text, _) = variables.replace(&written);
        let begins = ["127.", "[::1]", "::1"]
            .iter()
            .any(|it| text.starts_with(it));
        // A port alone may begin with those digits.
        begins && (text.contains(':') || text.matches('.').count() == 3)
    };
    !ports.is_empty() && ports.iter().all(is_so)
}

fn is_off(check: &Node) -> bool {
    check.get("disable").and_then(Node::as_bool) == Some(true)
}

/// Whether a healthcheck asks anything.
fn asks(check: &Node) -> bool {
    if is_off(check) {
        return false;
    }
    let Some(test) = check.get("test") else {
        return false;
    };
    let words: Vec<String> = match test.as_str() {
        Some(text) => vec![text.to_owned()],
        None => test.items().iter().filter_map(Node::text).collect(),
    };
    let listed = test.as_str().is_none();
    match words.first().map(String::as_str) {
        None => false,
        Some("NONE") if listed => false,
        Some("CMD" | "CMD-SHELL") if listed => words.iter().skip(1).any(|it| !it.trim().is_empty()),
        Some(first) => !first.trim().is_empty(),
    }
}

/// A path below the repository that `path`, seen from `folder`, leads to.
pub(super) fn inside(folder: &str, path: &str) -> Option<String> {
    if path.contains("://") || path.starts_with('/') || path.starts_with('$') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn labels(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    for labels in [node.get("labels"), node.at("/deploy/labels")]
        .into_iter()
        .flatten()
    {
        all.extend(labels.items().iter().filter_map(Node::text));
        all.extend(
            labels
                .entries()
                .iter()
                .map(|(key, value)| format!("{}={}", key.text, value.text().unwrap_or_default())),
        );
    }
    all
}

fn mounts(node: &Node) -> Vec<String> {
    let volumes = node.get("volumes").map(Node::items).unwrap_or_default();
    let source = |it: &Node| it.text().or_else(|| it.get("source")?.text());
    volumes.iter().filter_map(source).collect()
}

/// What it mounts where, as far as others may mount the same.
fn volumes(node: &Node, folder: &str) -> Vec<Mount> {
    let volumes = node.get("volumes").map(Node::items).unwrap_or_default();
    let mounts = volumes.iter().filter_map(|it| {
        let (source, target) = match it.text() {
            Some(short) => {
                let mut parts = short.split(':');
                (parts.next()?.to_owned(), parts.next()?.to_owned())
            }
            None => (it.get("source")?.text()?, it.get("target")?.text()?),
        };
        let source = match source.starts_with('.') {
            true => inside(folder, &source)?,
            false => source,
        };
        Some(Mount {
            source,
            target,
            place: it.place.clone(),
        })
    });
    mounts.collect()
}

/// What of the repository it is given: by binding it, or as a config.
fn files(root: &Node, node: &Node, folder: &str) -> Vec<String> {
    let mut all = Vec::new();
    for volume in node.get("volumes").map(Node::items).unwrap_or_default() {
        let source = match &volume.value {
            NodeValue::Map(_) => volume.get("source").and_then(Node::text),
            _ => volume.text().and_then(|it| {
                let (source, _) = it.split_once(':')?;
                source.starts_with('.').then(|| source.to_owned())
            }),
        };
        all.extend(source.and_then(|source| inside(folder, &source)));
    }
    for config in node.get("configs").map(Node::items).unwrap_or_default() {
        let name = config.text().or_else(|| config.get("source")?.text());
        let file = name.and_then(|name| root.at("/configs")?.get(&name)?.get("file")?.text());
        all.extend(file.and_then(|file| inside(folder, &file)));
    }
    all
}

fn names(node: &Node, pointers: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for pointer in pointers {
        let Some(list) = node.at(pointer) else {
            continue;
        };
        all.extend(list.entries().iter().map(|(key, _)| key.text.clone()));
        for item in list.items() {
            let text = item.text().or_else(|| item.get("service")?.text());
            all.extend(text.map(|text| text.split(':').next().unwrap_or_default().to_owned()));
        }
    }
    all
}
