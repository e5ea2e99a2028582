use msvc_report::case::Verdict;
use serde_json::{Value, json};

use crate::fixture::{entry, json as answer, play_with};

/// What a step with that `requestBody` sends, or why it sends nothing.
fn sent(body: &str) -> Result<(String, Option<String>), String> {
    let text = format!(
        "
workflows:
  - workflowId: one
    inputs: {{type: object}}
    steps:
      - stepId: order
        operationId: placeOrder
        requestBody:
{body}
"
    );
    let inputs = json!({"sku": "4\"5", "qty": 3, "card": {"number": "42"}, "none": null});
    let played = play_with(&text, entry(inputs), |_, _| answer(200, json!({})));
    match played.requests.first() {
        Some(request) => {
            let kind = crate::message::header(&request.headers, "content-type");
            let body = request.body.as_ref().map(|body| body.text.clone());
            Ok((body.unwrap_or_default(), kind.map(str::to_owned)))
        }
        None => {
            assert_eq!(played.outcome.verdict, Verdict::Failed);
            Err(played.outcome.evidence[0].what.clone())
        }
    }
}

fn sent_json(body: &str) -> Value {
    let (text, kind) = sent(body).unwrap();
    assert_eq!(kind.as_deref(), Some("application/json"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_object_is_sent_as_json_with_its_expressions_in_and_their_types_kept() {
    let body = "          payload: {sku: $inputs.sku, qty: $inputs.qty, card: $inputs.card, \
                deep: [{text: 'n={$inputs.qty}', none: $inputs.none}], price: $49.99}";
    assert_eq!(
        sent_json(body),
        json!({"sku": "4\"5", "qty": 3, "card": {"number": "42"},
               "deep": [{"text": "n=3", "none": null}], "price": "$49.99"})
    );
}

#[test]
fn a_whole_expression_is_the_whole_body_and_a_text_is_sent_as_it_is() {
    assert_eq!(
        sent_json("          payload: $inputs.card"),
        json!({"number": "42"})
    );
    assert_eq!(sent_json("          payload: $inputs.sku"), json!("4\"5"));
    let text = "          payload: '{\"qty\": {$inputs.qty}}'";
    assert_eq!(sent(text).unwrap().0, "{\"qty\": 3}");
    let text = "          contentType: text/plain\n          payload: hello {$inputs.qty}";
    let plain = ("hello 3".to_owned(), Some("text/plain".to_owned()));
    assert_eq!(sent(text), Ok(plain));
}

#[test]
fn replacements_put_values_into_the_payload() {
    let body = "          payload: {sku: x, lines: [{n: 1}, {n: 2}]}
          replacements:
            - {target: /sku, value: $inputs.sku}
            - {target: /lines/1/n, value: $inputs.qty}
            - {target: /lines/-, value: {n: '{$inputs.qty}'}}
            - {target: /new, value: true}";
    let replaced = json!({"sku": "4\"5", "lines": [{"n": 1}, {"n": 3}, {"n": "3"}], "new": true});
    assert_eq!(sent_json(body), replaced);
    let body = "          payload: '{\"a\": 1}'
          replacements: [{target: /a, value: 2}]";
    assert_eq!(sent_json(body), json!({"a": 2}));
}

#[test]
fn a_replacement_that_leads_nowhere_fails_the_step_and_says_so() {
    let body = "          payload: {lines: []}
          replacements: [{target: /lines/0/n, value: 1}]";
    assert!(sent(body).unwrap_err().contains("no `/lines/0/n`"));
    let body = "          payload: hello
          replacements: [{target: /a, value: 1}]";
    assert!(sent(body).unwrap_err().contains("not JSON"));
}

#[test]
fn a_parameter_that_is_a_list_or_would_lead_elsewhere_is_not_sent() {
    for (place, value, why) in [
        ("path", "$inputs.card", "is an object"),
        ("path", "..", "another path"),
        ("path", "", "another path"),
        ("header", "\"a\\nb\"", "HTTP refuses"),
        ("cookie", "a;b", "HTTP refuses"),
    ] {
        let text = format!(
            "
workflows:
  - workflowId: one
    inputs: {{type: object}}
    steps:
      - stepId: read
        operationId: getOrder
        parameters:
          - {{name: id, in: path, value: ok}}
          - {{name: other, in: {place}, value: {value}}}
"
        );
        let text = match place {
            "path" => text
                .replace("          - {name: id, in: path, value: ok}\n", "")
                .replace("name: other", "name: id")
                .replace("value: }", "value: ''}"),
            _ => text,
        };
        let inputs = json!({"card": {"number": "42"}});
        let played = play_with(&text, entry(inputs), |_, _| answer(200, json!({})));
        assert!(played.requests.is_empty(), "{place} {value}");
        let what = &played.outcome.evidence[0].what;
        assert!(what.contains(why), "{what}");
    }
}
