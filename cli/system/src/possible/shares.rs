//! Whose network, processes, memory or volumes a service shares: somebody of whom something is
//! started, and who gives it away.

use super::wrong;
use crate::model::System;
use crate::problem::Problems;
use crate::yaml::{Node, shorten};

/// The fields that name whose it is, but for `volumes_from`, which has a form of its own.
const NAMESPACES: [&str; 3] = ["network_mode", "ipc", "pid"];

/// What of `ipc` lets nobody else in. Without a word it is for the engine to say.
const KEPT: [&str; 2] = ["private", "none"];

/// Checks one service.
pub(super) fn check(system: &System, tree: &Node, service: &Node, problems: &mut Problems) {
    for field in NAMESPACES {
        let Some((text, node)) = service.get(field).and_then(|it| Some((it.as_str()?, it))) else {
            continue;
        };
        if text == "container:" {
            names_nobody(field, node, problems);
        }
        let Some(host) = text.strip_prefix("service:") else {
            continue;
        };
        started(system, field, host, node, problems);
        let theirs = tree
            .get("services")
            .and_then(|all| all.get(host)?.get(field));
        let kept = theirs.and_then(Node::as_str).unwrap_or_default();
        if field == "ipc" && KEPT.contains(&kept) {
            let host = shorten(host);
            let what = format!("`ipc` shares that of the service `{host}`, whose own is `{kept}`");
            let hint = format!("write `ipc: shareable` at `{host}`");
            wrong(problems, what, &node.place, hint);
        }
    }
    for node in service.items_of("volumes_from") {
        let text = node.as_str().unwrap_or_default();
        let mut parts = text.split(':');
        match (parts.next(), parts.next()) {
            (Some("container"), name) => {
                if name.is_none_or(str::is_empty) {
                    names_nobody("volumes_from", node, problems);
                }
            }
            (Some(lender), _) => started(system, "volumes_from", lender, node, problems),
            (None, _) => {}
        }
    }
}

fn names_nobody(field: &str, node: &Node, problems: &mut Problems) {
    let what = format!("`{field}` says `container:` and names none");
    let own = match field {
        "volumes_from" => "NAME",
        _ => "service:NAME",
    };
    let hint = format!("write `container:NAME`, or `{own}` for a service of this system");
    wrong(problems, what, &node.place, hint);
}

/// One of whose replicas none is started has nothing to share.
fn started(system: &System, field: &str, host: &str, node: &Node, problems: &mut Problems) {
    if system.service(host).is_none_or(|it| it.replicas > 0) {
        return;
    }
    let host = shorten(host);
    let what = format!("`{field}` names the service `{host}`, of which no replica is started");
    let hint = format!("let one of `{host}` run, or share another's");
    wrong(problems, what, &node.place, hint);
}
