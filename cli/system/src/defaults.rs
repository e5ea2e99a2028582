//! What a file means where it says nothing: a build's context, where a secret stands, a port's
//! protocol, how many devices.

use crate::problem::Place;
use crate::yaml::{Key, Node, NodeValue};

/// Adds it to a tree in long form.
pub(crate) fn fill(tree: &mut Node) {
    for service in tree.values_of_mut("services") {
        if let Some(build) = service.get_mut("build") {
            missing(build, "context", || NodeValue::String(".".to_owned()));
        }
        for secret in service.items_of_mut("secrets") {
            let source = secret.get("source").and_then(Node::text);
            let target = format!("/run/secrets/{}", source.unwrap_or_default());
            missing(secret, "target", || NodeValue::String(target));
        }
        for port in service.items_of_mut("ports") {
            missing(port, "protocol", || NodeValue::String("tcp".to_owned()));
            missing(port, "mode", || NodeValue::String("ingress".to_owned()));
        }
        for device in service.items_of_mut("gpus") {
            all_of(device);
        }
        if let Some(reservations) = service
            .get_mut("deploy")
            .and_then(|it| it.get_mut("resources"))
            .and_then(|it| it.get_mut("reservations"))
        {
            for device in reservations.items_of_mut("devices") {
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
