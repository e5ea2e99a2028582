use std::time::Duration;

use msvc_report::case::Verdict;
use msvc_report::exit::Exit;
use serde_json::json;

use crate::fixture::{entry, json as answer, play, play_with};
use crate::message::{Answer, ReceivedBody, Response};

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

const UNTIL: &str = "
workflows:
  - workflowId: one
    steps:
      - stepId: mail
        operationId: listMails
        successCriteria:
          - {context: $response.body, type: jsonpath, condition: '$[?@.kind==\"order\"]'}
        onFailure:
          - {name: again, type: retry, retryAfter: 0.25, retryLimit: 5}
";

#[test]
fn retry_until_works_over_bodies_that_are_missing_or_no_json() {
    let played = play(UNTIL, |n, _| match n {
        1 => Answer::Failed("no connection".into()),
        2 => Answer::Response(Response {
            status: 502,
            headers: Vec::new(),
            body: ReceivedBody::read(Some("text/html"), b"<h1>bad gateway</h1>"),
        }),
        3 => answer(200, json!([])),
        _ => answer(200, json!([{"kind": "order"}])),
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert_eq!(played.waits, [Duration::from_millis(250); 3]);
    let step = &played.outcome.steps[0];
    assert_eq!((step.attempts, step.held), (4, true));
    let reason = step.last[1].criteria[0].reason.as_deref().unwrap();
    assert!(reason.contains("bad gateway"), "{reason}");
    assert!(
        step.last[0]
            .error
            .as_ref()
            .unwrap()
            .0
            .contains("no connection")
    );
}

#[test]
fn a_retry_is_made_as_often_as_its_limit_says_and_no_more() {
    let played = play(UNTIL, |_, _| answer(200, json!([])));
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert_eq!(played.requests.len(), 6);
    assert!(played.outcome.evidence[0].what.contains("attempt 6"));
    let once = UNTIL.replace(", retryLimit: 5", "");
    assert_eq!(play(&once, |_, _| answer(200, json!([]))).requests.len(), 2);
    let never = UNTIL.replace("retryLimit: 5", "retryLimit: 0");
    assert_eq!(
        play(&never, |_, _| answer(200, json!([]))).requests.len(),
        1
    );
}

#[test]
fn when_its_retries_are_used_up_the_next_failure_action_is_taken() {
    let text = format!(
        "{UNTIL}          - {{name: give up, type: goto, stepId: after}}
      - {{stepId: after, operationId: listMails}}
"
    );
    let played = play(&text, |_, _| answer(200, json!([])));
    assert_eq!(played.requests.len(), 7);
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("`give up` went on")
    );
}

#[test]
fn the_time_that_an_answer_asks_for_overrules_the_documents() {
    let played = play(UNTIL, |n, _| match n {
        1 => Answer::Response(Response {
            status: 503,
            headers: vec![("Retry-After".into(), "7".into())],
            body: ReceivedBody::Empty,
        }),
        _ => answer(200, json!([{"kind": "order"}])),
    });
    assert_eq!(played.waits, [Duration::from_secs(7)]);
}

#[test]
fn actions_are_chosen_by_their_criteria_first_come_first_served() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - stepId: order
        operationId: placeOrder
        onSuccess:
          - {name: no, type: goto, stepId: never, criteria: [{condition: $statusCode == 202}]}
          - {name: skip, type: goto, stepId: last, criteria: [{condition: $statusCode == 201}]}
          - {name: late, type: end}
      - {stepId: never, operationId: getOrder, parameters: [{name: id, in: path, value: x}]}
      - stepId: last
        operationId: listMails
        onSuccess: [{name: done, type: end}]
      - {stepId: unreached, operationId: getOrder, parameters: [{name: id, in: path, value: x}]}
";
    let played = play(text, |_, _| answer(201, json!({})));
    let steps: Vec<_> = played
        .outcome
        .steps
        .iter()
        .map(|s| s.step.as_str())
        .collect();
    assert_eq!(steps, ["order", "last"]);
    assert_eq!(played.outcome.verdict, Verdict::Held);
}

#[test]
fn a_failed_step_that_ends_the_workflow_fails_it() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - stepId: mails
        operationId: listMails
        onFailure: [{name: stop, type: end}]
      - {stepId: unreached, operationId: listMails}
";
    let played = play(text, |_, _| answer(500, json!({})));
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert_eq!(played.requests.len(), 1);
}

#[test]
fn a_connection_error_is_a_failed_step_and_on_failure_handles_it() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - stepId: order
        operationId: placeOrder
        onFailure:
          - {name: not for this, type: end, criteria: [{condition: $statusCode == 500}]}
          - {name: recover, type: goto, stepId: mails}
      - {stepId: unreached, operationId: placeOrder}
      - {stepId: mails, operationId: listMails}
";
    let played = play(text, |n, _| match n {
        1 => Answer::Failed("no connection: refused".into()),
        _ => answer(200, json!([])),
    });
    assert_eq!(
        played.outcome.verdict,
        Verdict::Held,
        "{:?}",
        played.outcome
    );
    assert_eq!(played.outcome.steps[1].step, "mails");
    let bare = "
workflows: [{workflowId: one, steps: [{stepId: order, operationId: placeOrder}]}]
";
    let played = play(bare, |_, _| Answer::Failed("no connection: refused".into()));
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("no connection: refused")
    );
    assert!(played.outcome.evidence[0].place.is_some());
}

#[test]
fn a_goto_that_goes_round_in_a_circle_ends_at_the_limit() {
    let text = "
workflows:
  - workflowId: one
    steps:
      - stepId: mails
        operationId: listMails
        onSuccess: [{name: round, type: goto, stepId: mails}]
";
    let mut entry = entry(json!({}));
    entry.limits.attempts = 50;
    let played = play_with(text, entry, |_, _| answer(200, json!([])));
    assert_eq!(played.requests.len(), 50);
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("more than 50 attempts")
    );
}

#[test]
fn a_play_that_takes_too_long_ends_at_the_limit_of_time() {
    let text = UNTIL.replace("retryLimit: 5", "retryLimit: 1000000");
    let mut entry = entry(json!({}));
    entry.limits.time = Duration::from_millis(600);
    let played = play_with(&text, entry, |_, _| answer(200, json!([])));
    let waits: Vec<_> = played.waits.iter().map(Duration::as_millis).collect();
    assert_eq!(waits, [250, 250, 100]);
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("longer than 0.6 s; it was at step `mail`")
    );
}

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
fn workflows_that_call_each_other_for_ever_end_with_an_error() {
    let text = "
workflows:
  - workflowId: start
    steps: [{stepId: s, workflowId: a}]
  - {workflowId: a, steps: [{stepId: s, workflowId: b}]}
  - {workflowId: b, steps: [{stepId: s, workflowId: a}]}
";
    let played = play(text, |_, _| answer(200, json!({})));
    assert_eq!(played.outcome.verdict, Verdict::Failed);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("more than 32 workflows")
    );
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
fn inputs_that_are_not_as_declared_are_a_usage_error_before_anything_is_sent() {
    let text = "
workflows:
  - workflowId: one
    inputs: {type: object, required: [sku], properties: {sku: {type: string}}}
    steps: [{stepId: mails, operationId: listMails}]
";
    let played = play(text, |_, _| answer(200, json!([])));
    assert!(played.requests.is_empty());
    assert_eq!(played.outcome.exit, Exit::Usage);
    assert_eq!(played.outcome.verdict, Verdict::Inconclusive);
    assert!(
        played.outcome.evidence[0]
            .what
            .contains("input `sku` is required")
    );
}
