//! The signal that asks a service to end, which must be one.

use super::wrong;
use crate::problem::Problems;
use crate::signal;
use crate::yaml::{Node, shorten};

/// Checks one service.
pub(super) fn check(service: &Node, problems: &mut Problems) {
    let Some(node) = service.get("stop_signal") else {
        return;
    };
    let Some(value) = node.as_str().filter(|value| !value.is_empty()) else {
        return;
    };
    if signal::number(value).is_some() {
        return;
    }
    let names: Vec<String> = signal::names().collect();
    let short = names.iter().filter_map(|name| name.strip_prefix("SIG"));
    let near = problems.nearest(value, names.iter().map(String::as_str).chain(short));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write SIGTERM, SIGINT, SIGQUIT or another, or a number".to_owned(),
    };
    let what = format!("there is no signal `{}`", shorten(value));
    wrong(problems, what, &node.place, hint);
}
