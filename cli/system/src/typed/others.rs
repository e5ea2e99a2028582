//! The keys of a service that the model has no place for: they are handed on to the runtime, which
//! carries them or says that it cannot.

use indexmap::IndexMap;

use crate::model::Placed;
use crate::yaml::{Key, Node};

/// Keys that the typed model holds.
const MODELLED: &[&str] = &[
    "build",
    "command",
    "configs",
    "depends_on",
    "deploy",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "healthcheck",
    "image",
    "label_file",
    "labels",
    "links",
    "ports",
    "profiles",
    "restart",
    "scale",
    "secrets",
    "stop_grace_period",
    "stop_signal",
    "tmpfs",
    "volumes",
    "working_dir",
];

/// Keys below modelled ones that the model has no place for.
const BELOW: &[(&str, &[&str])] = &[
    (
        "build",
        &[
            "additional_contexts",
            "cache_from",
            "cache_to",
            "dockerfile_inline",
            "entitlements",
            "extra_hosts",
            "isolation",
            "labels",
            "network",
            "no_cache",
            "no_cache_filter",
            "platforms",
            "privileged",
            "provenance",
            "pull",
            "sbom",
            "secrets",
            "shm_size",
            "ssh",
            "tags",
            "ulimits",
        ],
    ),
    (
        "deploy",
        &[
            "endpoint_mode",
            "labels",
            "mode",
            "placement",
            "resources",
            "rollback_config",
            "update_config",
        ],
    ),
    ("healthcheck", &["disable", "start_interval"]),
];

/// Fields for the runtime, by name (`networks`, `build.ssh`).
pub(crate) fn others(
    service: &Node,
    has_healthcheck: bool,
) -> IndexMap<String, Placed<serde_json::Value>> {
    let mut fields = IndexMap::new();
    for (key, node) in service.entries() {
        let name = key.text.as_str();
        if node.is_null() || name.starts_with("x-") || crate::fields::SERVICE.field(name).is_none()
        {
            continue;
        }
        if !MODELLED.contains(&name) {
            fields.insert(name.to_owned(), placed(key, node));
        }
        for below in BELOW
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, below)| *below)
            .unwrap_or_default()
        {
            if let Some((key, node)) = node.entry(below).filter(|(_, node)| !node.is_null()) {
                fields.insert(format!("{name}.{below}"), placed(key, node));
            }
        }
    }
    // `test: NONE` says the same as `disable`.
    if let Some((key, node)) = service.entry("healthcheck")
        && !has_healthcheck
        && says_none(node.get("test"))
    {
        let (value, place) = (serde_json::Value::Bool(true), key.place.clone());
        let disabled = Placed { value, place };
        fields.insert("healthcheck.disable".to_owned(), disabled);
    }
    // Without a `test` the healthcheck is the image's, with other times.
    if let Some((key, node)) = service.entry("healthcheck")
        && !has_healthcheck
        && node.as_map().is_some()
        && node.get("test").is_none()
        && node.get("disable").is_none()
    {
        fields.insert("healthcheck".to_owned(), placed(key, node));
    }
    fields
}

fn says_none(test: Option<&Node>) -> bool {
    let first = test.and_then(|test| test.items().first());
    first.and_then(Node::as_str) == Some("NONE")
}

fn placed(key: &Key, node: &Node) -> Placed<serde_json::Value> {
    Placed {
        value: node.to_json(),
        place: key.place.clone(),
    }
}
