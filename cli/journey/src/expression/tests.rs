use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::scope::{Finished, Outputs, Scope};
use super::{Expression, ExpressionError};
use crate::message::{ReceivedBody, Request, Response, SentBody};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn outputs(value: Value) -> Outputs {
    object(value).into_iter().map(|(k, v)| (k, Ok(v))).collect()
}

/// Everything an expression can see, with one value in each corner.
struct World {
    inputs: Map<String, Value>,
    outputs: Outputs,
    steps: IndexMap<String, Outputs>,
    workflows: IndexMap<String, Finished>,
    sources: IndexMap<String, String>,
    request: Request,
    response: Response,
}

impl World {
    fn new() -> Self {
        let mut order = outputs(json!({"id": "o-1", "lines": [{"sku": "4521"}]}));
        order.insert("gone".into(), Err("no such field".into()));
        Self {
            inputs: object(json!({"qty": 3, "a.b": "dotted", "card": {"number": "4242"}})),
            outputs: outputs(json!({"sum": 4999})),
            steps: IndexMap::from([("order".to_owned(), order)]),
            workflows: IndexMap::from([(
                "stock".to_owned(),
                Finished {
                    held: true,
                    inputs: object(json!({"sku": "4521"})),
                    outputs: outputs(json!({"left": 9})),
                },
            )]),
            sources: IndexMap::from([("shop".to_owned(), "gateway.yaml".to_owned())]),
            request: Request {
                exchange: 1,
                method: "POST".into(),
                url: "http://127.0.0.1:1/orders/7?page=2".into(),
                path: vec![("id".into(), json!(7))],
                query: vec![("page".into(), json!(2))],
                headers: vec![("Accept".into(), "application/json".into())],
                body: Some(SentBody {
                    value: json!({"sku": "4521"}),
                    text: "{\"sku\":\"4521\"}".into(),
                }),
                timeout: Duration::from_secs(30),
            },
            response: Response {
                status: 201,
                headers: vec![("Location".into(), "/orders/o-1".into())],
                body: ReceivedBody::Json(json!({
                    "id": "o-1", "a/b": 1, "m~n": 2, "items": [{"n": 1}, {"n": 2}], "none": null
                })),
            },
        }
    }

    fn evaluate(&self, text: &str) -> Result<Value, String> {
        let scope = Scope {
            inputs: &self.inputs,
            outputs: &self.outputs,
            steps: &self.steps,
            workflows: &self.workflows,
            sources: &self.sources,
            request: Some(&self.request),
            response: Some(&self.response),
        };
        let expression = Expression::parse_in_condition(text).map_err(|e| e.to_string())?;
        expression.evaluate(&scope).map_err(|e| e.to_string())
    }
}

#[test]
fn every_form_of_a_runtime_expression_reads_its_value_with_its_type() {
    let world = World::new();
    for (text, value) in [
        ("$url", json!("http://127.0.0.1:1/orders/7?page=2")),
        ("$method", json!("POST")),
        ("$statusCode", json!(201)),
        ("$request.header.accept", json!("application/json")),
        ("$request.query.page", json!(2)),
        ("$request.path.id", json!(7)),
        ("$request.body", json!({"sku": "4521"})),
        ("$request.body#/sku", json!("4521")),
        ("$response.header.location", json!("/orders/o-1")),
        ("$response.body#/id", json!("o-1")),
        ("$response.body#/a~1b", json!(1)),
        ("$response.body#/m~0n", json!(2)),
        ("$response.body#/items/1/n", json!(2)),
        ("$response.body#/none", json!(null)),
        ("$inputs.qty", json!(3)),
        ("$inputs.a.b", json!("dotted")),
        ("$inputs.card.number", json!("4242")),
        ("$inputs.card#/number", json!("4242")),
        ("$outputs.sum", json!(4999)),
        ("$steps.order.outputs.id", json!("o-1")),
        ("$steps.order.outputs.lines#/0/sku", json!("4521")),
        ("$workflows.stock.inputs.sku", json!("4521")),
        ("$workflows.stock.outputs.left", json!(9)),
        ("$sourceDescriptions.shop.url", json!("gateway.yaml")),
        ("$response.body.items[1].n", json!(2)),
        ("$response.body#/items[0]['n']", json!(1)),
        ("$steps.order.outputs.lines[0].sku", json!("4521")),
    ] {
        assert_eq!(world.evaluate(text), Ok(value), "{text}");
    }
}

#[test]
fn what_is_not_there_is_an_error_that_names_the_part() {
    let world = World::new();
    for (text, why) in [
        ("$response.body#/total", "has no `/total`"),
        ("$response.body#/items/9", "at /items has no `/9`"),
        ("$response.body#/items/01", "has no `/01`"),
        ("$response.header.x-none", "has no `x-none`"),
        ("$inputs.nobody", "has no `nobody`"),
        ("$steps.pay.outputs.id", "step `pay` has not been played"),
        (
            "$steps.order.outputs.gone",
            "could not be read: no such field",
        ),
        ("$workflows.none.outputs.x", "has not been played"),
    ] {
        let error = world.evaluate(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_pointer_into_a_body_that_is_no_json_says_how_the_body_begins() {
    let mut world = World::new();
    world.response.body = ReceivedBody::read(Some("text/plain"), b"oops");
    assert_eq!(world.evaluate("$response.body"), Ok(json!("oops")));
    let error = world.evaluate("$response.body#/id").unwrap_err();
    assert!(
        error.contains("not JSON") && error.contains("oops"),
        "{error}"
    );
    world.response.body = ReceivedBody::Empty;
    assert!(
        world
            .evaluate("$response.body")
            .unwrap_err()
            .contains("empty")
    );
}

#[test]
fn a_misspelt_expression_is_refused_when_it_is_read() {
    for (text, why) in [
        ("$input.qty", "did you mean `$inputs`?"),
        ("$inputs", "$inputs.<name>"),
        ("$steps.order.id", "$steps.<stepId>.outputs.<name>"),
        ("$response.body.id", "write `#/name`"),
        ("$response.body#id", "no JSON pointer"),
        ("$response.query.x", "names no part of a response"),
        ("$statusCode.x", "goes on after its end"),
        ("$components.parameters.x", "`reference`"),
        ("$message.payload", "not do"),
    ] {
        let error = Expression::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn prices_and_currencies_are_text_and_near_misses_are_meant_as_expressions() {
    for text in [
        "$49.99",
        "$",
        "$USD",
        "49",
        "$5.inputs",
        "$$inputs.x",
        "$ref",
    ] {
        assert!(!Expression::is_meant(text), "{text}");
    }
    for text in [
        "$inputs.x",
        "$input.x",
        "$url",
        "$statusCod",
        "$response.body#/x",
    ] {
        assert!(Expression::is_meant(text), "{text}");
    }
    assert!(matches!(
        Expression::parse("$input.x"),
        Err(ExpressionError::Unknown { .. })
    ));
}
