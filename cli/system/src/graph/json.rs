//! The edges as data.

use serde_json::{Value, json};

use crate::model::{Edge, EdgeReason, System};

/// `{schema, system, edges}`: each edge as it is named to msvc, its ends (`@client` is the host),
/// its port or null, and its reasons with their places.
#[must_use]
pub fn json(system: &System) -> Value {
    json!({
        "schema": "msvc.edges/1",
        "system": system.name,
        "edges": system.edges.iter().map(edge).collect::<Vec<_>>(),
    })
}

fn edge(edge: &Edge) -> Value {
    json!({
        "edge": edge.to_string(),
        "caller": edge.caller,
        "callee": edge.callee,
        "port": edge.port,
        "reasons": edge.reasons.iter().map(reason).collect::<Vec<_>>(),
    })
}

fn reason(reason: &EdgeReason) -> Value {
    let (by, name) = match reason {
        EdgeReason::Calls { .. } => ("calls", None),
        EdgeReason::Environment { key, .. } => ("environment", Some(key)),
        EdgeReason::Command { .. } => ("command", None),
        EdgeReason::Healthcheck { .. } => ("healthcheck", None),
        EdgeReason::Config { name, .. } => ("config", Some(name)),
        EdgeReason::DependsOn { .. } => ("depends_on", None),
        EdgeReason::Links { .. } => ("links", None),
        EdgeReason::Published { .. } => ("ports", None),
    };
    let place = reason.place();
    let mut value = json!({
        "by": by,
        "file": place.file.to_string_lossy(),
        "line": place.line,
        "column": place.column,
    });
    if let (Some(name), Some(fields)) = (name, value.as_object_mut()) {
        fields.insert("name".to_owned(), json!(name));
    }
    value
}
