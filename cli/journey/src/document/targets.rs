//! What the document names elsewhere: steps, workflows, operations.

use std::sync::Arc;

use msvc_system::problem::{Place, Problem};
use msvc_system::yaml::Node;

use super::Target;
use super::fields::{self, Fields};
use super::read::Reader;
use crate::source::Operation;

/// The number of the step of this workflow that `node` names.
pub(super) fn step(reader: &mut Reader<'_>, node: &Node) -> Option<usize> {
    let id = fields::text(node, "stepId", &mut reader.problems)?;
    let found = reader.step_ids.iter().position(|known| *known == id);
    if found.is_none() {
        let known = reader.step_ids.clone();
        reader.unknown("the workflow's list of steps", id, known, &node.place);
    }
    found
}

/// The number of the workflow of this document that `node` names.
pub(super) fn workflow(reader: &mut Reader<'_>, node: &Node) -> Option<usize> {
    let id = fields::text(node, "workflowId", &mut reader.problems)?;
    if id.starts_with("$sourceDescriptions.") {
        reader.push(
            Problem::error(format!(
                "`{id}`: msvc does not play workflows of other documents"
            ))
            .at(node.place.clone())
            .hint("put the workflow into this document"),
        );
        return None;
    }
    let found = reader.workflow_ids.iter().position(|known| *known == id);
    if found.is_none() {
        let known = reader.workflow_ids.clone();
        reader.unknown("the document's list of workflows", id, known, &node.place);
    }
    found
}

/// What the step calls: exactly one of `operationId`, `operationPath` and `workflowId`.
pub(super) fn of_step(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Target> {
    let keys = ["operationId", "operationPath", "workflowId"];
    let given: Vec<&str> = keys
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    let [key] = given.as_slice() else {
        reader.push(fields.problem(
            "a step must have exactly one of `operationId`, `operationPath` and `workflowId`",
        ));
        return None;
    };
    let node = fields.get(key)?;
    if *key == "workflowId" {
        return workflow(reader, node).map(Target::Workflow);
    }
    let text = fields::text(node, key, &mut reader.problems)?;
    let operation = if *key == "operationId" {
        by_id(reader, text, &node.place)
    } else {
        by_path(reader, text, &node.place)
    };
    operation.map(Target::Operation)
}

/// `placeOrder`, or `$sourceDescriptions.shop.placeOrder`. What may stand in a source description
/// that could not be read is not missed: that one is told already.
fn by_id(reader: &mut Reader<'_>, text: &str, place: &Place) -> Option<Arc<Operation>> {
    if let Some(rest) = text.strip_prefix("$sourceDescriptions.") {
        let (name, id) = rest.split_once('.').unwrap_or((rest, ""));
        return match reader.sources.get(name) {
            Some(source) => match source.by_id(id) {
                Some(operation) => Some(operation),
                None => {
                    let known: Vec<String> = source.ids().map(str::to_owned).collect();
                    let known = known.iter().map(String::as_str);
                    reader.unknown(&format!("`{name}`"), id, known, place);
                    None
                }
            },
            None => {
                unknown_source(reader, name, place);
                None
            }
        };
    }
    let found: Vec<Arc<Operation>> = reader
        .sources
        .values()
        .filter_map(|s| s.by_id(text))
        .collect();
    match found.as_slice() {
        [only] => Some(Arc::clone(only)),
        [] if reader.lacks_source => None,
        [] => {
            let known: Vec<String> = reader
                .sources
                .values()
                .flat_map(|s| s.ids().map(str::to_owned))
                .collect();
            let known = known.iter().map(String::as_str);
            reader.unknown(
                "the source descriptions' list of operations",
                text,
                known,
                place,
            );
            None
        }
        _ => {
            reader.push(
                Problem::error(format!("several source descriptions have `{text}`"))
                    .at(place.clone())
                    .hint(format!("write `$sourceDescriptions.<name>.{text}`")),
            );
            None
        }
    }
}

/// `{$sourceDescriptions.shop.url}#/paths/~1orders/post`.
fn by_path(reader: &mut Reader<'_>, text: &str, place: &Place) -> Option<Arc<Operation>> {
    let parts = text.split_once('#').and_then(|(source, pointer)| {
        let source = source
            .strip_prefix('{')
            .map_or(Some(source), |s| s.strip_suffix('}'))?;
        let name = source
            .strip_prefix("$sourceDescriptions.")?
            .strip_suffix(".url")?;
        let (path, method) = pointer.strip_prefix("/paths/")?.rsplit_once('/')?;
        Some((name, path.replace("~1", "/").replace("~0", "~"), method))
    });
    let Some((name, path, method)) = parts else {
        reader.push(
            Problem::error(format!("`{text}` names no operation"))
                .at(place.clone())
                .hint("write `{$sourceDescriptions.<name>.url}#/paths/~1orders/post`"),
        );
        return None;
    };
    let Some(source) = reader.sources.get(name) else {
        unknown_source(reader, name, place);
        return None;
    };
    let found = source.by_path(&path, method);
    if found.is_none() {
        let known: Vec<String> = source.paths().collect();
        let known = known.iter().map(String::as_str);
        let wanted = format!("{} {path}", method.to_uppercase());
        reader.unknown(&format!("`{name}`"), &wanted, known, place);
    }
    found
}

fn unknown_source(reader: &mut Reader<'_>, name: &str, place: &Place) {
    if reader.lacks_source {
        return;
    }
    let known: Vec<String> = reader.sources.keys().cloned().collect();
    let known = known.iter().map(String::as_str);
    reader.unknown(
        "the document's list of source descriptions",
        name,
        known,
        place,
    );
}
