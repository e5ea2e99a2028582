//! What a file means where it says nothing: a build's context, where a secret stands, a port's
//! protocol, how many devices.

use crate::problem::Place;
use crate::yaml::{Key, Node, NodeValue};

/// Adds it to a tree in long form.
pub(crate) fn fill(tree: &mut Node) {
    for service in entries(tree, "services") {
        if let Some(build) = service.get_mut("build") {
            missing(build, "context", || NodeValue::String(".".to_owned()));
        }
        for secret in items(service, "secrets") {
            let source = secret.get("source").and_then(Node::text);
            let target = format!("/run/secrets/{}", source.unwrap_or_default());
            missing(secret, "target", || NodeValue::String(target));
        }
        for port in items(service, "ports") {
            missing(port, "protocol", || NodeValue::String("tcp".to_owned()));
            missing(port, "mode", || NodeValue::String("ingress".to_owned()));
        }
        for device in items(service, "gpus") {
            all_of(device);
        }
        if let Some(reservations) = service
            .get_mut("deploy")
            .and_then(|it| it.get_mut("resources"))
            .and_then(|it| it.get_mut("reservations"))
        {
            for device in items(reservations, "devices") {
                all_of(device);
            }
        }
    }
}

fn all_of(device: &mut Node) {
    if device.get("count").is_none() && device.get("device_ids").is_none() {
        missing(device, "count", || NodeValue::String("all".to_owned()));
    }
}

/// Adds a key that a mapping does not have.
fn missing(node: &mut Node, key: &str, value: impl FnOnce() -> NodeValue) {
    let place: Place = node.place.clone();
    if let NodeValue::Map(entries) = &mut node.value
        && !entries.iter().any(|(there, _)| there.text == key)
    {
        let key = Key {
            text: key.to_owned(),
            place: place.clone(),
        };
        entries.push((key, Node::new(place, value())));
    }
}

fn entries<'n>(node: &'n mut Node, key: &str) -> impl Iterator<Item = &'n mut Node> {
    let entries = match node.get_mut(key).map(|node| &mut node.value) {
        Some(NodeValue::Map(entries)) => entries.as_mut_slice(),
        _ => &mut [],
    };
    entries.iter_mut().map(|(_, node)| node)
}

fn items<'n>(node: &'n mut Node, key: &str) -> &'n mut [Node] {
    node.get_mut(key).map(Node::items_mut).unwrap_or_default()
}
