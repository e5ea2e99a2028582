//! A drawing in Mermaid's language, which forges show in Markdown.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::id::Party;
use crate::model::System;

use super::{arrows, parties};

/// The system as a `flowchart`.
#[must_use]
pub fn mermaid(system: &System) -> String {
    let mut out = "flowchart LR\n".to_owned();
    // Names are labels only: as a node's own name `end`, `a--b` and `x.y` mean something else.
    let mut nodes: HashMap<Party, String> = HashMap::new();
    for (i, party) in parties(system).into_iter().enumerate() {
        let label = quoted(party.shown());
        // Writing to a String cannot fail.
        let _ = match &party {
            Party::Service(_) => writeln!(out, "  n{i}[{label}]"),
            _ => writeln!(out, "  n{i}([{label}])"),
        };
        nodes.insert(party, format!("n{i}"));
    }
    for arrow in arrows(system) {
        let callee = Party::Service(arrow.callee.clone());
        let (Some(caller), Some(callee)) = (nodes.get(arrow.caller), nodes.get(&callee)) else {
            continue;
        };
        let line = if arrow.only_waits { "-.->" } else { "-->" };
        let label = match arrow.ports.is_empty() {
            true => String::new(),
            false => format!("|{}|", quoted(&arrow.label())),
        };
        let _ = writeln!(out, "  {caller} {line}{label} {callee}");
    }
    out
}

/// A quoted text of the language. There is no escape but the entity `#…;`, which everything takes
/// that is neither a letter, a digit nor one of a few signs without a meaning.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | ':' | '/' | '@' | '-' | '_') {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out.push('"');
    out
}
