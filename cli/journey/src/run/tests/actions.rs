use std::time::Duration;

use msvc_report::case::Verdict;
use serde_json::json;

use crate::fixture::{entry, json as answer, play, play_with};
use crate::message::{Answer, ReceivedBody, Response};

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
        onSuccess:
          - {name: round, type: goto, stepId: mails, criteria: [{condition: $statusCode == 200}]}
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
