//! Parameters and other values with expressions in them.

use msvc_system::problem::Problem;
use msvc_system::yaml::{Node, NodeValue};

use super::fields::Fields;
use super::read::Reader;
use super::{Location, Parameter};
use crate::template::Template;

/// Reads a list of parameters or references to them. `located` says that each needs an `in`
/// (a workflow that is called takes inputs and needs none).
pub(super) fn list<'n>(
    reader: &mut Reader<'n>,
    nodes: &'n [Node],
    located: bool,
) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    for node in nodes {
        let parameter = if node.get("reference").is_some() {
            reference(reader, node, located)
        } else {
            inline(reader, node, located)
        };
        let Some(parameter) = parameter else { continue };
        let same = |p: &Parameter| p.name == parameter.name && p.location == parameter.location;
        if found.iter().any(same) {
            let problem = Problem::error(format!("the parameter `{}` is twice", parameter.name));
            reader.push(problem.at(node.place.clone()));
        } else {
            found.push(parameter);
        }
    }
    found
}

fn reference<'n>(reader: &mut Reader<'n>, node: &'n Node, located: bool) -> Option<Parameter> {
    let known = ["reference", "value"];
    let fields = Fields::of(node, "a reference", &known, &mut reader.problems)?;
    let component = reader.component(fields.get("reference")?, "parameters")?;
    match fields.get("value") {
        None => inline(reader, component, located),
        Some(value) => {
            let mut parameter = named(reader, component, located)?;
            parameter.value = template(reader, value)?;
            parameter.place = value.place.clone();
            Some(parameter)
        }
    }
}

/// Reads a parameter written in place.
pub(super) fn inline<'n>(
    reader: &mut Reader<'n>,
    node: &'n Node,
    located: bool,
) -> Option<Parameter> {
    let mut parameter = named(reader, node, located)?;
    let value = node.get("value")?;
    parameter.value = template(reader, value)?;
    parameter.place = value.place.clone();
    Some(parameter)
}

/// Reads all of a parameter but its value.
fn named<'n>(reader: &mut Reader<'n>, node: &'n Node, located: bool) -> Option<Parameter> {
    let known = ["name", "in", "value"];
    let fields = Fields::of(node, "a parameter", &known, &mut reader.problems)?;
    let name = fields.required_text("name", &mut reader.problems);
    fields.required("value", &mut reader.problems);
    let location = match fields.text("in", &mut reader.problems) {
        None if located && fields.get("in").is_none() => {
            let problem = fields.problem("a parameter of an operation must have `in`");
            reader.push(problem.hint("path, query, header or cookie"));
            return None;
        }
        None => None,
        Some("path") => Some(Location::Path),
        Some("query") => Some(Location::Query),
        Some("header") => Some(Location::Header),
        Some("cookie") => Some(Location::Cookie),
        Some(other) => {
            let problem = Problem::error(format!("`in` cannot be `{other}`"));
            let place = fields.get("in").map_or(&node.place, |n| &n.place);
            let problem = problem.at(place.clone());
            reader.push(problem.hint("path, query, header or cookie"));
            return None;
        }
    };
    Some(Parameter {
        name: name?.0.to_owned(),
        location,
        value: Template::Literal(serde_json::Value::Null),
        place: node.place.clone(),
    })
}

/// Reads any value, with the expressions in its texts.
pub(super) fn template(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    Some(match &node.value {
        NodeValue::String(text) => match Template::of_text(text) {
            Ok(template) => {
                reader.used(template.expressions(), &node.place);
                template
            }
            Err(error) => {
                reader.push(Problem::error(error.to_string()).at(node.place.clone()));
                return None;
            }
        },
        NodeValue::Seq(items) => {
            let items: Vec<_> = items.iter().map(|item| template(reader, item)).collect();
            Template::List(items.into_iter().collect::<Option<_>>()?)
        }
        NodeValue::Map(entries) => {
            let members: Vec<_> = entries
                .iter()
                .map(|(key, member)| Some((key.text.clone(), template(reader, member)?)))
                .collect();
            Template::Object(members.into_iter().collect::<Option<_>>()?)
        }
        _ => Template::Literal(node.to_json()),
    })
}
