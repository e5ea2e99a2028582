//! What is declared, whether anything uses it or not.

use std::net::IpAddr;

use crate::problem::{Problem, Problems};
use crate::unread::Unread;
use crate::yaml::{Key, Node, shorten};

/// Checks what is declared.
pub(crate) fn declared(tree: &Node, unread: &Unread, problems: &mut Problems) {
    for (section, ways) in [
        ("configs", ["file", "environment", "content"].as_slice()),
        ("secrets", ["file", "environment"].as_slice()),
    ] {
        for (key, entry) in tree.entries_of(section) {
            if !unread.may_be_made(section, &key.text) {
                source(section, key, entry, ways, problems);
            }
        }
    }
    for (key, volume) in tree.entries_of("volumes") {
        external(key, volume, problems);
    }
    for (_, service) in tree.entries_of("services") {
        for port in service.items_of("ports") {
            if let Some(node) = port.get("host_ip")
                && let Some(text) = node.as_str()
                && text.parse::<IpAddr>().is_err()
            {
                let what = format!("`{}` is no IP address", shorten(text));
                let problem = Problem::error(what).at(node.place.clone());
                problems.push(problem.hint("write one as 127.0.0.1 or ::1"));
            }
        }
        for trigger in service
            .at("/develop/watch")
            .map(Node::items)
            .unwrap_or_default()
        {
            if let Some(path) = trigger.get("path").filter(|it| it.as_str() == Some("")) {
                let problem = Problem::error("this `path` is empty").at(path.place.clone());
                problems.push(problem.hint("write the folder to watch: `path: ./src`"));
            }
        }
        let reserved = service.at("/deploy/resources/reservations/devices");
        for device in reserved.map(Node::items).unwrap_or_default() {
            both(device, "count", "device_ids", problems);
        }
        for device in service.items_of("gpus") {
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
        let problem = Problem::error(what).at(key.place.clone());
        problems.push(problem.hint("write its `file` or `environment`"));
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
