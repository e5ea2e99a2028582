//! What a project must not say at once, and names that must be declared.
//!
//! What comes in: a tree in long form and which services run. What leaves: an error for each part
//! that contradicts another, as Docker Compose has them. What must not enter: what one value is
//! (the table says that), what `x-msvc` says.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::problem::{Problem, Problems};
use crate::unread::Unread;
use crate::yaml::{Node, shorten};
pub(crate) use declared::declared;
use service::Service;

mod declared;
mod resources;
mod service;
mod used;
mod waits;

/// Checks the services that run.
pub(crate) fn services(
    tree: &Node,
    runs: impl Fn(&str) -> bool,
    unread: &mut Unread,
    problems: &mut Problems,
) {
    let known = Known {
        services: tree.named("services"),
        networks: tree.named("networks"),
        volumes: tree.named("volumes"),
        secrets: tree.named("secrets"),
        configs: tree.named("configs"),
        models: tree.named("models"),
    };
    let all = tree.entries_of("services");
    let mut containers: HashMap<&str, &str> = HashMap::new();
    for (key, service) in all.iter().filter(|(key, _)| runs(&key.text)) {
        let mut one = Service {
            node: service,
            known: &known,
            unread,
            problems,
        };
        one.check(key);
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
    waits::check(tree, &runs, unread, problems);
}

/// What is declared, by name.
struct Known<'a> {
    services: Names<'a>,
    networks: Names<'a>,
    volumes: Names<'a>,
    secrets: Names<'a>,
    configs: Names<'a>,
    models: Names<'a>,
}

type Names<'a> = IndexMap<&'a str, &'a Node>;
