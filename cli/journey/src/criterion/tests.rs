use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Criterion, CriterionError};
use crate::expression::Expression;
use crate::expression::scope::Scope;
use crate::message::{ReceivedBody, Response};
use crate::template::Template;

fn place() -> msvc_system::problem::Place {
    msvc_system::problem::Place {
        file: "a.yaml".into(),
        line: 1,
        column: 1,
    }
}

/// Judges `criterion` over an answer 200 with `body`.
fn judge(criterion: &Criterion, body: ReceivedBody) -> Result<(), String> {
    let inputs: Map<String, Value> = match json!({"qty": 3, "id": "o'1", "flag": true}) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let (outputs, steps) = (IndexMap::new(), IndexMap::new());
    let (workflows, sources) = (IndexMap::new(), IndexMap::new());
    let response = Response {
        status: 200,
        headers: vec![("X-Left".into(), "9".into())],
        body,
    };
    let judged = criterion.judge(&Scope {
        inputs: &inputs,
        outputs: &outputs,
        steps: &steps,
        workflows: &workflows,
        sources: &sources,
        request: None,
        response: Some(&response),
    });
    match judged.reason {
        None => Ok(()),
        Some(why) => Err(why),
    }
}

fn order() -> ReceivedBody {
    ReceivedBody::Json(json!({
        "id": "o'1", "status": "confirmed", "total": {"amount": 4999}, "done": true, "gone": null,
        "big": 9_007_199_254_740_993_u64,
        "items": [{"sku": "4521", "n": 2}, {"sku": "7", "n": 1}]
    }))
}

fn simple(text: &str, body: ReceivedBody) -> Result<(), String> {
    judge(&Criterion::simple(text, place()).unwrap(), body)
}

fn body() -> Expression {
    Expression::parse("$response.body").unwrap()
}

#[test]
fn simple_conditions_that_hold() {
    for text in [
        "$statusCode == 200",
        "$statusCode==200&&$response.body#/status=='confirmed'",
        "{$statusCode == 200}",
        "{$statusCode} == 200",
        "$response.body#/status == 'CONFIRMED'",
        "$response.body#/status == \"confirmed\"",
        "$response.body#/id == 'o''1'",
        "$response.body#/id == $inputs.id",
        "$response.body#/total/amount >= 4999 && $response.body#/total/amount < 5e3",
        "$response.body.items[0].n == 2",
        "$response.body#/items[1].sku == 7",
        "$response.header.X-Left > 8",
        "$response.header.x-left == '9'",
        "$response.body#/done",
        "$response.body#/done == true",
        "!$response.body#/gone",
        "!($statusCode == 404 || $statusCode == 500)",
        "$response.body#/gone == null",
        "$statusCode == 404 || $inputs.qty <= 3 && $inputs.qty != 4",
        "$response.body#/big == 9007199254740993 && $response.body#/big != 9007199254740992",
        "'b' > 'A'",
        "$response.body#/missing == 1 || $statusCode == 200",
    ] {
        assert_eq!(simple(text, order()), Ok(()), "{text}");
    }
}

#[test]
fn what_is_compared_with_nothing_is_refused_with_what_to_write() {
    for (text, at, why) in [
        ("404", 1, "`$statusCode == 404`"),
        ("$statusCode == 200 && 404", 23, "`$statusCode == 404`"),
        ("'false'", 1, "`$response.body#/name == 'false'`"),
        ("true", 1, "`$response.body#/name == true`"),
        ("(null)", 2, "compares nothing"),
        ("$statusCode", 1, "`$statusCode == 200`"),
        ("!$statusCode", 2, "`$statusCode == 200`"),
        ("{$method}", 2, "`$method == 'GET'`"),
    ] {
        match Criterion::simple(text, place()) {
            Err(CriterionError::Simple {
                at: found,
                why: said,
            }) => {
                assert_eq!(found, at, "{text}");
                assert!(said.contains(why), "{text}: {said}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_value_that_is_neither_true_nor_false_is_no_condition_that_holds() {
    for text in [
        "$response.body#/id",
        "!$response.body#/id",
        "$response.body#/total",
        "$inputs.qty",
    ] {
        let reason = simple(text, order()).unwrap_err();
        assert!(
            reason.contains("neither true nor false"),
            "{text}: {reason}"
        );
    }
    assert_eq!(simple("$inputs.flag", order()), Ok(()));
}

#[test]
fn a_simple_condition_that_does_not_hold_says_what_was_seen() {
    for (text, why) in [
        (
            "$response.body#/status == 'cancelled'",
            "`$response.body#/status` is \"confirmed\"",
        ),
        (
            "$statusCode == 201 || $statusCode == 202",
            "`$statusCode` is 200",
        ),
        ("$response.body#/total > 5", "have no order"),
        ("$response.body#/done == 1", "is true"),
        ("1 == 2", "compares nothing"),
    ] {
        let reason = simple(text, order()).unwrap_err();
        assert!(reason.contains(why), "{text}: {reason}");
    }
}

#[test]
fn a_criterion_over_a_missing_field_or_a_body_that_is_no_json_is_false_with_its_reason() {
    let text = ReceivedBody::read(Some("text/html"), b"<h1>bad gateway</h1>");
    for condition in [
        "$response.body#/missing == 1",
        "$response.body#/missing != 1",
        "!($response.body#/missing == 1)",
        "$response.body#/missing == null",
        "$statusCode == 200 && $response.body#/missing == 1",
    ] {
        let reason = simple(condition, order()).unwrap_err();
        assert!(reason.contains("no `/missing`"), "{condition}: {reason}");
        let reason = simple(condition, text.clone()).unwrap_err();
        assert!(reason.contains("bad gateway"), "{condition}: {reason}");
        assert!(
            simple(condition, ReceivedBody::Empty)
                .unwrap_err()
                .contains("empty")
        );
    }
    let query = Criterion::json_path("$.id", body(), place()).unwrap();
    assert!(judge(&query, text).unwrap_err().contains("not JSON"));
    assert!(
        judge(&query, ReceivedBody::Empty)
            .unwrap_err()
            .contains("empty")
    );
    let context = Expression::parse("$response.body#/missing").unwrap();
    let regex = Criterion::regex("a", context, place()).unwrap();
    assert!(
        judge(&regex, order())
            .unwrap_err()
            .contains("no `/missing`")
    );
}

#[test]
fn a_jsonpath_criterion_holds_when_it_selects_something() {
    for (path, holds) in [
        ("$..items[?@.sku=='4521']", true),
        ("$..items[?@.sku=='4521' && @.n > 2]", false),
        ("$.items[1].sku", true),
        ("$.none", false),
        ("$[?count(@.*) == 2]", true),
        ("$.gone", true),
        ("$.items[?@.n == {$inputs.qty}]", false),
        ("$..[?@ == '{$inputs.id}']", true),
    ] {
        let criterion = Criterion::json_path(path, body(), place()).unwrap();
        assert_eq!(judge(&criterion, order()).is_ok(), holds, "{path}");
    }
}

#[test]
fn a_regex_criterion_is_found_anywhere_in_the_context() {
    for (context, pattern, holds) in [
        ("$statusCode", "^200$", true),
        ("$statusCode", "^2\\d{2}$", true),
        ("$response.body#/status", "firm", true),
        ("$response.body#/status", "^firm", false),
        ("$response.body#/status", "(?<=con)firmed", true),
        ("$response.body#/id", "^{$inputs.id}$", true),
        ("$response.body#/items", "\"sku\":\"7\"", true),
    ] {
        let context = Expression::parse(context).unwrap();
        let criterion = Criterion::regex(pattern, context, place()).unwrap();
        assert_eq!(judge(&criterion, order()).is_ok(), holds, "{pattern}");
    }
}

#[test]
fn a_regex_that_would_never_end_is_given_up_and_false() {
    let text = ReceivedBody::read(Some("text/plain"), "ab".repeat(64).as_bytes());
    let criterion = Criterion::regex("(a|b|ab)*(?>c)", body(), place()).unwrap();
    assert!(judge(&criterion, text).unwrap_err().contains("given up"));
}

#[test]
fn a_condition_that_cannot_be_read_says_where() {
    for (text, why) in [
        ("$statusCode = 200", "character 13"),
        ("$statusCode == ", "a value is missing"),
        ("$statusCode == ok", "write 'ok'"),
        ("($statusCode == 200", "`)` is missing"),
        ("$statusCode == 200)", "character 19"),
        ("$statusCode == 'a", "never closed"),
        ("($statusCode == 200) == true", "cannot be compared"),
        ("$status == 200", "did you mean `$statusCode`?"),
        ("", "a value is missing"),
    ] {
        let error = Criterion::simple(text, place()).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
    assert!(Criterion::simple(&deep, place()).is_err());
    assert!(matches!(
        Criterion::json_path("$[", body(), place()),
        Err(CriterionError::JsonPath { .. })
    ));
    assert!(matches!(
        Criterion::regex("(", body(), place()),
        Err(CriterionError::Regex { .. })
    ));
}

/// Pieces of real conditions, thrown together.
fn scrap() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "$statusCode",
        "$response.body#/a",
        "$inputs.x",
        "[0]",
        ".b",
        "==",
        "!=",
        "<",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "{",
        "}",
        "{$",
        "'",
        "\"",
        " ",
        "1",
        "-",
        "e9",
        "true",
        "null",
        "~",
        "#",
        "/",
        "é",
        "$",
        "\\",
        "[?@.",
        "]",
        "*",
        "+",
        "^",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof![any::<String>(), scrap()]) {
        let _ = Expression::parse(&text);
        let _ = Expression::parse_in_condition(&text);
        let _ = Template::of_text(&text);
        for criterion in [
            Criterion::simple(&text, place()),
            Criterion::json_path(&text, body(), place()),
            Criterion::regex(&text, body(), place()),
        ].into_iter().flatten() {
            let _ = judge(&criterion, order());
        }
    }
}
