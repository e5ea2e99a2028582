//! Request bodies.

use msvc_system::problem::Problem;
use msvc_system::yaml::Node;

use super::fields::Fields;
use super::parameters::template;
use super::read::Reader;
use super::{Body, Replacement};
use crate::expression::Pointer;
use crate::message;
use crate::source::Operation;
use crate::template::Template;

/// Reads the `requestBody` of a step that calls `operation`.
pub(super) fn read<'n>(
    reader: &mut Reader<'n>,
    node: &'n Node,
    operation: &Operation,
) -> Option<Body> {
    let known = ["contentType", "payload", "replacements"];
    let fields = Fields::of(node, "a request body", &known, &mut reader.problems)?;
    let content_type = match fields.text("contentType", &mut reader.problems) {
        Some(given) => given.to_owned(),
        None => operation.body_type(),
    };
    let lower = content_type.to_ascii_lowercase();
    let place = fields.get("contentType").map_or(&node.place, |n| &n.place);
    if lower.starts_with("application/x-www-form-urlencoded") || lower.starts_with("multipart/") {
        let problem = Problem::error(format!("msvc does not send form bodies (`{content_type}`)"));
        reader.push(problem.at(place.clone()).hint("it sends JSON and text"));
        return None;
    }
    let payload = match fields.get("payload") {
        Some(payload) => template(reader, payload)?,
        None => Template::Literal(serde_json::Value::Null),
    };
    let structured = matches!(payload, Template::List(_) | Template::Object(_));
    if structured && !message::is_json(&content_type) {
        let problem =
            format!("msvc writes lists and objects as JSON only, not as `{content_type}`");
        let problem = Problem::error(problem).at(place.clone());
        reader.push(problem.hint("give the payload as text"));
        return None;
    }
    let nodes = fields.list("replacements", 0, &mut reader.problems);
    let replacements: Vec<_> = nodes.iter().map(|node| replacement(reader, node)).collect();
    Some(Body {
        content_type,
        payload,
        replacements: replacements.into_iter().collect::<Option<_>>()?,
        place: node.place.clone(),
    })
}

fn replacement<'n>(reader: &mut Reader<'n>, node: &'n Node) -> Option<Replacement> {
    let known = ["target", "value"];
    let fields = Fields::of(node, "a replacement", &known, &mut reader.problems)?;
    let value = fields.required("value", &mut reader.problems);
    let (text, place) = fields.required_text("target", &mut reader.problems)?;
    let Some(target) = Pointer::parse(text) else {
        let problem = Problem::error(format!("`{text}` is no JSON pointer"));
        let problem = problem.at(place.clone());
        reader.push(problem.hint("write `/name/0`; msvc does not do XPath"));
        return None;
    };
    Some(Replacement {
        target,
        text: text.to_owned(),
        value: template(reader, value?)?,
        place: place.clone(),
    })
}
