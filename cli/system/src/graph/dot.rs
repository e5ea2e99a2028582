//! A drawing in Graphviz's language.

use std::fmt::Write as _;

use crate::id::Party;
use crate::model::System;

use super::{arrows, parties};

/// The system as a `digraph`: `dot -Tsvg` draws it.
#[must_use]
pub fn dot(system: &System) -> String {
    let mut out = format!("digraph {} {{\n", quoted(system.name.as_str()));
    out.push_str("  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n\n");
    for party in parties(system) {
        let more = match &party {
            Party::Service(_) => "",
            _ => ", shape=ellipse",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "  {} [label={}{more}];",
            quoted(party.key()),
            quoted(party.shown())
        );
    }
    out.push('\n');
    for arrow in arrows(system) {
        let mut attributes = Vec::new();
        if !arrow.ports.is_empty() {
            attributes.push(format!("label={}", quoted(&arrow.label())));
        }
        if arrow.only_waits {
            attributes.push("style=dashed".to_owned());
        }
        let attributes = match attributes.is_empty() {
            true => String::new(),
            false => format!(" [{}]", attributes.join(", ")),
        };
        let (caller, callee) = (quoted(arrow.caller.key()), quoted(arrow.callee.as_str()));
        let _ = writeln!(out, "  {caller} -> {callee}{attributes};");
    }
    out.push_str("}\n");
    out
}

/// A string of the language, as a label shows it: within the quotes a quote and a backslash are
/// escaped (a label takes `\N` for the node's name), a line's end is `\n`, and `&` is an entity
/// (labels take `&lt;` for `<`). Other control characters have no form and become spaces.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
