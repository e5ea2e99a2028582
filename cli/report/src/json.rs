//! JSON: the report as one document, an event as one line.

use crate::event::Stamped;
use crate::report::Report;

/// The report as one indented JSON document, ending in a newline.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

/// An event as one line of JSON, without a newline.
#[must_use]
pub fn event(event: &Stamped) -> String {
    serde_json::to_string(event).unwrap_or_default()
}
