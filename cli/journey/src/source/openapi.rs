//! What journeys need of an OpenAPI document (3.0 and 3.1): its operations, where they are
//! served, what their bodies can be, and the parameters that msvc cannot write.

use msvc_system::problem::{Problem, Problems};
use msvc_system::yaml::Node;

use super::Operation;
use crate::document::Location;

/// Methods that a path can have.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
/// References that are followed, one after the other.
const MAX_REFERENCES: usize = 16;

/// The operations of the document, in the order written.
pub(super) fn operations(source: &str, root: &Node) -> Result<Vec<Operation>, Problems> {
    let mut problems = Problems::default();
    check_version(root, &mut problems);
    let Some(paths) = root.get("paths") else {
        if !problems.has_errors() {
            let problem = Problem::error("the OpenAPI document has no `paths`");
            problems.push(problem.at(root.place.clone()));
        }
        return problems.or(Vec::new());
    };
    if let Err(problem) = paths.want_map("`paths`") {
        problems.push(problem);
    }
    let mut found: Vec<Operation> = Vec::new();
    for (path, item) in paths.entries() {
        let item = followed(root, item);
        for (method, node) in item.entries() {
            if !METHODS.contains(&method.text.as_str()) {
                continue;
            }
            let id = node.get("operationId").and_then(Node::as_str);
            if let Some(id) = id
                && found.iter().any(|o| o.id.as_deref() == Some(id))
            {
                let problem = Problem::error(format!("two operations are called `{id}`"));
                problems.push(problem.at(method.place.clone()));
            }
            found.push(Operation {
                source: source.to_owned(),
                id: id.map(str::to_owned),
                method: method.text.to_uppercase(),
                path: path.text.clone(),
                server: server([node, item, root], &mut problems),
                content_types: content_types(root, node),
                styles: styles(root, item, node),
            });
        }
    }
    problems.or(found)
}

fn check_version(root: &Node, problems: &mut Problems) {
    let version = root.get("openapi").and_then(Node::text);
    let known = version.as_deref().unwrap_or_default();
    if known.starts_with("3.0.") || known.starts_with("3.1.") {
        return;
    }
    let what = match (version, root.get("swagger"), root.get("arazzo")) {
        (Some(version), _, _) => format!("msvc does not read OpenAPI `{version}`"),
        (None, Some(_), _) => "msvc does not read Swagger 2.0".to_owned(),
        (None, None, Some(_)) => "msvc does not play workflows of other documents".to_owned(),
        (None, None, None) => "this is no OpenAPI document: it has no `openapi`".to_owned(),
    };
    let node = root.get("openapi").unwrap_or(root);
    let problem = Problem::error(what).at(node.place.clone());
    problems.push(problem.hint("it reads OpenAPI 3.0 and 3.1"));
}

/// The node that a chain of local `$ref` leads to; one that leads elsewhere stays as it is, and
/// has none of the keys that are asked of it.
fn followed<'n>(root: &'n Node, mut node: &'n Node) -> &'n Node {
    for _ in 0..MAX_REFERENCES {
        let reference = node.get("$ref").and_then(Node::as_str);
        match reference.and_then(|text| root.at(text.strip_prefix('#')?)) {
            Some(target) => node = target,
            None => return node,
        }
    }
    node
}

/// The first server of the nearest level that names any.
fn server(levels: [&Node; 3], problems: &mut Problems) -> Option<String> {
    let node = levels
        .into_iter()
        .find_map(|level| level.at("/servers/0/url"))?;
    let url = node.as_str().unwrap_or_default();
    if url.contains('{') {
        let problem = Problem::error(format!("msvc does not fill variables of servers (`{url}`)"));
        let problem = problem.at(node.place.clone());
        if !problems.0.contains(&problem) {
            problems.push(problem);
        }
    }
    Some(url.to_owned())
}

fn content_types(root: &Node, operation: &Node) -> Vec<String> {
    operation
        .get("requestBody")
        .and_then(|body| followed(root, body).get("content"))
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|(kind, _)| kind.text.clone())
        .collect()
}

/// Parameters whose style is none that writes a single value plainly.
fn styles(root: &Node, item: &Node, operation: &Node) -> Vec<(Location, String, String)> {
    let lists = [operation, item].map(|node| node.get("parameters").map(Node::items));
    let parameters = lists.into_iter().flatten().flatten();
    parameters
        .filter_map(|parameter| {
            let parameter = followed(root, parameter);
            let location = match parameter.get("in")?.as_str()? {
                "path" => Location::Path,
                "query" => Location::Query,
                "header" => Location::Header,
                "cookie" => Location::Cookie,
                _ => return None,
            };
            let name = parameter.get("name")?.as_str()?;
            let style = match parameter.get("style").and_then(Node::as_str) {
                None | Some("simple" | "form") if parameter.get("content").is_none() => {
                    return None;
                }
                Some(style) => style,
                None => "content",
            };
            Some((location, name.to_owned(), style.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use msvc_system::yaml;
    use std::path::Path;

    fn read(text: &str) -> Result<Vec<Operation>, String> {
        let root = yaml::parse(Path::new("api.yaml"), text.as_bytes()).unwrap();
        operations("shop", &root).map_err(|problems| problems.to_string())
    }

    #[test]
    fn operations_are_read_through_references_with_the_nearest_server() {
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
      parameters: [{name: q, in: query, style: deepObject}]
      requestBody: {$ref: '#/components/requestBodies/X'}
    get: {}
components:
  parameters: {Id: {name: id, in: path, style: matrix}}
  requestBodies: {X: {content: {text/plain: {}, application/vnd.x+json: {}}}}
",
        )
        .unwrap();
        let post = &found[0];
        assert_eq!(
            (post.method.as_str(), post.path.as_str()),
            ("POST", "/x/{id}")
        );
        assert_eq!(post.server.as_deref(), Some("http://b:2/v1"));
        assert_eq!(post.body_type(), "application/vnd.x+json");
        assert_eq!(post.path_parameters().collect::<Vec<_>>(), ["id"]);
        assert_eq!(post.foreign_style(Location::Query, "q"), Some("deepObject"));
        assert_eq!(post.foreign_style(Location::Path, "id"), Some("matrix"));
        assert_eq!(
            (found[1].id.as_deref(), found[1].method.as_str()),
            (None, "GET")
        );
    }

    #[test]
    fn what_is_no_openapi_of_3_0_or_3_1_is_a_problem_with_its_place() {
        for (text, why) in [
            (
                "openapi: 3.2.0\npaths: {}",
                "api.yaml:1:10: msvc does not read OpenAPI `3.2.0`",
            ),
            ("swagger: '2.0'", "Swagger 2.0"),
            ("arazzo: 1.0.1", "workflows of other documents"),
            ("a: 1", "no `openapi`"),
            ("openapi: 3.1.0", "has no `paths`"),
            ("openapi: 3.1.0\npaths: []", "must be a mapping"),
            (
                "openapi: 3.1.0\nservers: [{url: 'http://{h}'}]\npaths: {/a: {get: {}, put: {}}}",
                "api.yaml:2:17: msvc does not fill variables",
            ),
            (
                "openapi: 3.1.0\npaths: {/a: {get: {operationId: a}, put: {operationId: a}}}",
                "two operations are called `a`",
            ),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }

    #[test]
    fn references_that_lead_round_or_nowhere_end() {
        let text = "openapi: 3.1.0\npaths: {/a: {$ref: '#/paths/~1b'}, /b: {$ref: '#/paths/~1a'}, \
                    /c: {$ref: 'other.yaml'}}";
        assert_eq!(read(text).unwrap(), []);
    }
}
