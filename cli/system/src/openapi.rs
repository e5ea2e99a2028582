//! OpenAPI 3.0 and 3.1 descriptions, YAML or JSON, as far as callers need them: which operations
//! there are, what they take, what they answer.
//!
//! What comes in: the bytes of a description. What leaves: a [`Document`] of plain operations with
//! local references resolved, or every problem with its place. What must not enter: schemas'
//! meaning (nobody validates bodies here), references to other files, HTTP.

use std::collections::HashMap;
use std::path::Path;

use indexmap::IndexMap;

use crate::problem::{Place, Problem, Problems};
use crate::yaml::{self, Node, shorten};

mod operation;
mod route;

/// References followed one after the other before they count as a circle.
const MAX_REFERENCES: usize = 20;

/// A description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `info.title`, empty when absent.
    pub title: String,
    /// URLs of `servers`, variables replaced by their defaults, in order.
    pub servers: Vec<String>,
    /// Operations in the order written.
    pub operations: Vec<Operation>,
    /// What was left out: parts that stand in other files, which are not read.
    pub left_out: Vec<Problem>,
}

/// One operation: a method on a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `operationId`.
    pub id: Option<String>,
    /// The method, in capitals.
    pub method: String,
    /// The path with its parameters in braces: `/orders/{id}`.
    pub path: String,
    /// Where its method stands.
    pub place: Place,
    /// Parameters, the path's own included; of two with one name and location the operation's.
    pub parameters: Vec<Parameter>,
    /// What it takes as a body.
    pub request_body: Option<RequestBody>,
    /// What it answers, by status (`200`, `2XX`, `default`).
    pub responses: IndexMap<String, Response>,
    /// URLs of servers of its own, or of its path's; empty where the document's hold.
    pub servers: Vec<String>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it is carried.
    pub location: Location,
    /// Whether a request must have it.
    pub required: bool,
    /// How more than one value is written: `style`, or `content` where that stands in its stead;
    /// `None` for the location's own.
    pub style: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// `in` of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Location {
    /// A part of the path.
    Path,
    /// After the `?`.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

impl Location {
    /// As documents write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBody {
    /// Whether a request must have one.
    pub required: bool,
    /// Its content types.
    pub content_types: Vec<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its content types; none for an answer without body.
    pub content_types: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl Document {
    /// The operation of that `operationId`.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|op| op.id.as_deref() == Some(id))
    }

    /// The operation that a request belongs to; of several paths that fit, the one with the most
    /// fixed parts. `path` is without query and without a server's own path.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .filter(|op| op.method.eq_ignore_ascii_case(method))
            .filter_map(|op| Some((route::fixed_parts(&op.path, path)?, op)))
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, op)| op)
    }
}

/// Reads a description.
///
/// # Errors
/// Every problem found: what is no YAML or JSON, another version, references that lead nowhere,
/// parts that are missing or of the wrong kind.
pub fn read(file: &Path, bytes: &[u8]) -> Result<Document, Problems> {
    from_node(&yaml::parse(file, bytes)?)
}

/// The same from a tree that was read already.
///
/// # Errors
/// As [`read`].
pub fn from_node(root: &Node) -> Result<Document, Problems> {
    let mut problems = Problems::default();
    version(root)?;
    let mut reader = Reader {
        root,
        problems: &mut problems,
        left_out: Vec::new(),
    };
    let title = root.at("/info/title").and_then(Node::text);
    let mut document = Document {
        title: title.unwrap_or_default(),
        servers: reader.servers(root),
        operations: reader.operations(),
        left_out: Vec::new(),
    };
    document.left_out = std::mem::take(&mut reader.left_out);
    reader.repeated_ids(&document.operations);
    problems.or(document)
}

fn version(root: &Node) -> Result<(), Problem> {
    if root.as_map().is_none() {
        return Err(root.expected("an OpenAPI description", "a mapping"));
    }
    if let Some((key, _)) = root.entry("swagger") {
        return Err(Problem::error("OpenAPI 2 (`swagger`) is not supported")
            .at(key.place.clone())
            .hint("convert it to OpenAPI 3.0 or 3.1"));
    }
    let Some(node) = root.get("openapi") else {
        return Err(
            Problem::error("this is no OpenAPI description: it has no `openapi`")
                .at(root.place.clone())
                .hint("begin it with `openapi: 3.1.0`"),
        );
    };
    let version = node.text().unwrap_or_default();
    if ["3.0", "3.1"]
        .iter()
        .any(|known| version == *known || version.starts_with(&format!("{known}.")))
    {
        Ok(())
    } else {
        Err(Problem::error(format!(
            "OpenAPI `{}` is not supported: 3.0 and 3.1 are",
            shorten(&version)
        ))
        .at(node.place.clone()))
    }
}

struct Reader<'a> {
    root: &'a Node,
    problems: &'a mut Problems,
    left_out: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn wrong(&mut self, what: impl Into<String>, place: &Place) {
        self.problems.push(Problem::error(what).at(place.clone()));
    }

    /// The node, or what its `$ref` leads to.
    fn resolved(&mut self, node: &'a Node) -> Option<&'a Node> {
        let mut at = node;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = at.get("$ref") else {
                return Some(at);
            };
            let text = reference.as_str().unwrap_or_default();
            let Some(pointer) = text.strip_prefix('#') else {
                let what = format!("`{}` stands in another file and is not read", shorten(text));
                self.left_out
                    .push(Problem::warning(what).at(reference.place.clone()));
                return None;
            };
            let Some(target) = self.root.at(pointer) else {
                self.wrong(
                    format!("the reference `{}` leads nowhere", shorten(text)),
                    &reference.place,
                );
                return None;
            };
            at = target;
        }
        self.wrong("these references lead round in a circle", &node.place);
        None
    }

    fn servers(&mut self, node: &'a Node) -> Vec<String> {
        let mut urls = Vec::new();
        for server in node.items_of("servers") {
            match server.get("url").and_then(Node::as_str) {
                Some(url) => urls.push(with_defaults(url, server)),
                None => self.wrong("a server has a `url`", &server.place),
            }
        }
        urls
    }

    fn operations(&mut self) -> Vec<Operation> {
        let mut operations = Vec::new();
        let Some(paths) = self.root.get("paths").filter(|n| !n.is_null()) else {
            return operations;
        };
        if paths.as_map().is_none() {
            self.problems.push(paths.expected("`paths`", "a mapping"));
        }
        for (path, item) in paths.entries() {
            if path.text.starts_with("x-") {
                continue;
            }
            if !path.text.starts_with('/') {
                self.wrong(
                    format!("the path `{}` does not begin with `/`", shorten(&path.text)),
                    &path.place,
                );
                continue;
            }
            if let Some(item) = self.resolved(item) {
                self.path_item(&path.text, item, &mut operations);
            }
        }
        operations
    }

    fn repeated_ids(&mut self, operations: &[Operation]) {
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for operation in operations {
            let Some(id) = operation.id.as_deref() else {
                continue;
            };
            if let Some(line) = seen.insert(id, operation.place.line) {
                let what = format!(
                    "the operationId `{}` is that of the operation in line {line} too",
                    shorten(id)
                );
                self.wrong(what, &operation.place);
            }
        }
    }
}

/// A server's URL with its variables replaced by their defaults.
fn with_defaults(url: &str, server: &Node) -> String {
    let variables = server.entries_of("variables");
    let mut url = url.to_owned();
    for (key, variable) in variables {
        if let Some(default) = variable.get("default").and_then(Node::text) {
            let longer = url.replace(&format!("{{{}}}", key.text), &default);
            // A URL is short; what grows is none.
            if longer.len() < 10_000 {
                url = longer;
            }
        }
    }
    url
}

#[cfg(test)]
mod tests;
