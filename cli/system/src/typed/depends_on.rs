//! `depends_on` (in long form) and what else makes a service wait for another: `links`, and a
//! namespace or volumes shared with it.

use indexmap::IndexMap;

use super::misnamed;
use super::scalars::flag;
use crate::forms::scalar_text;
use crate::id::ServiceName;
use crate::model::{Condition, Dependency, Link};
use crate::problem::{Place, Problem, Problems, nearest};
use crate::yaml::{Node, shorten};

const CONDITIONS: [(&str, Condition); 3] = [
    ("service_started", Condition::ServiceStarted),
    ("service_healthy", Condition::ServiceHealthy),
    (
        "service_completed_successfully",
        Condition::ServiceCompletedSuccessfully,
    ),
];

/// Fields that may say `service:NAME`: that service's namespace is used.
const NAMESPACES: [&str; 5] = ["network_mode", "ipc", "pid", "uts", "cgroup"];

pub(crate) fn dependencies(service: &Node, problems: &mut Problems) -> Vec<Dependency> {
    let mut found: IndexMap<String, Dependency> = IndexMap::new();
    for (key, entry) in service.entries_of("depends_on") {
        if let Some(dependency) = explicit(&key.text, &key.place, entry, problems) {
            found.insert(key.text.clone(), dependency);
        }
    }
    for item in service.items_of("links") {
        if let Some(text) = scalar_text(item) {
            let name = text.split(':').next().unwrap_or(&text);
            implied(name, &item.place, &mut found, problems);
        }
    }
    let lenders = service.get("volumes_from").map(Node::items);
    for item in lenders.unwrap_or_default() {
        let text = scalar_text(item).unwrap_or_default();
        match text.split(':').next() {
            // A container of others, which nobody here starts.
            Some("container") | None => {}
            Some(name) => implied(name, &item.place, &mut found, problems),
        }
    }
    for key in NAMESPACES {
        if let Some(node) = service.get(key)
            && let Some(name) = node.as_str().and_then(|text| text.strip_prefix("service:"))
        {
            implied(name, &node.place, &mut found, problems);
        }
    }
    found.into_values().collect()
}

/// The links that give a service another name.
pub(crate) fn links(service: &Node, problems: &mut Problems) -> Vec<Link> {
    let items = service.items_of("links");
    let mut links = Vec::new();
    for item in items {
        let text = scalar_text(item).unwrap_or_default();
        let Some((name, alias)) = text.split_once(':') else {
            continue;
        };
        // A wrong name is told by the dependency that the link makes.
        let Ok(service) = ServiceName::new(name) else {
            continue;
        };
        if alias.is_empty() || alias.contains([':', '/', ' ']) {
            let what = format!("the link `{}` gives no name", shorten(&text));
            let problem = Problem::error(what).at(item.place.clone());
            problems.push(problem.hint("write `SERVICE:NAME`"));
        } else if alias != name {
            links.push(Link {
                service,
                alias: alias.to_owned(),
                place: item.place.clone(),
            });
        }
    }
    links
}

fn named(name: &str, place: &Place, problems: &mut Problems) -> Option<ServiceName> {
    match ServiceName::new(name) {
        Ok(name) => Some(name),
        Err(error) => {
            problems.push(misnamed(&error).at(place.clone()));
            None
        }
    }
}

fn explicit(
    name: &str,
    place: &Place,
    entry: &Node,
    problems: &mut Problems,
) -> Option<Dependency> {
    let mut asked = |key: &str, default: bool| {
        let Some(node) = entry.get(key).filter(|n| !n.is_null()) else {
            return default;
        };
        flag(node, &format!("`depends_on.{key}`")).unwrap_or_else(|problem| {
            problems.push(problem);
            default
        })
    };
    let (required, restart) = (asked("required", true), asked("restart", false));
    let condition = match entry.get("condition").filter(|n| !n.is_null()) {
        None => Condition::ServiceStarted,
        Some(node) => {
            let text = scalar_text(node).unwrap_or_default();
            let known = CONDITIONS.iter().find(|(name, _)| *name == text);
            if known.is_none() {
                problems.push(unknown_condition(&text, node));
            }
            known.map_or(Condition::ServiceStarted, |(_, condition)| *condition)
        }
    };
    Some(Dependency {
        service: named(name, place, problems)?,
        condition,
        required,
        restart,
        place: place.clone(),
    })
}

fn unknown_condition(text: &str, node: &Node) -> Problem {
    let names = CONDITIONS.map(|(name, _)| name);
    let problem = Problem::error(format!("`depends_on` has no condition `{}`", shorten(text)))
        .at(node.place.clone());
    match nearest(text, names) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint(names.join(", ")),
    }
}

fn implied(
    name: &str,
    place: &Place,
    found: &mut IndexMap<String, Dependency>,
    problems: &mut Problems,
) {
    if found.contains_key(name) {
        return;
    }
    if let Some(service) = named(name, place, problems) {
        let dependency = Dependency {
            service,
            condition: Condition::ServiceStarted,
            required: true,
            restart: true,
            place: place.clone(),
        };
        found.insert(name.to_owned(), dependency);
    }
}
