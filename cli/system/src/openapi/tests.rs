//! What a description gives, and what is refused.

use super::*;

const SHOP: &str = r##"openapi: 3.0.3
info: {title: Shop, version: "1"}
servers:
  - url: http://{host}:8080/v1
    variables: {host: {default: gateway}}
paths:
  /orders:
    post:
      operationId: placeOrder
      parameters:
        - {name: Idempotency-Key, in: header, required: true, schema: {type: string}}
      requestBody: {$ref: "#/components/requestBodies/Order"}
      responses:
        201: {description: made, content: {application/json: {}}}
        "4XX": {$ref: "#/components/responses/Problem"}
  /orders/{id}:
    parameters:
      - $ref: "#/components/parameters/Id"
    get: {operationId: getOrder, responses: {"200": {description: it}, default: {description: else}}}
  /orders/recent:
    get: {operationId: recentOrders, responses: {"200": {description: them}}}
components:
  parameters:
    Id: {name: id, in: path, required: true}
  requestBodies:
    Order: {required: true, content: {application/json: {}, application/xml: {}}}
  responses:
    Problem: {description: wrong, content: {application/problem+json: {}}}
"##;

fn refused(text: &str) -> String {
    read(Path::new("api.yaml"), text.as_bytes())
        .expect_err(text)
        .to_string()
}

#[test]
fn operations_have_everything_that_references_lead_to() {
    let document = read(Path::new("api.yaml"), SHOP.as_bytes()).unwrap();
    assert_eq!(
        (document.title.as_str(), document.servers.join(" ")),
        ("Shop", "http://gateway:8080/v1".to_owned())
    );
    let place = document.operation("placeOrder").unwrap();
    assert_eq!(
        (place.method.as_str(), place.path.as_str(), place.place.line),
        ("POST", "/orders", 8)
    );
    assert_eq!(place.parameters[0].location, Location::Header);
    let body = place.request_body.as_ref().unwrap();
    assert!(body.required && body.content_types == ["application/json", "application/xml"]);
    let statuses: Vec<_> = place.responses.keys().map(String::as_str).collect();
    assert_eq!(statuses, ["201", "4XX"]);
    assert_eq!(
        place.responses["4XX"].content_types,
        ["application/problem+json"]
    );
    let get = document.operation("getOrder").unwrap();
    assert_eq!(
        (get.parameters[0].name.as_str(), get.parameters[0].required),
        ("id", true)
    );
}

#[test]
fn a_request_finds_its_operation_and_the_fixed_path_wins() {
    let document = read(Path::new("api.yaml"), SHOP.as_bytes()).unwrap();
    let found = |method, path| document.find(method, path).and_then(|op| op.id.as_deref());
    assert_eq!(found("get", "/orders/7"), Some("getOrder"));
    assert_eq!(found("GET", "/orders/recent"), Some("recentOrders"));
    assert_eq!(found("POST", "/orders"), Some("placeOrder"));
    for (method, path) in [
        ("GET", "/orders"),
        ("GET", "/orders/"),
        ("GET", "/orders/7/x"),
        ("PUT", "/orders/7"),
    ] {
        assert_eq!(found(method, path), None, "{method} {path}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, wanted) in [
        (
            "swagger: '2.0'\n",
            "api.yaml:1:1: OpenAPI 2 (`swagger`) is not supported",
        ),
        (
            "openapi: 4.0.0\n",
            "api.yaml:1:10: OpenAPI `4.0.0` is not supported: 3.0 and 3.1 are",
        ),
        ("a: b\n", "api.yaml:1:1: this is no OpenAPI description"),
        (
            "openapi: 3.1.0\npaths: {x: {}}\n",
            "api.yaml:2:9: the path `x` does not begin with `/`",
        ),
        (
            "openapi: 3.1.0\npaths: {/x: {gett: {}}}\n",
            "api.yaml:2:14: a path has no key `gett` (did you mean `get`?)",
        ),
        (
            "openapi: 3.0.3\npaths: {/x: {get: {}}}\n",
            "api.yaml:2:14: this operation has no `responses`",
        ),
        (
            "openapi: 3.1.0\npaths: {'/{x}': {get: {responses: {}}}}\n",
            "api.yaml:2:18: the path's parameter `x` is not declared",
        ),
        (
            "openapi: 3.1.0\npaths: {/x: {$ref: '#/paths/~1x'}}\n",
            "api.yaml:2:13: these references lead round in a circle",
        ),
        (
            "openapi: 3.1.0\npaths: {/x: {$ref: '#/no'}}\n",
            "api.yaml:2:20: the reference `#/no` leads nowhere",
        ),
        (
            "openapi: 3.1.0\npaths: {/x: {get: {parameters: [{name: a}], responses: {}}}}\n",
            "api.yaml:2:33: this parameter has no `in`",
        ),
        (
            "openapi: 3.1.0\npaths: {/x: {get: {responses: {2000: {}}}}}\n",
            "api.yaml:2:32: `2000` is no status",
        ),
    ] {
        assert!(
            refused(text).starts_with(wanted),
            "{text}\n{}",
            refused(text)
        );
    }
    let twice = "openapi: 3.1.0\npaths:\n  /x: {get: {operationId: a, responses: {}}}\n  /y: {get: {operationId: a, responses: {}}}\n";
    assert_eq!(
        refused(twice),
        "api.yaml:4:8: the operationId `a` is that of the operation in line 3 too"
    );
}

#[test]
fn what_stands_in_another_file_is_left_out_and_said() {
    let text = "openapi: 3.1.0\npaths: {/x: {$ref: 'b.yaml'}, /y: {get: {operationId: y}}}\n";
    let document = read(Path::new("api.yaml"), text.as_bytes()).unwrap();
    assert_eq!(document.operations.len(), 1);
    assert_eq!(
        document.left_out[0].to_string(),
        "api.yaml:2:20: `b.yaml` stands in another file and is not read"
    );
}

#[test]
fn the_nearest_servers_and_the_styles_of_parameters_are_told() {
    let text = "openapi: 3.1.0
servers: [{url: 'http://a:1'}]
paths:
  /x:
    servers: [{url: 'http://b:2/v1'}]
    parameters: [{name: f, in: query, content: {application/json: {}}}]
    post: {parameters: [{name: q, in: query, style: deepObject}, {name: p, in: query}]}
    get: {servers: [{url: 'http://c:3'}]}
";
    let document = read(Path::new("api.yaml"), text.as_bytes()).unwrap();
    let [post, get] = document.operations.as_slice() else {
        panic!("{document:?}")
    };
    assert_eq!(post.servers, ["http://b:2/v1"]);
    assert_eq!(get.servers, ["http://c:3"]);
    let styles: Vec<_> = post.parameters.iter().map(|p| p.style.as_deref()).collect();
    assert_eq!(styles, [Some("deepObject"), None, Some("content")]);
}
