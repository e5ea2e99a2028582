use msvc_report::case::Verdict;
use msvc_report::exit::Exit;
use serde_json::json;

use crate::fixture::{entry, json as answer, play, play_with};

const ONE_STEP: &str = "
workflows:
  - workflowId: one
    steps:
      - stepId: order
        operationId: placeOrder
        requestBody: {payload: {sku: '4521'}}
        successCriteria:
          - condition: $statusCode == 201
          - condition: $response.body#/status == 'confirmed'
";

#[test]
fn a_workflow_whose_criteria_all_hold_holds() {
    let played = play(ONE_STEP, |_, _| answer(201, json!({"status": "confirmed"})));
    assert_eq!(played.outcome.verdict, Verdict::Held);
    assert_eq!(played.requests[0].method, "POST");
    assert_eq!(played.requests[0].url, "http://gateway.test/orders");
    assert_eq!(
        played.requests[0].body.as_ref().unwrap().text,
        "{\"sku\":\"4521\"}"
    );
}

#[test]
fn a_criterion_that_fails_is_told_at_its_line_with_what_was_seen() {
    let played = play(ONE_STEP, |_, _| answer(201, json!({"status": "pending"})));
    let outcome = &played.outcome;
    assert_eq!(
        (outcome.verdict, outcome.exit),
        (Verdict::Failed, Exit::Failed)
    );
    let evidence = &outcome.evidence[0];
    assert_eq!(outcome.evidence.len(), 1);
    assert_eq!(evidence.place.as_ref().unwrap().line, 14);
    assert!(
        evidence
            .what
            .contains("`$response.body#/status` is \"pending\""),
        "{evidence:?}"
    );
    assert!(
        evidence
            .what
            .contains("POST http://gateway.test/orders answered 201"),
        "{evidence:?}"
    );
}

#[test]
fn a_step_without_criteria_wants_a_status_from_200_to_299() {
    let text = "
workflows:
  - workflowId: one
    steps: [{stepId: mails, operationId: listMails}]
";
    let verdict = |status| play(text, |_, _| answer(status, json!([]))).outcome.verdict;
    assert_eq!(verdict(204), Verdict::Held);
    assert_eq!(verdict(302), Verdict::Failed);
    assert_eq!(verdict(500), Verdict::Failed);
}

#[test]
fn each_request_says_which_run_journey_and_exchange_it_is_and_has_a_trace() {
    let text = "
workflows:
  - workflowId: two-calls
    steps:
      - {stepId: a, operationId: listMails}
      - stepId: b
        operationId: listMails
        parameters:
          - {name: Baggage, in: header, value: mine=1}
          - {name: traceparent, in: header, value: given}
";
    let played = play(text, |_, _| answer(200, json!([])));
    let header = |n: usize, name| {
        let headers = &played.requests[n].headers;
        crate::message::header(headers, name).unwrap().to_owned()
    };
    assert_eq!(header(0, "baggage"), "msvc=r1.two-calls.1");
    assert_eq!(header(1, "baggage"), "mine=1,msvc=r1.two-calls.2");
    let trace = header(0, "traceparent");
    let lengths: Vec<_> = trace.split('-').map(str::len).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{trace}");
    assert_eq!(header(1, "traceparent"), "given");
}

#[test]
fn outputs_of_one_step_are_parameters_of_the_next_and_of_the_workflow() {
    let text = "
workflows:
  - workflowId: one
    inputs: {type: object, properties: {sku: {type: string}}}
    steps:
      - stepId: order
        operationId: placeOrder
        requestBody: {payload: {sku: $inputs.sku}}
        outputs: {id: $response.body#/id, none: $response.body#/none}
      - stepId: read
        operationId: getOrder
        parameters: [{name: id, in: path, value: $steps.order.outputs.id}]
    outputs: {order: $steps.order.outputs.id}
";
    let played = play_with(text, entry(json!({"sku": "7"})), |_, _| {
        answer(201, json!({"id": "o 1"}))
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert_eq!(played.requests[1].url, "http://gateway.test/orders/o%201");
    assert_eq!(played.outcome.outputs["order"], "o 1");
}

#[test]
fn a_value_that_is_missing_when_the_request_is_made_fails_the_step_at_its_place() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - {stepId: order, operationId: placeOrder, outputs: {id: $response.body#/id}}
      - stepId: read
        operationId: getOrder
        parameters:
          - {name: id, in: path, value: $steps.order.outputs.id}
";
    let played = play(text, |_, _| answer(200, json!({})));
    let evidence = &played.outcome.evidence[0];
    assert_eq!(played.requests.len(), 1);
    assert_eq!(evidence.place.as_ref().unwrap().line, 13);
    assert!(evidence.what.contains("has no `/id`"), "{evidence:?}");
}

#[test]
fn parameters_and_actions_of_the_workflow_and_of_components_reach_every_step() {
    let text = "
workflows:
  - workflowId: one
    parameters:
      - {reference: $components.parameters.page, value: 3}
      - {name: X-Key, in: header, value: workflow}
    failureActions: [{reference: $components.failureActions.again}]
    steps:
      - stepId: mails
        operationId: listMails
        parameters:
          - {name: X-Key, in: header, value: step}
          - {name: session, in: cookie, value: s1}
          - {name: theme, in: cookie, value: dark}
        onFailure: [{name: other, type: end, criteria: [{condition: $statusCode == 404}]}]
components:
  parameters: {page: {name: page, in: query, value: 1}}
  failureActions: {again: {name: again, type: retry, retryAfter: 1, retryLimit: 2}}
";
    let played = play(text, |n, _| {
        answer(if n < 3 { 500 } else { 200 }, json!([]))
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert_eq!(played.requests.len(), 3);
    let request = &played.requests[0];
    assert_eq!(request.url, "http://gateway.test/mails?page=3");
    let header = |name| crate::message::header(&request.headers, name);
    assert_eq!(header("x-key"), Some("step"));
    assert_eq!(header("cookie"), Some("session=s1; theme=dark"));
    let played = play(text, |_, _| answer(404, json!([])));
    assert_eq!(played.requests.len(), 1);
}

#[test]
fn a_play_with_inputs_that_are_not_as_declared_is_inconclusive_and_sends_nothing() {
    let text = "
workflows:
  - workflowId: one
    inputs: {type: object, required: [sku], properties: {sku: {type: string}}}
    steps: [{stepId: mails, operationId: listMails}]
";
    let played = play(text, |_, _| answer(200, json!([])));
    assert!(played.requests.is_empty());
    assert_eq!(played.outcome.exit, Exit::Inconclusive);
    assert_eq!(played.outcome.verdict, Verdict::Inconclusive);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("input `sku` is required")
    );
}
