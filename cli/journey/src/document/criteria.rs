//! Criteria as the document writes them.

use msvc_system::problem::Problem;
use msvc_system::yaml::Node;

use super::fields::{self, Fields};
use super::read::Reader;
use crate::criterion::{Criterion, CriterionError};

/// Reads a list of criteria.
pub(super) fn list<'n>(reader: &mut Reader<'n>, nodes: &'n [Node]) -> Vec<Criterion> {
    nodes.iter().filter_map(|node| one(reader, node)).collect()
}

fn one<'n>(reader: &mut Reader<'n>, node: &'n Node) -> Option<Criterion> {
    let known = ["context", "condition", "type"];
    let fields = Fields::of(node, "a criterion", &known, &mut reader.problems)?;
    let condition = fields.required_text("condition", &mut reader.problems);
    let kind = match fields.get("type") {
        None => "simple",
        Some(node) => kind(reader, node)?,
    };
    let context = fields.get("context");
    if context.is_none() && fields.get("type").is_some() {
        let problem = fields.problem("a criterion with `type` must have `context`");
        reader.push(problem.hint("for example `context: $response.body`"));
        return None;
    }
    let context = match context {
        Some(node) => Some(reader.expression(node, "context")?),
        None => None,
    };
    let (text, place) = condition?;
    let place = place.clone();
    let criterion = match (kind, context) {
        ("regex", Some(context)) => Criterion::regex(text, context, place),
        ("jsonpath", Some(context)) => Criterion::json_path(text, context, place),
        _ => Criterion::simple(text, place),
    };
    match criterion {
        Ok(criterion) => {
            reader.used(criterion.expressions(), criterion.place());
            Some(criterion)
        }
        Err(error) => {
            let place = fields.get("condition").map_or(&node.place, |n| &n.place);
            let problem = Problem::error(message(text, &error)).at(place.clone());
            reader.push(match hint(&error) {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
            None
        }
    }
}

fn message(text: &str, error: &CriterionError) -> String {
    match error {
        CriterionError::Expression(_) => error.to_string(),
        _ => format!("`{text}`: {error}"),
    }
}

/// What to do, where the error does not say so itself.
fn hint(error: &CriterionError) -> Option<&'static str> {
    match error {
        // They say what to write.
        CriterionError::Expression(_) => None,
        CriterionError::Simple { .. } => {
            Some("write for example `$statusCode == 200 && $response.body#/total > 0`")
        }
        CriterionError::Regex { .. } => {
            Some("write for example `^2[0-9]{2}$`; what is meant literally gets a `\\` before it")
        }
        CriterionError::JsonPath { .. } => Some("write for example `$.items[?@.sku=='lamp']`"),
    }
}

/// The `type`: a word, or an object that names a version of another language.
fn kind(reader: &mut Reader<'_>, node: &Node) -> Option<&'static str> {
    let written = if node.as_map().is_some() {
        let what = "the `type` of a criterion";
        let fields = Fields::of(node, what, &["type", "version"], &mut reader.problems)?;
        let kind = fields.required_text("type", &mut reader.problems)?.0;
        let version = fields.required_text("version", &mut reader.problems)?.0;
        if kind == "jsonpath" {
            reader.push(
                Problem::error(format!("msvc does not evaluate JSONPath `{version}`"))
                    .at(node.place.clone())
                    .hint("`type: jsonpath` is JSONPath of RFC 9535, which it does evaluate"),
            );
            return None;
        }
        kind
    } else {
        fields::text(node, "type", &mut reader.problems)?
    };
    match written {
        "simple" => Some("simple"),
        "regex" => Some("regex"),
        "jsonpath" => Some("jsonpath"),
        "xpath" => {
            reader.push(
                Problem::error("msvc does not evaluate XPath criteria")
                    .at(node.place.clone())
                    .hint("use `jsonpath` or `regex`"),
            );
            None
        }
        other => {
            let known = ["simple", "regex", "jsonpath"];
            reader.unknown("the list of criterion types", other, known, &node.place);
            None
        }
    }
}
