//! The edges of a system as people and programs read them: a table, JSON, and drawings for
//! Graphviz and Mermaid.
//!
//! What comes in: a [`System`]. What leaves: texts and JSON, the same for the same files, in the
//! order of the files. What must not enter: how any of it reaches a screen or a file.
//!
//! Layout
//! - [`table`]: each edge with every reason for it, within 80 columns.
//! - [`json`]: the same as data.
//! - [`dot`], [`mermaid`]: drawings; one arrow for each pair, dashed where only the order of their
//!   start is known.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::id::{Party, ServiceName};
use crate::model::{EdgeReason, System};

mod dot;
mod json;
mod mermaid;
mod table;

pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;
pub use table::table;

/// One arrow: whatever one party calls of another.
struct Arrow<'a> {
    caller: &'a Party,
    callee: &'a ServiceName,
    ports: BTreeSet<u16>,
    /// Known by `depends_on` and `links` alone: one waits for the other, and perhaps calls it.
    only_waits: bool,
}

impl Arrow<'_> {
    /// `8080, 50051`; nothing where no port is known.
    fn label(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        ports.join(", ")
    }
}

/// Every pair that an edge joins, in the order of the edges.
fn arrows(system: &System) -> Vec<Arrow<'_>> {
    let mut arrows: IndexMap<(&Party, &ServiceName), Arrow<'_>> = IndexMap::new();
    for edge in &system.edges {
        let only_waits = edge.reasons.iter().all(|reason| {
            matches!(
                reason,
                EdgeReason::DependsOn { .. } | EdgeReason::Links { .. }
            )
        });
        let arrow = arrows
            .entry((&edge.caller, &edge.callee))
            .or_insert_with(|| Arrow {
                caller: &edge.caller,
                callee: &edge.callee,
                ports: BTreeSet::new(),
                only_waits: true,
            });
        arrow.ports.extend(edge.port);
        arrow.only_waits &= only_waits;
    }
    arrows.into_values().collect()
}

/// Who stands in a drawing: callers that are no service, then every service, also those that
/// nobody calls.
fn parties(system: &System) -> Vec<Party> {
    let callers = system.edges.iter().map(|edge| &edge.caller);
    let strangers: BTreeSet<&Party> = callers
        .filter(|caller| !matches!(caller, Party::Service(_)))
        .collect();
    let services = system.services.keys().cloned().map(Party::Service);
    strangers.into_iter().cloned().chain(services).collect()
}

#[cfg(test)]
mod tests;
