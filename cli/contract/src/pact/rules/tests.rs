//! What would be passed over, and what the specifications show.

use serde_json::json;

use super::*;

fn said(part: &Value, major: u32) -> Vec<String> {
    let mut found = Vec::new();
    check("it", part, major, &mut found);
    let lines = found.into_iter();
    lines
        .map(|(what, hint)| format!("{what} ({hint})"))
        .collect()
}

#[test]
fn what_would_be_passed_over_is_told() {
    let table = [
        (
            2,
            json!({ "matchingRules": { "$.bodi.a": { "match": "type" } } }),
            "about `bodi`, which no rule is (`$.bodi.a`) (did you mean `body`?)",
        ),
        (
            3,
            json!({ "matchingRules": { "bodyy": {} } }),
            "(did you mean `body`?)",
        ),
        (
            3,
            json!({ "matchingRules": { "body": { "$.a": { "matcher": [] } } } }),
            "for `$.a` in the `matchingRules` of it have no list `matchers`",
        ),
        (
            3,
            json!({ "matchingRules": { "path": { "combine": "XOR", "matchers": [] } } }),
            "the `combine` of `path`",
        ),
        (
            4,
            json!({ "matchingRules": { "body": { "$.a": { "matchers": [{ "match": "regexp" }] } } } }),
            "there is no rule `regexp` (for `$.a` in the `matchingRules` of it) (did you mean `regex`?)",
        ),
        (
            3,
            json!({ "generators": { "headers": { "A": { "type": "Uuid" } } } }),
            "about `headers`, which no generator is (did you mean `header`?)",
        ),
        (
            3,
            json!({ "generators": { "body": { "$.a": { "type": "UUID" } } } }),
            "there is no generator `UUID`",
        ),
        (
            3,
            json!({ "generators": { "path": { "typ": "Uuid" } } }),
            "for `path` in the `generators` of it has no `type`",
        ),
        (
            3,
            json!({ "headers": { "A": { "b": 1 } } }),
            "the header `A` of it is an object",
        ),
        (
            3,
            json!({ "headers": { "A": [null] } }),
            "is a list (it must be",
        ),
        (
            2,
            json!({ "query": { "a": ["b"] } }),
            "which specification 2 does not know",
        ),
        (3, json!({ "query": { "a": [1] } }), "`a` in the `query`"),
        (
            4,
            json!({ "body": { "content": "a", "encoded": "gzip" } }),
            "is \"gzip\" (it is `false`",
        ),
        (
            4,
            json!({ "body": { "content": "%", "encoded": "base64" } }),
            "is no Base64",
        ),
        (
            4,
            json!({ "body": { "content": "a", "contentTypeHint": "binary" } }),
            "the `contentTypeHint`",
        ),
        (
            4,
            json!({ "body": { "content": "a", "contentType": 1 } }),
            "the `contentType` of the `body` of it is a number",
        ),
    ];
    for (major, part, expected) in table {
        let said = said(&part, major);
        assert_eq!(said.len(), 1, "{part}: {said:?}");
        assert!(said[0].contains(expected), "{said:?}");
    }
}

#[test]
fn what_the_specifications_show_is_read() {
    let table = [
        (
            2,
            json!({
                "query": "a=b&c", "headers": { "A": "b" }, "body": { "encoded": "yes" },
                "matchingRules": {
                    "$.path": { "match": "regex", "regex": "/a" },
                    "$.query.Q1": { "match": "regex", "regex": "1" },
                    "$.query[0]": { "match": "type" },
                    "$.headers['Content-Type']": { "match": "regex", "regex": "x" },
                    "$.header.A": { "match": "type" },
                    "$.body": { "match": "type" },
                    "$['body']['a'][*]": { "min": 1, "match": "type" },
                    "$.body.timestamp": { "timestamp": "yyyy" },
                    "$.status": { "match": "statusCode" },
                },
            }),
        ),
        (
            3,
            json!({
                "query": { "a": "b", "c": ["d", null] }, "headers": { "A": ["b", "c"] },
                "matchingRules": {
                    "path": { "matchers": [{ "match": "regex", "regex": "/a" }] },
                    "header": { "A": { "combine": "OR", "matchers": [{ "match": "include", "value": "x" }] } },
                    "body": {}, "status": { "matchers": [] },
                },
                "generators": {
                    "path": { "type": "Regex", "regex": "\\d+" },
                    "status": { "type": "RandomInt", "min": 200, "max": 299 },
                    "header": { "A": { "type": "RandomDecimal", "digits": 4 } },
                    "body": { "$.a": { "type": "ProviderState", "expression": "${a}" } },
                },
            }),
        ),
        (
            4,
            json!({
                "body": { "content": "eyJhIjoxfQ==", "contentType": "a/b", "encoded": "base64",
                          "contentTypeHint": "BINARY" },
                "matchingRules": { "body": { "$": { "combine": "AND", "matchers": [
                    { "match": "arrayContains", "variants": [] }, { "match": "notEmpty" },
                    { "match": "eachKey", "rules": [] }, { "match": "contentType", "value": "x" },
                ] } } },
            }),
        ),
        (4, json!({ "body": { "content": "{}", "encoded": "JSON" } })),
        (
            4,
            json!({ "body": { "content": { "encoded": 7 }, "encoded": false } }),
        ),
    ];
    for (major, part) in table {
        assert_eq!(said(&part, major), Vec::<String>::new(), "{part}");
    }
}
