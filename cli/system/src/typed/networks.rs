//! The top-level `networks`.

use indexmap::IndexMap;

use super::scalars::{flag, flag_or_false, optional_text};
use crate::forms::scalar_text;
use crate::model::{Network, Subnet};
use crate::problem::Problems;
use crate::yaml::{Key, Node};

/// The declared networks.
pub(crate) fn networks(tree: &Node, problems: &mut Problems) -> IndexMap<String, Network> {
    let declared = tree.entries_of("networks");
    declared
        .iter()
        .filter(|(key, _)| !key.text.starts_with("x-"))
        .map(|(key, node)| (key.text.clone(), network(key, node, problems)))
        .collect()
}

fn network(key: &Key, node: &Node, problems: &mut Problems) -> Network {
    let mut name = optional_text(node.get("name"), "the name of a network", problems);
    let external = match node.get("external").filter(|n| !n.is_null()) {
        // The form before `name` existed.
        Some(external) if external.as_map().is_some() => {
            name = name
                .or_else(|| optional_text(external.get("name"), "the name of a network", problems));
            true
        }
        Some(external) => flag(external, "`external`").unwrap_or_else(|problem| {
            problems.push(problem);
            false
        }),
        None => false,
    };
    let driver = optional_text(node.get("driver"), "the driver of a network", problems);
    let mut asked =
        |key: &str| flag_or_false(node.get(key), &format!("`{key}` of a network"), problems);
    Network {
        name,
        external,
        driver: driver.filter(|driver| !driver.is_empty()),
        internal: asked("internal"),
        attachable: asked("attachable"),
        enable_ipv6: asked("enable_ipv6"),
        enable_ipv4: node
            .get("enable_ipv4")
            .filter(|n| !n.is_null())
            .map(|_| asked("enable_ipv4")),
        ipam_driver: node
            .at("/ipam/driver")
            .and_then(scalar_text)
            .filter(|driver| !driver.is_empty()),
        ipam_options: settings(node.at("/ipam/options")),
        options: settings(node.get("driver_opts")),
        labels: settings(node.get("labels")),
        subnets: node
            .at("/ipam/config")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .map(|config| subnet(config, problems))
            .collect(),
        place: key.place.clone(),
    }
}

fn subnet(config: &Node, problems: &mut Problems) -> Subnet {
    let mut text = |key: &str| optional_text(config.get(key), &format!("`{key}`"), problems);
    Subnet {
        subnet: text("subnet"),
        gateway: text("gateway"),
        ip_range: text("ip_range"),
        reserved: settings(config.get("aux_addresses")),
    }
}

fn settings(node: Option<&Node>) -> IndexMap<String, String> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(key, value)| Some((key.text.clone(), scalar_text(value)?)))
        .collect()
}
