//! The keys and the kinds of values of an HTTP interaction: what the Pact specification, versions
//! 1 to 4, and the tools that write pacts know.
//!
//! What comes in: an interaction as it stands. What leaves: a sentence and a hint for everything
//! that would be passed over or taken for something else. What must not enter: what the values
//! mean.

use msvc_system::problem::nearest;
use serde_json::{Map, Value};

use super::document::kind_of;
use super::rules;

/// What is wrong, and what to do.
pub(super) type Wrong = (String, String);

const INTERACTION: &[&str] = &[
    "description",
    "request",
    "response",
    "providerState",
    "provider_state",
    "providerStates",
    "type",
    "key",
    "pending",
    "comments",
    "metadata",
    "transport",
    "interactionMarkup",
    "pluginConfiguration",
];

const REQUEST: &[&str] = &[
    "method",
    "path",
    "query",
    "headers",
    "body",
    "matchingRules",
    "requestMatchingRules",
    "generators",
    "options",
];

const RESPONSE: &[&str] = &[
    "status",
    "headers",
    "body",
    "matchingRules",
    "responseMatchingRules",
    "generators",
    "options",
];

const BODY: &[&str] = &["content", "contentType", "contentTypeHint", "encoded"];

/// Which values a key may have; `null` is as if it was not there.
const KINDS: &[(&str, &[&str])] = &[
    ("method", &["a text"]),
    ("path", &["a text"]),
    ("query", &["a text", "an object"]),
    ("headers", &["an object"]),
    ("matchingRules", &["an object"]),
    ("generators", &["an object"]),
    ("providerState", &["a text"]),
    ("provider_state", &["a text"]),
    ("providerStates", &["a list"]),
    ("pending", &["a truth value"]),
    ("comments", &["an object"]),
    ("transport", &["a text"]),
    ("pluginConfiguration", &["an object"]),
];

/// What nobody would read of an HTTP interaction, or not as it was meant.
pub(super) fn check(name: &str, interaction: &Value, major: u32) -> Vec<Wrong> {
    let mut found = Vec::new();
    let of = format!("the interaction `{name}`");
    object(&of, interaction, INTERACTION, &mut found);
    states(&of, interaction, &mut found);
    for (part, keys) in [("request", REQUEST), ("response", RESPONSE)] {
        let of = format!("the `{part}` of {of}");
        let part = &interaction[part];
        object(&of, part, keys, &mut found);
        legacy_rules(&of, part, major, &mut found);
        rules::check(&of, part, major, &mut found);
        if let (4, body) = (major, &part["body"])
            && !body.is_null()
        {
            let of = format!("the `body` of {of}");
            match body.is_object() {
                true => object(&of, body, BODY, &mut found),
                false => found.push((
                    format!(
                        "{of} is {}: in specification 4 it is an object",
                        kind_of(body)
                    ),
                    "write `\"body\": {\"contentType\": …, \"content\": …}`".to_owned(),
                )),
            }
        }
    }
    if let Some(method) = interaction["request"]["method"].as_str()
        && !is_token(method)
    {
        found.push((
            format!("`{method}` is no HTTP method, in the `request` of {of}"),
            "a method is one word, as `GET` or `POST`".to_owned(),
        ));
    }
    found
}

/// The names of the rules before `matchingRules`: not read beside it, nor in specification 4.
fn legacy_rules(of: &str, part: &Value, major: u32, found: &mut Vec<Wrong>) {
    for key in ["requestMatchingRules", "responseMatchingRules"] {
        if !part[key].is_null() && (major == 4 || !part["matchingRules"].is_null()) {
            found.push((
                format!("`{key}` of {of} is not read here"),
                "the rules stand in `matchingRules`".to_owned(),
            ));
        }
    }
    let options = part["options"].as_object();
    for (key, _) in options
        .into_iter()
        .flatten()
        .filter(|(_, value)| **value == Value::Bool(false))
    {
        found.push((
            format!("`{key}: false` in the `options` of {of} is not honoured"),
            "matching rules say how a body is compared".to_owned(),
        ));
    }
}

fn object(of: &str, value: &Value, keys: &[&str], found: &mut Vec<Wrong>) {
    let Some(fields) = value.as_object() else {
        return;
    };
    unknown(of, fields, keys, found);
    for (key, kinds) in KINDS.iter().filter(|(key, _)| keys.contains(key)) {
        let Some(value) = fields.get(*key).filter(|value| !value.is_null()) else {
            continue;
        };
        if !kinds.contains(&kind_of(value)) {
            let what = format!("`{key}` of {of} is {}", kind_of(value));
            found.push((what, format!("it must be {}", kinds.join(" or "))));
        }
    }
}

/// Brokers add keys of their own that begin with `_`; no other key is read by nobody.
fn unknown(of: &str, fields: &Map<String, Value>, keys: &[&str], found: &mut Vec<Wrong>) {
    for key in fields.keys() {
        if keys.contains(&key.as_str()) || key.starts_with('_') {
            continue;
        }
        let hint = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it may have: {}", keys.join(", ")),
        };
        found.push((format!("{of} has an unknown key `{key}`"), hint));
    }
}

fn states(of: &str, interaction: &Value, found: &mut Vec<Wrong>) {
    let states = interaction["providerStates"].as_array();
    for key in ["providerState", "provider_state"] {
        let alone = interaction[key].as_str().filter(|name| !name.is_empty());
        if let (Some(states), Some(alone)) = (states, alone)
            && !states.iter().any(|state| state["name"] == alone)
        {
            found.push((
                format!(
                    "the `{key}` of {of} is none of its `providerStates`, and only those are set"
                ),
                "name it there".to_owned(),
            ));
        }
    }
    for state in states.into_iter().flatten() {
        if !state["name"].is_string() {
            found.push((
                format!("a state in the `providerStates` of {of} has no name"),
                "a state is `{\"name\": …, \"params\": {…}}`".to_owned(),
            ));
        } else if !(state["params"].is_null() || state["params"].is_object()) {
            let what = kind_of(&state["params"]);
            found.push((
                format!("the `params` of a state of {of} are {what}"),
                "they must be an object".to_owned(),
            ));
        }
    }
}

/// Whether it is a token of HTTP (RFC 9110, 5.6.2), as a method has to be.
fn is_token(text: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(is_token)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(interaction: &Value, is_v4: bool) -> Vec<String> {
        let found = check("x", interaction, if is_v4 { 4 } else { 3 }).into_iter();
        found
            .map(|(what, hint)| format!("{what} ({hint})"))
            .collect()
    }

    #[test]
    fn what_nobody_would_read_is_told_with_the_nearest_key() {
        let whole = json!({
            "description": "x",
            "request": { "method": "GET", "path": "/" },
            "response": { "status": 200 },
        });
        let table = [
            (
                "/request",
                json!({ "method": "NOSUCH VERB" }),
                "`NOSUCH VERB` is no HTTP method",
            ),
            (
                "/request",
                json!({ "method": ["POST"] }),
                "is a list (it must be a text)",
            ),
            ("/request", json!({ "path": 7 }), "`path` of the `request`"),
            (
                "/request",
                json!({ "header": {} }),
                "`header` (did you mean `headers`?)",
            ),
            (
                "/request",
                json!({ "headers": [] }),
                "is a list (it must be an object)",
            ),
            (
                "/request",
                json!({ "query": 3 }),
                "(it must be a text or an object)",
            ),
            (
                "/response",
                json!({ "stauts": 500 }),
                "`stauts` (did you mean `status`?)",
            ),
            (
                "/response",
                json!({ "bodyy": 1 }),
                "`bodyy` (did you mean `body`?)",
            ),
            (
                "/response",
                json!({ "zzzzzzzz": 1 }),
                "(it may have: status, headers, body,",
            ),
            ("", json!({ "pendng": true }), "(did you mean `pending`?)"),
            (
                "",
                json!({ "providerStates": [{ "nam": "s" }] }),
                "has no name",
            ),
            (
                "",
                json!({ "providerStates": "s" }),
                "is a text (it must be a list)",
            ),
            (
                "",
                json!({ "providerStates": [{ "name": "s" }], "providerState": "t" }),
                "the `providerState` of the interaction `x` is none of its `providerStates`",
            ),
            (
                "/response",
                json!({ "responseMatchingRules": {}, "matchingRules": {} }),
                "`responseMatchingRules` of",
            ),
            (
                "/response",
                json!({ "options": { "allow_unexpected_keys_in_body": false } }),
                "is not honoured",
            ),
        ];
        assert_eq!(said(&whole, false), Vec::<String>::new());
        for (at, fields, expected) in table {
            let mut broken = whole.clone();
            let part = broken.pointer_mut(at).unwrap().as_object_mut().unwrap();
            part.extend(fields.as_object().unwrap().clone());
            let said = said(&broken, false);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].contains(expected), "{said:?}");
        }
        let mut broken = whole;
        broken["response"]["body"] = json!({ "contents": 1 });
        assert!(said(&broken, true)[0].contains("did you mean `content`?"));
        broken["response"]["body"] = json!({ "content": 1 });
        broken["response"]["responseMatchingRules"] = json!({});
        assert!(said(&broken, true)[0].contains("is not read here"));
        assert_eq!(said(&broken, false), Vec::<String>::new());
        broken["response"]["responseMatchingRules"] = Value::Null;
        broken["response"]["body"] = json!("text");
        assert!(said(&broken, true)[0].contains("in specification 4"));
        assert_eq!(said(&broken, false), Vec::<String>::new());
    }

    #[test]
    fn what_the_tools_of_pact_write_is_known() {
        let second = json!({
            "_id": "7", "description": "x", "providerState": "s", "metadata": null,
            "request": {
                "method": "get", "path": "/", "query": "a=b", "headers": { "A": "b" }, "body": [1],
                "matchingRules": { "$.body": { "match": "type" } },
            },
            "response": { "status": 200, "headers": null, "body": null },
        });
        assert_eq!(said(&second, false), Vec::<String>::new());
        let fourth = json!({
            "description": "x", "type": "Synchronous/HTTP", "key": "1a", "pending": false,
            "comments": { "text": [], "testname": "t", "references": {} }, "transport": "https",
            "interactionMarkup": { "markup": "", "markupType": "COMMON_MARK" },
            "pluginConfiguration": {},
            "providerStates": [{ "name": "s", "params": { "a": 1 } }, { "name": "t" }],
            "request": {
                "method": "PROPFIND", "path": "/", "query": { "a": ["b"] },
                "headers": { "A": ["b"] }, "generators": {}, "matchingRules": {},
                "body": { "content": "", "contentType": "*/*", "encoded": false },
            },
            "response": {
                "status": 200, "generators": { "body": {} },
                "body": { "content": "YQ==", "contentType": "a/b", "contentTypeHint": "BINARY",
                          "encoded": "base64" },
            },
        });
        assert_eq!(said(&fourth, true), Vec::<String>::new());
    }
}
