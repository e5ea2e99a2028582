//! Source descriptions: the OpenAPI documents whose operations the steps call.

use std::path::Path;
use std::sync::Arc;

use msvc_system::files::Files;
use msvc_system::openapi::{self, Document};
use msvc_system::problem::{Place, Problem, Problems};

use crate::document::Location;
use crate::message;

/// An OpenAPI document.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Where it stands, as the journey writes it.
    pub(crate) url: String,
    operations: Vec<Arc<Operation>>,
}

/// An operation of an OpenAPI document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The name of its source description.
    pub source: String,
    /// Its `operationId`.
    pub id: Option<String>,
    /// Its method, upper case.
    pub method: String,
    /// Its path, with `{names}`.
    pub path: String,
    /// The first of its servers.
    pub server: Option<String>,
    /// What its request body can be.
    content_types: Vec<String>,
    /// Parameters with a style that msvc does not write: where, name, style.
    styles: Vec<(Location, String, String)>,
}

/// Reads the source description `name`, whose `url` stands at `place` in a document of `folder`.
pub(crate) fn read(
    name: &str,
    url: &str,
    kind: Option<&str>,
    place: &Place,
    folder: &Path,
    files: &Files,
) -> Result<Source, Problems> {
    let fail = |what: String| Problem::error(what).at(place.clone());
    if url.contains("://") {
        return Err(fail(format!(
            "`{url}`: msvc reads source descriptions from files only"
        ))
        .hint("save it beside the journey and write its relative path")
        .into());
    }
    match kind {
        None | Some("openapi") => {}
        Some("arazzo") => {
            return Err(fail(format!(
                "`{name}`: msvc does not play workflows of other documents"
            ))
            .hint("source descriptions of type `openapi` are read")
            .into());
        }
        Some(other) => {
            return Err(
                fail(format!("a source description cannot be of type `{other}`"))
                    .hint("openapi")
                    .into(),
            );
        }
    }
    let path = folder.join(url);
    let bytes = files.read(&path).map_err(|error| {
        fail(format!("cannot read {}: {error}", path.display()))
            .hint("write where the OpenAPI document is, from the journey's own folder")
    })?;
    let document = openapi::read(&path, &bytes)?;
    Ok(Source {
        url: url.to_owned(),
        operations: operations(name, document)?,
    })
}

/// What a journey needs of the description's operations.
fn operations(source: &str, document: Document) -> Result<Vec<Arc<Operation>>, Problems> {
    let mut problems = Problems::default();
    let mut operations = Vec::with_capacity(document.operations.len());
    for operation in document.operations {
        let mut servers = operation.servers.iter().chain(&document.servers);
        let server = servers.next().cloned();
        if let Some(url) = server.as_ref().filter(|url| url.contains('{')) {
            let what = format!("the server `{url}` has a variable without a default");
            problems.push(Problem::error(what).at(operation.place.clone()));
        }
        let body = operation.request_body;
        operations.push(Arc::new(Operation {
            source: source.to_owned(),
            id: operation.id,
            method: operation.method,
            path: operation.path,
            server,
            content_types: body.map(|body| body.content_types).unwrap_or_default(),
            styles: operation
                .parameters
                .into_iter()
                .filter_map(|parameter| {
                    let style = parameter.style?;
                    let plain = matches!(style.as_str(), "simple" | "form");
                    (!plain).then_some((parameter.location, parameter.name, style))
                })
                .collect(),
        }));
    }
    problems.or(operations)
}

impl Source {
    /// The operation with that `operationId`.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Operation>> {
        let found = self.operations.iter().find(|o| o.id.as_deref() == Some(id));
        found.cloned()
    }

    /// The operation of that path and method.
    pub(crate) fn by_path(&self, path: &str, method: &str) -> Option<Arc<Operation>> {
        let same = |o: &&Arc<Operation>| o.path == path && o.method.eq_ignore_ascii_case(method);
        self.operations.iter().find(same).cloned()
    }

    /// All `operationId`s.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().filter_map(|o| o.id.as_deref())
    }

    /// All operations as `POST /orders`.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.operations
            .iter()
            .map(|o| format!("{} {}", o.method, o.path))
    }
}

impl Operation {
    #[cfg(test)]
    pub(crate) fn for_test(source: &str, method: &str, path: &str, server: Option<&str>) -> Self {
        Self {
            source: source.to_owned(),
            id: None,
            method: method.to_owned(),
            path: path.to_owned(),
            server: server.map(str::to_owned),
            content_types: Vec::new(),
            styles: Vec::new(),
        }
    }

    /// The content type of a body that names none: JSON where the operation takes it, else what
    /// it takes first.
    #[must_use]
    pub fn body_type(&self) -> String {
        let json = self
            .content_types
            .iter()
            .find(|kind| message::is_json(kind));
        json.or(self.content_types.first())
            .map_or_else(|| "application/json".to_owned(), Clone::clone)
    }

    /// The names in the path's braces.
    pub fn path_parameters(&self) -> impl Iterator<Item = &str> {
        let parts = self.path.split('{').skip(1);
        parts.filter_map(|part| part.split_once('}').map(|(name, _)| name))
    }

    /// The style of a parameter, when it is one that msvc does not write.
    pub(crate) fn foreign_style(&self, location: Location, name: &str) -> Option<&str> {
        let same = |(l, n, _): &&(Location, String, String)| *l == location && n == name;
        self.styles
            .iter()
            .find(same)
            .map(|(_, _, style)| style.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Arc<Operation>>, String> {
        openapi::read(Path::new("api.yaml"), text.as_bytes())
            .and_then(|document| operations("shop", document))
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn an_operation_has_the_nearest_server_its_body_and_the_styles_that_are_not_written() {
        let found = read(
            "
openapi: 3.0.3
servers: [{url: 'http://a:1'}]
paths:
  /x/{id}:
    servers: [{url: 'http://b:2/v1'}]
    parameters: [{$ref: '#/components/parameters/Id'}]
    post:
      operationId: postX
      parameters: [{name: q, in: query, style: deepObject}, {name: f, in: query, style: form}]
      requestBody: {$ref: '#/components/requestBodies/X'}
      responses: {}
    get: {responses: {}}
components:
  parameters: {Id: {name: id, in: path, style: matrix}}
  requestBodies: {X: {content: {text/plain: {}, application/vnd.x+json: {}}}}
",
        )
        .unwrap();
        let post = &found[0];
        assert_eq!(post.server.as_deref(), Some("http://b:2/v1"));
        assert_eq!(post.body_type(), "application/vnd.x+json");
        assert_eq!(post.path_parameters().collect::<Vec<_>>(), ["id"]);
        assert_eq!(post.foreign_style(Location::Query, "q"), Some("deepObject"));
        assert_eq!(post.foreign_style(Location::Path, "id"), Some("matrix"));
        assert_eq!(post.foreign_style(Location::Query, "f"), None);
        assert_eq!(found[1].id, None);
    }

    #[test]
    fn variables_of_servers_take_their_defaults_and_one_without_is_told() {
        let text = "openapi: 3.1.0\nservers: [{url: 'http://{h}:1', variables: {h: {default: a}}}]\npaths: {/a: {get: {}}}";
        assert_eq!(read(text).unwrap()[0].server.as_deref(), Some("http://a:1"));
        let text = "openapi: 3.1.0\nservers: [{url: 'http://{h}'}]\npaths: {/a: {get: {}}}";
        let told = read(text).unwrap_err();
        assert!(
            told.starts_with("api.yaml:3:14: the server `http://{h}`"),
            "{told}"
        );
    }
}
