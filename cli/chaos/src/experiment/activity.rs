//! Probes, actions and rollbacks: what they have in common, and their providers.

use msvc_system::model::Placed;
use msvc_system::problem::{Problem, Problems};
use msvc_system::yaml::Node;

use super::document::{keys, required_text};
use super::provider::{fault, msvc_provider};
use super::{Action, Probe, Rollback, RollbackDeed};

/// Keys of every activity that are not honoured.
const NOT_HONOURED: [&str; 5] = ["background", "pauses", "controls", "dry", "ref"];

/// The name of an activity and its provider, when both are right.
fn activity<'a>(
    node: &'a Node,
    kind: &str,
    tolerance: bool,
    problems: &mut Problems,
) -> Option<(String, &'a Node)> {
    let what = match kind {
        "probe" => "a probe",
        _ => "an action",
    };
    if let Err(problem) = node.want_map(what) {
        problems.push(problem);
        return None;
    }
    if let Some((key, _)) = node.entry("ref") {
        problems.push(
            Problem::error("`ref` to another activity is not honoured yet").at(key.place.clone()),
        );
        return None;
    }
    let read: &[&str] = if tolerance {
        &["type", "name", "provider", "tolerance"]
    } else {
        &["type", "name", "provider"]
    };
    if let Some((key, _)) = node.entry("tolerance").filter(|_| !tolerance) {
        problems.push(
            Problem::error("only a probe of the steady state has a `tolerance`")
                .at(key.place.clone()),
        );
    }
    let known: Vec<&str> = [read, &["tolerance"][..]].concat();
    keys(node, what, &known, &NOT_HONOURED, problems);
    let name = required_text(node, "name", problems);
    match node.get("type") {
        Some(value) if value.as_str() == Some(kind) => {}
        Some(value) if matches!(value.as_str(), Some("probe" | "action")) => problems.push(
            Problem::error(format!("`{name}` must be of `type: {kind}` here"))
                .at(value.place.clone())
                .hint("a probe within the method, or an action as steady state, is not honoured"),
        ),
        Some(value) => problems.push(value.expected("`type`", "`probe` or `action`")),
        None => problems.push(Problem::error("`type` is missing").at(node.place.clone())),
    }
    match node.get("provider") {
        Some(provider) => Some((name, provider)),
        None => {
            problems.push(Problem::error("`provider` is missing").at(node.place.clone()));
            None
        }
    }
}

/// A probe of the steady state.
pub(super) fn probe(node: &Node, problems: &mut Problems) -> Option<Probe> {
    let (name, provider) = activity(node, "probe", true, problems)?;
    match node.get("tolerance") {
        Some(tolerance) if tolerance.as_bool() == Some(true) => {}
        Some(tolerance) => problems.push(
            Problem::error("a journey holds or does not: its `tolerance` must be `true`")
                .at(tolerance.place.clone()),
        ),
        None => problems.push(
            Problem::error("`tolerance` is missing")
                .at(node.place.clone())
                .hint("write `tolerance: true`"),
        ),
    }
    msvc_provider(provider, "a probe's provider", &["journey"], problems)?;
    Some(Probe {
        name,
        journey: placed_text(provider, "journey", problems)?,
        document: node.to_json(),
    })
}

/// The action of the method.
pub(super) fn action(node: &Node, problems: &mut Problems) -> Option<Action> {
    let (name, provider) = activity(node, "action", false, problems)?;
    let (order, until) = fault(provider, problems)?;
    Some(Action {
        name,
        order,
        until: until.map(Box::new),
        document: node.to_json(),
    })
}

/// One of the rollbacks; `action` is the name of the method's action.
pub(super) fn rollback(
    node: &Node,
    action: Option<&str>,
    problems: &mut Problems,
) -> Option<Rollback> {
    let (name, provider) = activity(node, "action", false, problems)?;
    msvc_provider(
        provider,
        "a rollback's provider",
        &["journey", "undo"],
        problems,
    )?;
    let deed = match (provider.get("journey"), provider.get("undo")) {
        (Some(_), None) => RollbackDeed::Journey(placed_text(provider, "journey", problems)?),
        (None, Some(_)) => {
            let undo = placed_text(provider, "undo", problems)?;
            if action.is_some_and(|action| action != undo.value) {
                problems.push(
                    Problem::error(format!("the method has no action `{}`", undo.value))
                        .at(undo.place)
                        .hint(format!("it has `{}`", action.unwrap_or_default())),
                );
                return None;
            }
            RollbackDeed::Undo
        }
        _ => {
            problems.push(
                Problem::error("a rollback must have one of `undo` and `journey`")
                    .at(provider.place.clone()),
            );
            return None;
        }
    };
    Some(Rollback {
        name,
        deed,
        document: node.to_json(),
    })
}

/// A text under `key`, with its place.
pub(super) fn placed_text(
    node: &Node,
    key: &str,
    problems: &mut Problems,
) -> Option<Placed<String>> {
    let text = required_text(node, key, problems);
    let place = node.get(key)?.place.clone();
    (!text.is_empty()).then_some(Placed { value: text, place })
}
