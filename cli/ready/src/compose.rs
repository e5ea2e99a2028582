//! What the Compose file of a repository says, as far as checks need it: read leniently, for a
//! file that Compose would refuse still is evidence.

use std::collections::BTreeSet;

use msvc_system::yaml::{self, Node};

use crate::tree::{TextFile, Tree, is_test};

mod dockerfile;
mod env_file;
mod extends;
mod hosts;
mod merge;
mod service;
mod setting;

pub use hosts::Hosts;
use merge::laid_over;
pub use service::{Mount, Service};
pub use setting::Setting;

/// File names that Compose looks for.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// The Compose file.
#[derive(Debug, Clone)]
pub struct Compose {
    /// Its path, relative to the repository.
    pub path: String,
    /// Its services.
    pub services: Vec<Service>,
    /// Those that only the files beside it have, which `-f` lays over it: `compose.full.yaml`.
    pub variants: Vec<Service>,
    /// Why those of them cannot be read that are there.
    pub unread: Vec<String>,
}

impl Compose {
    /// The file nearest to the root; `None` without any, the reason when it cannot be read.
    pub fn find(tree: &Tree) -> Option<Result<Self, String>> {
        let named = |path: &&String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            // What a container to develop in is made by runs no system.
            NAMES.contains(&name) && !path.split('/').any(|it| it == ".devcontainer")
        };
        let mut found: Vec<&String> = tree.paths.iter().filter(named).collect();
        found.sort_by_key(|path| path.matches('/').count());
        let path = found.first()?;
        let Some(file) = tree.text(path) else {
            let why = match tree.lost.contains(path) {
                true => "a link that leads nowhere",
                false => "no text that can be read",
            };
            return Some(Err(format!("{path} is {why}")));
        };
        let read = |path: &str, text: &str| {
            yaml::parse(&tree.root.join(path), text.as_bytes())
                .map(|root| extends::whole(root, path, tree))
                .map_err(|problems| format!("{path} cannot be read: {problems}"))
        };
        let mut node = match read(path, &file.text) {
            Ok(node) => node,
            Err(why) => return Some(Err(why)),
        };
        for over in overrides(path).iter().filter_map(|path| tree.text(path)) {
            match read(&over.path, &over.text) {
                Ok(over) => node = laid_over(&node, &over),
                Err(_) if crate::tree::says_nothing(&over.text) => {}
                Err(why) => return Some(Err(why)),
            }
        }
        let mut services = service::all(&node, path, tree);
        let mut seen = BTreeSet::from([(*path).clone()]);
        let mut waiting = included(&node, path);
        while let Some(path) = waiting.pop() {
            let Some(file) = tree.text(&path).filter(|_| seen.insert(path.clone())) else {
                continue;
            };
            let node = match read(&path, &file.text) {
                Ok(node) => node,
                Err(why) => return Some(Err(why)),
            };
            waiting.extend(included(&node, &path));
            for service in service::all(&node, &path, tree) {
                if services.iter().all(|it| it.name != service.name) {
                    services.push(service);
                }
            }
        }
        let (mut variants, mut unread): (Vec<Service>, Vec<String>) = Default::default();
        for file in beside(path, tree).filter(|file| !seen.contains(&file.path)) {
            let all = read(&file.path, &file.text).map(|node| service::all(&node, path, tree));
            if let Err(why) = &all
                && !crate::tree::says_nothing(&file.text)
            {
                unread.push(why.clone());
            }
            for service in all.unwrap_or_default() {
                let is_known = |it: &Service| it.name == service.name;
                if !services.iter().chain(&variants).any(is_known) {
                    variants.push(service);
                }
            }
        }
        Some(Ok(Self {
            path: (*path).clone(),
            services,
            variants,
            unread,
        }))
    }

    /// Services whose image or name tells that they are one of `kinds`, in any of its parts.
    pub fn of_kind<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Service> {
        self.services.iter().filter(move |service| {
            let kind = service.kind();
            kind.split(['-', '_', '.'])
                .chain([kind.as_str()])
                .any(|part| kinds.contains(&part))
        })
    }
}

/// The files of the repository that a Compose file includes.
fn included(node: &Node, path: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let items = node.get("include").map(Node::items).unwrap_or_default();
    let paths = items.iter().flat_map(|item| {
        let long = item.get("path");
        let all = long.map_or(std::slice::from_ref(item), |it| match it.items() {
            [] => std::slice::from_ref(it),
            all => all,
        });
        all.iter().filter_map(Node::text)
    });
    paths
        .filter_map(|it| service::inside(folder, &it))
        .collect()
}

/// Other Compose files of the same folder, for who names them.
fn beside<'a>(path: &str, tree: &'a Tree) -> impl Iterator<Item = &'a TextFile> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (folder, path) = (folder.to_owned(), path.to_owned());
    let over = overrides(&path);
    tree.texts.iter().filter(move |file| {
        let (of, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let is_one = ["compose.", "docker-compose."]
            .iter()
            .any(|it| name.starts_with(it));
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let is_new = file.path != path && !over.contains(&file.path);
        of == folder && is_one && is_yaml && is_new && !is_test(name)
    })
}

/// The files that Compose lays over this one, where they are there.
fn overrides(path: &str) -> Vec<String> {
    let Some((stem, _)) = path.rsplit_once('.') else {
        return Vec::new();
    };
    let first = ["yaml", "yml"].map(|ending| format!("{stem}.override.{ending}"));
    first.to_vec()
}

/// Whether a text leads to a host of this name: `//orders`, `orders:8080`, `server orders`, or the
/// name alone. What only speaks of it does not.
#[must_use]
pub fn leads_to(text: &str, host: &str) -> bool {
    if host.is_empty() {
        return false;
    }
    // Names of hosts do not tell upper from lower case, and some registries write them large.
    let host = &host.to_lowercase();
    let is_name = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_');
    text.lines().any(|line| {
        let line = line.trim().to_lowercase();
        let line = line.as_str();
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        if line.starts_with('#') {
            return false;
        }
        line.match_indices(host).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + host.len()..]);
            let whole =
                !before.ends_with(|it| is_name(it) || it == '.') && !after.starts_with(is_name);
            let port = after
                .strip_prefix(':')
                .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit() || it == '$'));
            let url = before.ends_with("//") || before.ends_with('@') || port;
            let alone = before.is_empty() && after.is_empty();
            let key: String = before.chars().filter(|it| !"\"'".contains(*it)).collect();
            let keyed = || HOSTS.iter().any(|it| key.trim_end().ends_with(it));
            whole && (alone || url || keyed())
        })
    })
}

/// What stands before a host's name in files of settings.
const HOSTS: [&str; 9] = [
    "host:",
    "address:",
    "server",
    "reverse_proxy",
    "host =",
    // Clients that are declared, and found by a registry: `@Client("orders")`.
    "client(",
    "client(id =",
    "client(name =",
    "client(value =",
];

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
    volumes: ['./web.conf:/etc/web.conf', 'data:/data']
  kafka: {image: 'registry:5000/bitnami/kafka:3.7', profiles: [never]}
  ui: {image: 'provectuslabs/kafka-ui', deploy: {replicas: 0}}
  host: {build: ., network_mode: host}
";
        let node = yaml::parse(Path::new("/r/deploy/compose.yaml"), text.as_bytes()).unwrap();
        let compose = Compose {
            path: "deploy/compose.yaml".to_owned(),
            services: service::all(&node, "deploy/compose.yaml", &Tree::default()),
            variants: Vec::new(),
            unread: Vec::new(),
        };
        let web = &compose.services[0];
        assert_eq!(web.build.as_deref(), Some("web"));
        assert!(web.published.is_some() && web.healthcheck && web.restart && !web.limits);
        assert_eq!(
            (web.waits.as_slice(), web.files.as_slice()),
            (&["api".to_owned()][..], &["deploy/web.conf".to_owned()][..])
        );
        assert_eq!(compose.of_kind(&["kafka"]).count(), 2);
        assert!(web.leads_to("kafka") && !web.leads_to("api"));
        let idle: Vec<bool> = compose
            .services
            .iter()
            .map(|it| it.idle.is_some())
            .collect();
        assert_eq!(idle, [false, true, true, false]);
        assert!(compose.services[3].published.is_some());
    }

    #[test]
    fn a_healthcheck_asks_something() {
        for (check, asks) in [
            ("{test: [CMD, 'true']}", true),
            ("{test: curl -f localhost}", true),
            ("{test: [CMD-SHELL, curl -f localhost]}", true),
            ("{test: [NONE]}", false),
            ("{test: [CMD, x], disable: true}", false),
            ("{test: []}", false),
            ("{test: [CMD]}", false),
            ("{test: ''}", false),
            ("{test: }", false),
            ("{interval: 3s}", false),
        ] {
            let text = format!("services: {{a: {{image: a, healthcheck: {check}}}}}\n");
            let node = yaml::parse(Path::new("/r/compose.yaml"), text.as_bytes()).unwrap();
            let services = service::all(&node, "compose.yaml", &Tree::default());
            assert_eq!(services[0].healthcheck, asks, "{check}");
        }
    }

    #[test]
    fn an_address_is_told_from_what_only_speaks_of_it() {
        for (text, leads) in [
            ("http://orders", true),
            ("orders:8080", true),
            ("orders", true),
            ("  server orders;", true),
            ("proxy_pass http://orders/;", true),
            ("  address: orders", true),
            ("lb://orders", true),
            ("uri: lb://ORDERS", true),
            ("{\"Host\": \"orders\", \"Port\": 80}", true),
            ("@Client(id = \"orders\", path = \"/\")", true),
            ("@FeignClient(\"orders\")", true),
            ("no orders", false),
            ("# proxy_pass http://orders;", false),
            ("x 1 # http://orders", false),
            ("http://orders-old", false),
            ("reorders:80", false),
            ("my.orders:80", false),
        ] {
            assert_eq!(leads_to(text, "orders"), leads, "{text}");
        }
    }

    #[test]
    fn a_file_of_overrides_counts() {
        let below = yaml::parse(
            Path::new("/r/a"),
            b"services: {a: {image: a, ports: ['1:1']}}",
        )
        .unwrap();
        let over = yaml::parse(
            Path::new("/r/b"),
            b"services: {a: {ports: ['2:2']}, b: {image: b}}",
        )
        .unwrap();
        let all = laid_over(&below, &over);
        assert_eq!(all.at("/services/a/ports").unwrap().items().len(), 2);
        assert_eq!(all.get("services").unwrap().entries().len(), 2);
        assert_eq!(overrides("x/compose.yml")[0], "x/compose.override.yaml");
    }
}
