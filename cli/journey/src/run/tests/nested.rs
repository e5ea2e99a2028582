use msvc_report::case::Verdict;
use serde_json::json;

use crate::fixture::{entry, json as answer, play, play_with};

const NESTED: &str = "
workflows:
  - workflowId: checkout
    dependsOn: [stock, stock-too]
    inputs: {type: object, properties: {run: {type: string, default: ''}}}
    steps:
      - stepId: buy
        workflowId: order
        parameters: [{name: sku, value: '{$inputs.run}-x'}]
        successCriteria: [{condition: $outputs.id == 'o-1'}]
        outputs: {copy: $outputs.id}
      - stepId: again
        workflowId: order
        parameters: [{name: sku, value: y}]
    outputs:
      id: $workflows.order.outputs.id
      copy: $steps.buy.outputs.copy
      given: $workflows.order.inputs.sku
      quantity: $workflows.order.inputs.qty
      stock: $workflows.stock.outputs.left
  - workflowId: stock
    steps: [{stepId: s, operationId: listMails, outputs: {left: $response.body#/left}}]
    outputs: {left: $steps.s.outputs.left}
  - workflowId: stock-too
    dependsOn: [stock]
    steps: [{stepId: s, operationId: listMails}]
  - workflowId: order
    dependsOn: [stock]
    inputs:
      type: object
      required: [sku]
      properties: {sku: {type: string}, qty: {type: integer, default: 2}}
    steps:
      - stepId: place
        operationId: placeOrder
        requestBody: {payload: {sku: $inputs.sku, qty: $inputs.qty}}
        outputs: {id: $response.body#/id}
    outputs: {id: $steps.place.outputs.id}
";

#[test]
fn workflows_call_others_with_inputs_and_depend_on_others_once() {
    let played = play(NESTED, |_, request| match request.method.as_str() {
        "POST" => answer(201, json!({"id": "o-1"})),
        _ => answer(200, json!({"left": 9})),
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    let calls: Vec<_> = played.requests.iter().map(|r| r.method.as_str()).collect();
    assert_eq!(calls, ["GET", "GET", "POST", "POST"]);
    let body = |n: usize| &played.requests[n].body.as_ref().unwrap().value;
    assert_eq!(body(2), &json!({"sku": "r1-x", "qty": 2}));
    assert_eq!(
        serde_json::Value::Object(played.outcome.outputs),
        json!({"id": "o-1", "copy": "o-1", "given": "y", "quantity": 2, "stock": 9})
    );
}

#[test]
fn what_fails_in_a_called_workflow_is_told_at_its_own_place() {
    let played = play(NESTED, |_, request| match request.method.as_str() {
        "POST" => answer(409, json!({"detail": "sold out"})),
        _ => answer(200, json!({"left": 9})),
    });
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    let evidence = &played.outcome.evidence;
    assert!(evidence[0].what.contains("step `place`") && evidence[0].what.contains("sold out"));
    assert!(evidence[1].what.contains("step `buy`"), "{evidence:?}");
    assert!(evidence.iter().all(|e| e.place.is_some()));
}

#[test]
fn a_dependency_that_fails_fails_the_workflow_before_its_first_step() {
    let played = play(NESTED, |_, _| answer(500, json!({})));
    assert_eq!(played.requests.len(), 1);
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert!(played.outcome.evidence[0].what.contains("step `s`"));
    assert!(
        played.outcome.evidence[1]
            .what
            .contains("`stock`, on which it depends")
    );
}

#[test]
fn a_retry_can_play_a_step_or_a_workflow_first_and_comes_back() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - stepId: order
        operationId: placeOrder
        onFailure:
          - {name: renew, type: retry, retryAfter: 0, stepId: mails, criteria: [{condition: $statusCode == 401}]}
          - {name: fill, type: retry, retryAfter: 0, workflowId: stock, criteria: [{condition: $statusCode == 409}]}
        onSuccess: [{name: done, type: end}]
      - {stepId: mails, operationId: listMails}
  - workflowId: stock
    steps: [{stepId: s, operationId: getOrder, parameters: [{name: id, in: path, value: s}]}]
";
    let mut orders = 0;
    let played = play(text, |_, request| {
        if request.method == "POST" {
            orders += 1;
            return answer([401, 409, 201][orders - 1], json!({}));
        }
        answer(200, json!([]))
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    let paths: Vec<_> = played
        .requests
        .iter()
        .map(|r| r.url.trim_start_matches("http://gateway.test"))
        .collect();
    assert_eq!(
        paths,
        ["/orders", "/mails", "/orders", "/orders/s", "/orders"]
    );
    assert_eq!(played.outcome.steps[0].attempts, 3);
}

#[test]
fn a_goto_to_a_workflow_does_not_come_back() {
    let text = "
workflows:
  - workflowId: one
    inputs: {type: object, properties: {sku: {type: string}}}
    steps:
      - stepId: order
        operationId: placeOrder
        onSuccess: [{name: over, type: goto, workflowId: other}]
      - {stepId: unreached, operationId: placeOrder}
  - workflowId: other
    inputs: {type: object, properties: {sku: {type: string}}}
    steps:
      - stepId: read
        operationId: getOrder
        parameters: [{name: id, in: path, value: $inputs.sku}]
";
    let played = play_with(text, entry(json!({"sku": "7"})), |_, _| {
        answer(200, json!({}))
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert_eq!(played.requests.len(), 2);
    assert_eq!(played.requests[1].url, "http://gateway.test/orders/7");
}

#[test]
fn a_workflow_that_is_tried_again_inside_itself_for_ever_ends_with_an_error() {
    let again = "onFailure: [{name: x, type: retry, retryAfter: 0, retryLimit: 1, workflowId: a}]";
    let text = format!(
        "
workflows:
  - workflowId: start
    steps: [{{stepId: s, workflowId: a}}]
  - {{workflowId: a, steps: [{{stepId: s, operationId: listMails, {again}}}]}}
"
    );
    let played = play(&text, |_, _| answer(500, json!({})));
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    let told = format!("{:?}", played.outcome.evidence);
    assert!(told.contains("more than 32 workflows"), "{told}");
}
