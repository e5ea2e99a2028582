//! The matching rules, generators, values and bodies of an HTTP interaction, where the crates that
//! verify it would pass over something, or take it for something else, with a warning that nobody
//! sees.
//!
//! What comes in: the request or the response of an interaction. What leaves: a sentence and a hint
//! for each. The names are those of the Pact specification, versions 2 to 4, and of the crates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use msvc_system::problem::nearest;
use serde_json::{Map, Value};

use super::document::kind_of;
use super::keys::Wrong;

/// What a rule or a generator may be about, in HTTP.
const CATEGORIES: &[&str] = &["body", "header", "path", "query", "method", "status"];

/// What `match` may say: the specification's words and their other spellings.
const MATCHERS: &[&str] = &[
    "regex",
    "equality",
    "include",
    "type",
    "number",
    "integer",
    "decimal",
    "real",
    "boolean",
    "min",
    "max",
    "min-type",
    "max-type",
    "timestamp",
    "datetime",
    "date",
    "time",
    "null",
    "contentType",
    "content-type",
    "arrayContains",
    "array-contains",
    "values",
    "statusCode",
    "status-code",
    "notEmpty",
    "not-empty",
    "semver",
    "eachKey",
    "each-key",
    "eachValue",
    "each-value",
];

/// What the `type` of a generator may be.
const GENERATORS: &[&str] = &[
    "RandomInt",
    "Uuid",
    "RandomDecimal",
    "RandomHexadecimal",
    "RandomString",
    "Regex",
    "Date",
    "Time",
    "DateTime",
    "RandomBoolean",
    "ProviderState",
    "MockServerURL",
];

/// Looks at one part of an interaction; `of` names it, `major` is the specification's number.
pub(super) fn check(of: &str, part: &Value, major: u32, found: &mut Vec<Wrong>) {
    for key in [
        "matchingRules",
        "requestMatchingRules",
        "responseMatchingRules",
    ] {
        if let Some(rules) = part[key].as_object() {
            matching_rules(&format!("the `{key}` of {of}"), rules, found);
        }
    }
    if let Some(all) = part["generators"].as_object() {
        generators(&format!("the `generators` of {of}"), all, found);
    }
    headers(of, part, found);
    query(of, part, major, found);
    if major == 4
        && let Some(body) = part["body"].as_object()
    {
        encoded(&format!("the `body` of {of}"), body, found);
    }
}

/// A name that is none of those known.
fn unknown(what: String, name: &str, known: &[&str]) -> Wrong {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    (what, hint)
}

/// Version 2 has paths that begin with `$`, later ones have categories. The first key tells which.
fn matching_rules(of: &str, rules: &Map<String, Value>, found: &mut Vec<Wrong>) {
    let by_path = rules.keys().next().is_some_and(|key| key.starts_with('$'));
    for (key, value) in rules {
        let about = match by_path {
            true => first_of_path(key),
            false => key.to_lowercase(),
        };
        // The one other spelling that the crates take.
        if about != "headers" && !CATEGORIES.contains(&&*about) {
            let what = format!("{of} are about `{about}`, which no rule is (`{key}`)");
            found.push(unknown(what, &about, CATEGORIES));
        }
        match by_path {
            true => matcher(of, key, value, found),
            false if value.get("matchers").is_some() => list(of, key, value, found),
            false => {
                for (path, value) in value.as_object().into_iter().flatten() {
                    list(of, path, value, found);
                }
            }
        }
    }
}

/// `body` of `$.body.a[0]`, `headers` of `$['headers']['A']`.
fn first_of_path(path: &str) -> String {
    let rest = path.trim_start_matches(['$', '.', '[', '\'', '"']);
    let word = rest.split(['.', '[', '\'', '"', ']']).next();
    word.unwrap_or_default().to_owned()
}

/// `{"combine": "AND", "matchers": [{"match": …}]}`.
fn list(of: &str, path: &str, value: &Value, found: &mut Vec<Wrong>) {
    const SHAPE: &str = "rules are `{\"combine\": \"AND\", \"matchers\": [{\"match\": …}]}`";
    let Some(matchers) = value["matchers"].as_array() else {
        let what = format!("the rules for `{path}` in {of} have no list `matchers`");
        found.push((what, SHAPE.to_owned()));
        return;
    };
    let combine = &value["combine"];
    let is_known = combine
        .as_str()
        .is_some_and(|word| ["AND", "OR"].contains(&&*word.to_uppercase()));
    if !combine.is_null() && !is_known {
        let what = format!("the `combine` of `{path}` in {of} is {combine}");
        found.push((what, "it is `AND` or `OR`".to_owned()));
    }
    for one in matchers {
        matcher(of, path, one, found);
    }
}

fn matcher(of: &str, path: &str, value: &Value, found: &mut Vec<Wrong>) {
    if let Some(name) = value["match"].as_str()
        && !MATCHERS.contains(&name)
    {
        let what = format!("there is no rule `{name}` (for `{path}` in {of})");
        found.push(unknown(what, name, MATCHERS));
    }
}

fn generators(of: &str, all: &Map<String, Value>, found: &mut Vec<Wrong>) {
    for (category, value) in all {
        let about = category.to_lowercase();
        if !CATEGORIES.contains(&&*about) {
            let what = format!("{of} are about `{category}`, which no generator is");
            found.push(unknown(what, &about, CATEGORIES));
            continue;
        }
        let alone = ["path", "method", "status"].contains(&&*about);
        match value.as_object() {
            None => generator(of, category, value, found),
            Some(_) if alone => generator(of, category, value, found),
            Some(by_path) => {
                for (path, value) in by_path {
                    generator(of, path, value, found);
                }
            }
        }
    }
}

fn generator(of: &str, path: &str, value: &Value, found: &mut Vec<Wrong>) {
    match value["type"].as_str() {
        Some(name) if GENERATORS.contains(&name) => {}
        Some(name) => {
            let what = format!("there is no generator `{name}` (for `{path}` in {of})");
            found.push(unknown(what, name, GENERATORS));
        }
        None => found.push((
            format!("the generator for `{path}` in {of} has no `type`"),
            "a generator is `{\"type\": \"Uuid\"}`".to_owned(),
        )),
    }
}

fn headers(of: &str, part: &Value, found: &mut Vec<Wrong>) {
    let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    for (name, value) in part["headers"].as_object().into_iter().flatten() {
        let is_read = match value {
            Value::Array(all) => all.iter().all(plain),
            one => plain(one),
        };
        if !is_read {
            let what = format!("the header `{name}` of {of} is {}", kind_of(value));
            found.push((what, "it must be a text or a list of texts".to_owned()));
        }
    }
}

fn query(of: &str, part: &Value, major: u32, found: &mut Vec<Wrong>) {
    let Some(fields) = part["query"].as_object() else {
        return;
    };
    if major < 3 {
        found.push((
            format!("the `query` of {of} is an object, which specification {major} does not know"),
            "write a text, as in `\"query\": \"a=1&b=2\"`".to_owned(),
        ));
        return;
    }
    for (name, value) in fields {
        let is_read = match value {
            Value::String(_) => true,
            Value::Array(all) => all.iter().all(|it| it.is_string() || it.is_null()),
            _ => false,
        };
        if !is_read {
            let what = format!("`{name}` in the `query` of {of} is {}", kind_of(value));
            found.push((what, "it must be a text or a list of texts".to_owned()));
        }
    }
}

fn encoded(of: &str, body: &Map<String, Value>, found: &mut Vec<Wrong>) {
    let get = |key: &str| body.get(key).unwrap_or(&Value::Null);
    let scheme = get("encoded").as_str().map(str::to_lowercase);
    match (get("encoded"), scheme.as_deref()) {
        (Value::Null | Value::Bool(false), _) | (_, Some("json")) => {}
        (_, Some("base64")) => {
            let content = get("content").as_str();
            if content.is_none_or(|text| STANDARD.decode(text).is_err()) {
                let what = format!("the `content` of {of} is no Base64");
                found.push((what, "`encoded` says that it is".to_owned()));
            }
        }
        (other, _) => found.push((
            format!("the `encoded` of {of} is {other}"),
            "it is `false`, `\"base64\"` or `\"JSON\"`".to_owned(),
        )),
    }
    let hint = get("contentTypeHint");
    if !hint.is_null()
        && !["BINARY", "TEXT", "DEFAULT"]
            .map(Value::from)
            .contains(hint)
    {
        found.push((
            format!("the `contentTypeHint` of {of} is {hint}"),
            "it is `\"BINARY\"` or `\"TEXT\"`".to_owned(),
        ));
    }
    if !(get("contentType").is_null() || get("contentType").is_string()) {
        let what = format!(
            "the `contentType` of {of} is {}",
            kind_of(get("contentType"))
        );
        found.push((what, "it must be a text".to_owned()));
    }
}

#[cfg(test)]
mod tests;
