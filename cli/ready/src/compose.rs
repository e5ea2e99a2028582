//! What the Compose file of a repository says, as far as checks need it: read leniently, for a
//! file that Compose would refuse still is evidence.

use msvc_system::problem::Place;
use msvc_system::yaml::{self, Node};

use crate::tree::Tree;

/// File names that Compose looks for.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// A service of the Compose file.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its image, when it is not built.
    pub image: Option<String>,
    /// Its build context, relative to the repository, `""` for the root itself.
    pub build: Option<String>,
    /// `x-msvc.context`.
    pub context: Option<String>,
    /// `x-msvc.owner`.
    pub owner: Option<String>,
    /// Whether it opens a port to the host, and where that stands.
    pub published: Option<Place>,
    /// Whether it has a healthcheck.
    pub healthcheck: bool,
    /// Whether it is started again when it ends.
    pub restart: bool,
    /// Whether its memory or processor is limited.
    pub limits: bool,
    /// All of its settings' values, with where each stands.
    pub settings: Vec<(String, Place)>,
    /// Services that it names in `depends_on`, `links` or `x-msvc.calls`.
    pub names: Vec<String>,
}

/// The Compose file.
#[derive(Debug, Clone)]
pub struct Compose {
    /// Its path, relative to the repository.
    pub path: String,
    /// Its services.
    pub services: Vec<Service>,
}

impl Compose {
    /// The file nearest to the root; `None` without any, the reason when it cannot be read.
    pub fn find(tree: &Tree) -> Option<Result<Self, String>> {
        let named = |path: &&String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            NAMES.contains(&name)
        };
        let mut found: Vec<&String> = tree.paths.iter().filter(named).collect();
        found.sort_by_key(|path| path.matches('/').count());
        let path = found.first()?;
        let Some(file) = tree.text(path) else {
            return Some(Err(format!("{path} is no text that can be read")));
        };
        let node = yaml::parse(&tree.root.join(path), file.text.as_bytes());
        Some(match node {
            Ok(node) => Ok(Self {
                path: (*path).clone(),
                services: services(&node, path),
            }),
            Err(problems) => Err(format!("{path} cannot be read: {problems}")),
        })
    }

    /// Services whose image or name tells that they are one of `kinds`.
    pub fn of_kind<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Service> {
        self.services.iter().filter(move |service| {
            let image = service.image.as_deref().unwrap_or(&service.name);
            // `registry:5000/team/kafka:3.7` is `kafka`.
            let image = image.rsplit('/').next().unwrap_or(image);
            let image = image
                .split([':', '@'])
                .next()
                .unwrap_or(image)
                .to_lowercase();
            kinds.iter().any(|kind| {
                image == *kind || image.split(['-', '_', '.']).any(|part| part == *kind)
            })
        })
    }

    /// Whether any other service names this one: in a setting, in `depends_on` or `x-msvc.calls`.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.services
            .iter()
            .filter(|other| other.name != name)
            .any(|other| {
                other.names.iter().any(|named| named == name)
                    || other
                        .settings
                        .iter()
                        .any(|(value, _)| mentions(value, name))
            })
    }
}

/// Whether a setting's value names a service as an address: whole, or between other signs.
#[must_use]
pub fn mentions(value: &str, name: &str) -> bool {
    value
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .any(|part| part == name)
}

fn services(root: &Node, path: &str) -> Vec<Service> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let services = root.get("services").map(Node::entries).unwrap_or_default();
    services
        .iter()
        .map(|(key, node)| Service {
            name: key.text.clone(),
            place: key.place.clone(),
            image: node.get("image").and_then(Node::text),
            build: node.get("build").and_then(|build| {
                let context = build.text().or_else(|| build.get("context")?.text())?;
                inside(folder, &context)
            }),
            context: node.at("/x-msvc/context").and_then(Node::text),
            owner: node.at("/x-msvc/owner").and_then(Node::text),
            published: node
                .get("ports")
                .filter(|ports| !ports.items().is_empty())
                .map(|ports| ports.place.clone()),
            healthcheck: node
                .get("healthcheck")
                .is_some_and(|check| check.get("test").is_some()),
            restart: node
                .get("restart")
                .and_then(Node::text)
                .is_some_and(|policy| policy != "no"),
            limits: node.at("/deploy/resources/limits").is_some()
                || node.get("mem_limit").is_some()
                || node.get("cpus").is_some(),
            settings: settings(node),
            names: names(node),
        })
        .collect()
}

/// A path below the repository that `context`, seen from `folder`, leads to.
fn inside(folder: &str, context: &str) -> Option<String> {
    if context.contains("://") || context.starts_with('/') || context.starts_with('$') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in context.split('/') {
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

fn settings(node: &Node) -> Vec<(String, Place)> {
    let mut all = Vec::new();
    for key in ["environment", "command", "entrypoint"] {
        let Some(value) = node.get(key) else { continue };
        for (_, value) in value.entries() {
            all.extend(value.text().map(|text| (text, value.place.clone())));
        }
        for value in value.items() {
            all.extend(value.text().map(|text| (text, value.place.clone())));
        }
        all.extend(
            value
                .as_str()
                .map(|text| (text.to_owned(), value.place.clone())),
        );
    }
    all
}

fn names(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    for pointer in ["/depends_on", "/links", "/x-msvc/calls"] {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_service_is_read_with_what_checks_ask_for() {
        let text = "services:
  web:
    build: ../web
    ports: ['80:80']
    depends_on: [api]
    environment: {BROKER: 'kafka:9092'}
    healthcheck: {test: [CMD, 'true']}
    restart: always
  kafka: {image: 'registry:5000/bitnami/kafka:3.7'}
";
        let node = yaml::parse(Path::new("/r/deploy/compose.yaml"), text.as_bytes()).unwrap();
        let compose = Compose {
            path: "deploy/compose.yaml".to_owned(),
            services: services(&node, "deploy/compose.yaml"),
        };
        let web = &compose.services[0];
        assert_eq!(web.build.as_deref(), Some("web"));
        assert!(web.published.is_some() && web.healthcheck && web.restart && !web.limits);
        assert_eq!(web.names, ["api"]);
        assert_eq!(compose.of_kind(&["kafka"]).count(), 1);
        assert!(compose.is_named("kafka") && !compose.is_named("web"));
        assert_eq!(inside("a", "../.."), None);
    }
}
