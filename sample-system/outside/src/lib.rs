//! What strangers may send, for the property tests of the shop's services: documents with one
//! thing wrong, words with marks of every language inside, queries; and what each answer to them
//! must be like. Only tests use it.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail as loudly as it can"
)]

use http::HeaderValue;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use shop::config::Settings;
use shop::consume::{Failure, Handle};
use shop::deadline;
use shop::kafka::{Delivery, Record};
use shop::trace_context::TraceContext;
use tokio::runtime::Runtime;

/// Bytes that an answer to something wrong may have: a few sentences, whatever was sent.
pub const LONGEST_ANSWER: usize = 4096;

/// Text of every kind: plain words, marks that mean something in SQL, JSON, FTS5, SMTP or a URL,
/// line ends, what no line may hold, and a great deal of one letter.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,40}",
        2 => "[\"'*^:(){}+%&=?#/\\\\<>;,. aANDORTNE\u{0}\r\n\t-]{0,40}",
        1 => any::<String>(),
        1 => (1_usize..6000).prop_map(|length| "x".repeat(length)),
        1 => Just(String::new()),
    ]
}

/// What may stand in the header `name`: any [`text`] that a header can hold. A caller who says that
/// it waits no longer is rightly told that there was no time for an answer (504), so where a number
/// of milliseconds is drawn it is a long one.
pub fn header(name: &str) -> impl Strategy<Value = HeaderValue> + use<> {
    let waits = name.eq_ignore_ascii_case(deadline::REQUEST_TIMEOUT_MS);
    text().prop_map(move |text| {
        let span = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if waits && span {
            return HeaderValue::from_static("99999999");
        }
        HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("?"))
    })
}

/// A value of any kind in a place where another was meant.
pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            json!(0),
            json!(-1),
            json!(1e300),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!([]),
            json!({}),
            json!([[]]),
            json!({"": null}),
        ]),
        text().prop_map(Value::from),
    ]
}

/// `good` with one of its values another, one field gone, or one too many.
pub fn document(good: Value) -> impl Strategy<Value = Value> {
    (any::<prop::sample::Index>(), 0_u8..4, text(), value()).prop_map(
        move |(place, change, name, value)| {
            let mut changed = good.clone();
            let mut places = Vec::new();
            all(&good, String::new(), &mut places);
            let at = place.get(&places).clone();
            match change {
                0 => insert(&mut changed, &at, &name, value),
                1 => remove(&mut changed, &at),
                _ => *changed.pointer_mut(&at).unwrap() = value,
            }
            changed
        },
    )
}

/// What may come as a body where `good` is meant: a [`document`], half of one, or no JSON at all.
pub fn body(good: Value) -> impl Strategy<Value = Vec<u8>> {
    let text = good.to_string().into_bytes();
    let half = (0..text.len()).prop_map(move |length| text[..length].to_vec());
    prop_oneof![
        6 => document(good).prop_map(|document| document.to_string().into_bytes()),
        1 => half,
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::sample::select(vec!["[", "{\"a\":", "\"", "-"])
            .prop_flat_map(|part| (1_usize..3000).prop_map(move |times| part.repeat(times)))
            .prop_map(String::into_bytes),
    ]
}

/// A query: some of `names` and one that nobody knows, each with any text, perhaps twice.
pub fn query(names: &[&str]) -> impl Strategy<Value = String> + use<> {
    let mut names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    names.push("colour".to_owned());
    let value = prop_oneof![
        text().prop_map(|text| escaped(&text)),
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9]{1,30}",
        // Not escaped at all, or wrongly.
        "[!-~&&[^#]]{0,20}",
        Just("%ff%00".to_owned()),
    ];
    let pair =
        (prop::sample::select(names), value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

/// A part of a path where a name is meant.
pub fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_map(|text| escaped(&text.chars().take(300).collect::<String>())),
        Just("%ff".to_owned()),
        Just("%00".to_owned()),
        "[!-~&&[^#?/%]]{1,80}",
    ]
}

/// `text` as it may stand in a URL.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// The places in a document, as JSON pointers.
fn all(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                all(value, format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                all(value, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}

fn object_at<'v>(document: &'v mut Value, at: &str) -> Option<&'v mut Map<String, Value>> {
    document.pointer_mut(at)?.as_object_mut()
}

/// Puts a field beside the value at `at`.
fn insert(document: &mut Value, at: &str, name: &str, value: Value) {
    let above = at.rsplit_once('/').map_or("", |(above, _)| above);
    if let Some(fields) = object_at(document, above) {
        fields.insert(name.to_owned(), value);
    }
}

fn remove(document: &mut Value, at: &str) {
    if let Some((above, name)) = at.rsplit_once('/')
        && let Some(fields) = object_at(document, above)
    {
        fields.remove(name);
    }
}

/// Runs `check` on what `strategy` draws, `cases` times; a draw that fails is made as small as it
/// can be.
#[track_caller]
pub fn each<S: Strategy>(cases: u32, strategy: S, check: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&strategy, |drawn| {
        check(drawn);
        Ok(())
    });
    if let Err(failed) = checked {
        panic!("{failed}");
    }
}

/// Sends each request that `request` makes of a draw, and fails where an answer is not one of a
/// service in order: a failure of its own (5xx), a refusal that is no problem+json, or one longer
/// than [`LONGEST_ANSWER`].
#[track_caller]
pub fn send_each<S: Strategy>(
    runtime: &Runtime,
    cases: u32,
    strategy: S,
    request: impl Fn(S::Value) -> reqwest::RequestBuilder,
) {
    each(cases, strategy, |drawn| {
        runtime.block_on(async {
            let answer = request(drawn).send().await.unwrap();
            assert_in_order(answer).await;
        });
    });
}

/// Fails where an answer is not one of a service in order, see [`send_each`].
pub async fn assert_in_order(answer: reqwest::Response) {
    let (status, url) = (answer.status(), answer.url().clone());
    let kind = answer.headers().get("content-type").cloned();
    let body = answer.bytes().await.unwrap();
    let shown = String::from_utf8_lossy(&body);
    assert!(!status.is_server_error(), "{url} {status}: {shown}");
    // What was declined, and what conflicts, is told as it stands.
    if !status.is_client_error() || [402, 409].contains(&status.as_u16()) {
        return;
    }
    assert!(
        body.len() <= LONGEST_ANSWER,
        "{url} {status}: {} bytes",
        body.len()
    );
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    assert_eq!(
        kind,
        Some("application/problem+json"),
        "{url} {status}: {shown}"
    );
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], status.as_u16(), "{url}: {shown}");
}

/// Sends `request` and fails where it is not refused as malformed, in order.
pub fn send_malformed(runtime: &Runtime, request: reqwest::RequestBuilder) {
    runtime.block_on(async {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{}", answer.url());
        assert_in_order(answer).await;
    });
}

/// Lets `handler` work on records in place of `good`, and fails where it panics, or where it takes
/// a record for one that will work later: that one would be tried for ever.
#[track_caller]
pub fn hear_each(runtime: &Runtime, cases: u32, handler: &impl Handle, good: &Value) {
    let bytes = document(good.clone()).prop_map(|event| event.to_string().into_bytes());
    each(cases, prop_oneof![body(good.clone()), bytes], |payload| {
        let record = Record {
            topic: "any".to_owned(),
            key: "any".to_owned(),
            payload,
            headers: Vec::new(),
        };
        let delivery = Delivery {
            record,
            partition: 0,
            offset: 0,
        };
        let heard = runtime.block_on(handler.handle(&delivery, &TraceContext::default()));
        assert!(!matches!(heard, Err(Failure::Passing(_))), "{heard:?}");
    });
}

/// Fails where `read` does not name each of the settings `names` when all of them are wrong, or
/// panics at any text in one of them. Each of them must be one that not every text is good for.
#[track_caller]
pub fn settings<C>(read: fn(&mut Settings) -> Option<C>, names: &[&str]) {
    let told = |pairs: Vec<(String, String)>| {
        let mut settings = Settings::new(pairs);
        let configuration = read(&mut settings);
        let finished = settings.finish(configuration);
        finished.err().map(|error| error.to_string())
    };
    let wrong = names
        .iter()
        .map(|name| ((*name).to_owned(), "\u{1}?".to_owned()));
    let all = told(wrong.collect()).expect("settings that are wrong are refused");
    for name in names {
        let mut lines = all.lines().map(str::trim_start);
        assert!(
            lines.any(|line| line.starts_with(&format!("{name} "))),
            "{name}: {all}"
        );
    }
    let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    let text = prop_oneof![text(), "[0-9]{0,40}(ms|s|m|h)?", "[a-z0-9.:/@-]{0,30}"];
    each(300, (prop::sample::select(names), text), |(name, text)| {
        let _refused = told(vec![(name, text)]);
    });
}
