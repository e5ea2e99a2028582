//! One path's operations, with the parameters they share.

use indexmap::IndexMap;

use super::{Location, Operation, Parameter, Reader, RequestBody, Response, route};
use crate::problem::Problem;
use crate::yaml::{Key, Node, shorten};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
/// What else a path may have.
const OTHERS: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];

impl<'a> Reader<'a> {
    pub(super) fn path_item(&mut self, path: &str, item: &'a Node, into: &mut Vec<Operation>) {
        if item.as_map().is_none() {
            self.problems
                .push(item.expected(&format!("the path `{}`", shorten(path)), "a mapping"));
            return;
        }
        let shared = self.parameters(item);
        let servers = self.servers(item);
        for (key, node) in item.entries() {
            if METHODS.contains(&key.text.as_str()) {
                let mut operation = self.operation(path, key, node, &shared);
                if let Some(operation) = &mut operation
                    && operation.servers.is_empty()
                {
                    operation.servers.clone_from(&servers);
                }
                into.extend(operation);
            } else if !key.text.starts_with("x-") && !OTHERS.contains(&key.text.as_str()) {
                let known = METHODS.iter().chain(&OTHERS).copied();
                self.problems.push(key.unknown("a path", known));
            }
        }
    }

    fn operation(
        &mut self,
        path: &str,
        key: &'a Key,
        node: &'a Node,
        shared: &[Parameter],
    ) -> Option<Operation> {
        if node.as_map().is_none() {
            self.problems
                .push(node.expected("an operation", "a mapping"));
            return None;
        }
        let mut parameters = self.parameters(node);
        for parameter in shared {
            let same =
                |own: &Parameter| own.name == parameter.name && own.location == parameter.location;
            if !parameters.iter().any(same) {
                parameters.push(parameter.clone());
            }
        }
        for name in route::parameters(path) {
            let declared = |p: &Parameter| p.location == Location::Path && p.name == name;
            if !parameters.iter().any(declared) {
                let what = format!(
                    "the path's parameter `{}` is not declared under `parameters`",
                    shorten(name)
                );
                self.wrong(what, &key.place);
            }
        }
        Some(Operation {
            id: node
                .get("operationId")
                .and_then(Node::text)
                .filter(|id| !id.is_empty()),
            method: key.text.to_ascii_uppercase(),
            path: path.to_owned(),
            place: key.place.clone(),
            parameters,
            request_body: self.request_body(node),
            responses: self.responses(node, key),
            servers: self.servers(node),
        })
    }

    fn parameters(&mut self, node: &'a Node) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let Some(list) = node.get("parameters").filter(|n| !n.is_null()) else {
            return parameters;
        };
        if list.as_seq().is_none() {
            self.problems.push(list.expected("`parameters`", "a list"));
        }
        for item in list.items() {
            let Some(item) = self.resolved(item) else {
                continue;
            };
            match parameter(item) {
                Ok(parameter) => parameters.push(parameter),
                Err(problem) => self.problems.push(problem),
            }
        }
        parameters
    }

    fn request_body(&mut self, node: &'a Node) -> Option<RequestBody> {
        let body = self.resolved(node.get("requestBody")?)?;
        Some(RequestBody {
            required: body
                .get("required")
                .and_then(Node::as_bool)
                .unwrap_or(false),
            content_types: content_types(body),
        })
    }

    fn responses(&mut self, node: &'a Node, key: &Key) -> IndexMap<String, Response> {
        let mut responses = IndexMap::new();
        let Some(map) = node.get("responses") else {
            // OpenAPI 3.1 leaves them to the author.
            let version = self.root.get("openapi").and_then(Node::text);
            if version.is_some_and(|version| version.starts_with("3.0")) {
                self.wrong("this operation has no `responses`", &key.place);
            }
            return responses;
        };
        if map.as_map().is_none() {
            self.problems.push(map.expected("`responses`", "a mapping"));
        }
        for (status, response) in map.entries() {
            if status.text.starts_with("x-") {
                continue;
            }
            if !is_status(&status.text) {
                let what = format!(
                    "`{}` is no status: 200, 2XX or default",
                    shorten(&status.text)
                );
                self.wrong(what, &status.place);
                continue;
            }
            let Some(response) = self.resolved(response) else {
                continue;
            };
            responses.insert(
                status
                    .text
                    .to_ascii_uppercase()
                    .replace("DEFAULT", "default"),
                Response {
                    content_types: content_types(response),
                    place: status.place.clone(),
                },
            );
        }
        responses
    }
}

fn is_status(text: &str) -> bool {
    text == "default"
        || matches!(text.as_bytes(), [b'1'..=b'5', rest @ ..]
            if rest.len() == 2 && (rest.iter().all(u8::is_ascii_digit) || rest.eq_ignore_ascii_case(b"xx")))
}

fn content_types(node: &Node) -> Vec<String> {
    let content = node.entries_of("content");
    content.iter().map(|(key, _)| key.text.clone()).collect()
}

fn parameter(node: &Node) -> Result<Parameter, Problem> {
    let missing = |what: &str| {
        Problem::error(format!("this parameter has no `{what}`")).at(node.place.clone())
    };
    let name = node
        .get("name")
        .and_then(Node::text)
        .filter(|name| !name.is_empty());
    let carried = node.get("in").ok_or_else(|| missing("in"))?;
    let location = match carried.as_str() {
        Some("path") => Location::Path,
        Some("query") => Location::Query,
        Some("header") => Location::Header,
        Some("cookie") => Location::Cookie,
        _ => {
            return Err(
                Problem::error("`in` of a parameter is path, query, header or cookie")
                    .at(carried.place.clone()),
            );
        }
    };
    let required = node
        .get("required")
        .and_then(Node::as_bool)
        .unwrap_or(false);
    Ok(Parameter {
        name: name.ok_or_else(|| missing("name"))?,
        location,
        required: required || location == Location::Path,
        style: match (node.get("style").and_then(Node::text), node.get("content")) {
            (None, Some(_)) => Some("content".to_owned()),
            (style, _) => style,
        },
        place: node.place.clone(),
    })
}
