//! A JSON Schema from the document.

use fancy_regex::Regex;
use msvc_system::problem::{Problem, Problems};
use msvc_system::yaml::Node;
use serde_json::Value;

use super::{InputSchema, Schema, Type};

/// Keywords that say nothing about what a value must be.
const ANNOTATIONS: [&str; 11] = [
    "title",
    "description",
    "examples",
    "example",
    "format",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "$schema",
    "$id",
];
/// Keywords that are checked.
const CHECKED: [&str; 16] = [
    "$ref",
    "type",
    "default",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "properties",
    "required",
    "additionalProperties",
];
/// References that are followed, one after the other.
const MAX_REFERENCES: usize = 16;
/// Levels of `items` and `properties`, references among them included.
const MAX_DEPTH: usize = 32;

/// Reads the `inputs` of a workflow.
pub(crate) fn read_inputs(
    node: &Node,
    components: Option<&Node>,
    problems: &mut Problems,
) -> InputSchema {
    let mut reader = Reader {
        components,
        problems,
    };
    let Some(node) = reader.target(node) else {
        return InputSchema::of_anything();
    };
    let schema = reader.schema(node, 0);
    if !schema.types.is_empty() && !schema.types.contains(&Type::Object) {
        let place = node.get("type").unwrap_or(node).place.clone();
        let problem = Problem::error("`inputs` must be of type `object`");
        problems.push(problem.at(place));
    }
    match schema.members {
        None => InputSchema::of_anything(),
        // Other inputs are none of this workflow's, unless it says so.
        Some(members) => InputSchema {
            open: node
                .get("additionalProperties")
                .is_some_and(|node| node.as_bool() != Some(false)),
            ..*members
        },
    }
}

/// Reads any schema.
pub(crate) fn read(node: &Node, components: Option<&Node>, problems: &mut Problems) -> Schema {
    let mut reader = Reader {
        components,
        problems,
    };
    reader.schema(node, 0)
}

impl InputSchema {
    fn of_anything() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }
}

struct Reader<'n, 'p> {
    components: Option<&'n Node>,
    problems: &'p mut Problems,
}

impl<'n> Reader<'n, '_> {
    /// What a chain of `$ref` leads to: `#/components/inputs/<name>`.
    fn target(&mut self, mut node: &'n Node) -> Option<&'n Node> {
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = node.get("$ref") else {
                return Some(node);
            };
            let text = reference.as_str().unwrap_or_default();
            let found = text
                .strip_prefix("#/components/inputs/")
                .filter(|name| !name.contains('/'))
                .and_then(|name| self.components?.get("inputs")?.get(name));
            let Some(found) = found else {
                let problem = Problem::error(format!("`{text}` leads nowhere"));
                let problem = problem.at(reference.place.clone());
                self.problems
                    .push(problem.hint("write `#/components/inputs/<name>`"));
                return None;
            };
            node = found;
        }
        let problem = Problem::error("this `$ref` leads round in a circle");
        self.problems.push(problem.at(node.place.clone()));
        None
    }

    fn schema(&mut self, node: &'n Node, depth: usize) -> Schema {
        if depth > MAX_DEPTH {
            let problem = Problem::error("this schema is nested too deeply, or in itself");
            self.problems.push(problem.at(node.place.clone()));
            return Schema::default();
        }
        if node.as_bool() == Some(true) {
            return Schema::default();
        }
        if let Err(problem) = node.want_map("a schema") {
            self.problems.push(problem);
            return Schema::default();
        }
        let Some(node) = self.target(node) else {
            return Schema::default();
        };
        self.tell_unchecked(node);
        Schema {
            types: self.types(node),
            default: node.get("default").map(Node::to_json),
            one_of: self.one_of(node),
            minimum: self.number(node, "minimum"),
            maximum: self.number(node, "maximum"),
            above: self.number(node, "exclusiveMinimum"),
            below: self.number(node, "exclusiveMaximum"),
            min_length: self.length(node, "minLength"),
            max_length: self.length(node, "maxLength"),
            pattern: self.pattern(node),
            items: node
                .get("items")
                .map(|items| Box::new(self.schema(items, depth + 1))),
            members: self.members(node, depth),
        }
    }

    fn tell_unchecked(&mut self, node: &Node) {
        for (key, _) in node.entries() {
            let name = key.text.as_str();
            if CHECKED.contains(&name) || ANNOTATIONS.contains(&name) || name.starts_with("x-") {
                continue;
            }
            let problem = Problem::error(format!("msvc does not check inputs by `{name}`"));
            let problem = problem.at(key.place.clone());
            let near = msvc_system::problem::nearest(name, CHECKED);
            self.problems.push(match near {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
    }

    fn types(&mut self, node: &Node) -> Vec<Type> {
        let Some(written) = node.get("type") else {
            return Vec::new();
        };
        let list = written.as_seq().unwrap_or(std::slice::from_ref(written));
        let mut types = Vec::new();
        for node in list {
            let word = node.text().unwrap_or_default();
            match Type::ALL.iter().find(|(known, _)| *known == word) {
                Some((_, kind)) => types.push(*kind),
                None => {
                    let words: Vec<_> = Type::ALL.iter().map(|(word, _)| *word).collect();
                    let problem = Problem::error(format!("`{word}` is no type of JSON Schema"));
                    let problem = problem.at(node.place.clone());
                    self.problems.push(problem.hint(words.join(", ")));
                }
            }
        }
        types
    }

    fn one_of(&mut self, node: &Node) -> Option<Vec<Value>> {
        if let Some(value) = node.get("const") {
            return Some(vec![value.to_json()]);
        }
        match node.get("enum")?.want_seq("`enum`") {
            Ok(items) => Some(items.iter().map(Node::to_json).collect()),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn number(&mut self, node: &Node, key: &str) -> Option<f64> {
        let value = node.get(key)?;
        if value.as_f64().is_none() {
            let problem = value.expected(&format!("`{key}`"), "a number");
            self.problems.push(problem);
        }
        value.as_f64()
    }

    fn length(&mut self, node: &Node, key: &str) -> Option<usize> {
        let value = node.get(key)?;
        let length = value
            .as_i64()
            .and_then(|length| usize::try_from(length).ok());
        if length.is_none() {
            let problem = value.expected(&format!("`{key}`"), "a whole number from 0");
            self.problems.push(problem);
        }
        length
    }

    fn pattern(&mut self, node: &Node) -> Option<Regex> {
        let value = node.get("pattern")?;
        let text = value.as_str().unwrap_or_default();
        match Regex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let problem = Problem::error(format!("`{text}` is no regular expression: {error}"));
                self.problems.push(problem.at(value.place.clone()));
                None
            }
        }
    }

    fn members(&mut self, node: &'n Node, depth: usize) -> Option<Box<InputSchema>> {
        let (properties, required) = (node.get("properties"), node.get("required"));
        let additional = node.get("additionalProperties");
        if properties.is_none() && required.is_none() && additional.is_none() {
            return None;
        }
        let mut members = InputSchema {
            open: additional.is_none_or(|node| node.as_bool() != Some(false)),
            ..InputSchema::default()
        };
        if let Some(additional) = additional
            && additional.as_bool().is_none()
        {
            let wanted = "`true` or `false` (msvc does not check other members by a schema)";
            let problem = additional.expected("`additionalProperties`", wanted);
            self.problems.push(problem);
        }
        if let Some(properties) = properties {
            if let Err(problem) = properties.want_map("`properties`") {
                self.problems.push(problem);
            }
            for (key, schema) in properties.entries() {
                let schema = self.schema(schema, depth + 1);
                members.properties.insert(key.text.clone(), schema);
            }
        }
        match required.map(|required| required.want_seq("`required`")) {
            Some(Ok(names)) => {
                let names = names.iter().filter_map(Node::as_str);
                members.required = names.map(str::to_owned).collect();
            }
            Some(Err(problem)) => self.problems.push(problem),
            None => {}
        }
        Some(Box::new(members))
    }
}
