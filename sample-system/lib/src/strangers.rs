//! What strangers send to what all services share: headers, settings, keys, dead letters.

use std::future::ready;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use outside::{document, each, text};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::bugs::{Bug, Bugs};
use crate::clock::Clock;
use crate::config::Settings;
use crate::dead_letters;
use crate::idempotency::IdempotencyKey;
use crate::kafka::{Delivery, Record};
use crate::token::{JwkSet, Keys, Role, SEED, Signer};
use crate::trace_context::{BAGGAGE, TRACEPARENT, TraceContext};

#[test]
fn an_idempotency_key_is_a_short_visible_word_or_none() {
    each(500, prop_oneof![text(), "[!-~]{0,300}"], |text| {
        if let Some(key) = IdempotencyKey::new(&text) {
            assert_eq!(key.as_str(), text);
            assert!((1..=255).contains(&text.len()));
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    });
}

#[test]
fn a_trace_goes_out_over_http_as_it_came_in_or_not_at_all() {
    let bytes = prop::collection::vec(any::<u8>(), 0..80);
    each(500, (bytes.clone(), bytes, text()), |(one, two, stored)| {
        let mut headers = HeaderMap::new();
        for (name, bytes) in [(TRACEPARENT, &one), (BAGGAGE, &two), (BAGGAGE, &one)] {
            if let Ok(value) = HeaderValue::from_bytes(bytes) {
                headers.append(name, value);
            }
        }
        let came = TraceContext::from_headers(&headers);
        let _shown = (came.trace_id().map(str::len), came.span());
        let mut out = HeaderMap::new();
        came.write_headers(&mut out);
        assert_eq!(TraceContext::from_headers(&out), came);
        // What was stored or came in a record need not be a header.
        let stored = TraceContext {
            traceparent: Some(stored.clone()),
            baggage: Some(stored),
        };
        let mut out = HeaderMap::new();
        stored.write_headers(&mut out);
        let carried = TraceContext::from_headers(&out);
        for (carried, stored) in [
            (carried.traceparent, &stored.traceparent),
            (carried.baggage, &stored.baggage),
        ] {
            assert!(carried.is_none() || carried == *stored);
        }
    });
}

#[test]
fn no_text_makes_a_reader_of_settings_panic_and_what_is_taken_is_what_was_meant() {
    let text = prop_oneof![
        text(),
        "[0-9]{1,30}(ms|s|m|h|)",
        "[a-z0-9.\\[\\]:-]{0,20}:[0-9]{0,7}",
        "https?://[!-~]{0,20}",
        "(no-dedup|retry-storm|[a-z-]{0,12})(,(no-refund|[a-z-]{0,12})){0,3}",
    ];
    each(800, text, |text| {
        let pairs = [
            ("A", text.as_str()),
            ("SEEDED_BUGS", &text),
            ("TEST_MODE", "on"),
        ];
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = Settings::new(owned);
        if let Some(address) = settings.address("A") {
            let (host, port) = address.rsplit_once(':').unwrap();
            assert!(!host.is_empty() && port.parse::<u16>().is_ok());
        }
        if let Some(duration) = settings.duration_or("A", Duration::from_secs(1)) {
            assert!(!duration.is_zero());
        }
        if let Some(number) = settings.number_or("A", 1, 3..=7) {
            assert!((3..=7).contains(&number));
        }
        if let Some(url) = settings.url("A") {
            assert!(url.parse::<http::Uri>().is_ok() && !url.ends_with('/'));
        }
        let _switch = (
            settings.switch("A"),
            settings.text("A"),
            settings.folder("A"),
        );
        let bugs = Bugs::read(&mut settings, &Bug::ALL);
        if let Ok(bugs) = settings.finish(bugs) {
            let named = |bug: &Bug| text.split(',').any(|name| name.trim() == bug.name());
            assert!(Bug::ALL.iter().all(|bug| bugs.has(*bug) == named(bug)));
        }
    });
}

#[test]
fn no_key_set_makes_its_reader_panic() {
    let signer = Signer::from_seed(&[7; SEED]).unwrap();
    let token = signer.token(Uuid::nil(), Role::Operator, 0, 60).unwrap();
    let keys = vec![signer.public().clone()];
    let good = serde_json::to_value(JwkSet { keys }).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    each(300, document(good), |set| {
        if let Ok(set) = serde_json::from_value::<JwkSet>(set) {
            let clock = Clock::from_fn(|| chrono::DateTime::from_timestamp(30, 0).unwrap());
            let keys = Keys::from_source(move || ready(Ok(set.clone())), clock);
            let _believed = runtime.block_on(keys.check(&token));
        }
    });
}

#[test]
fn no_record_makes_the_reader_of_dead_letters_panic() {
    let names = prop::sample::select(vec![
        dead_letters::REASON,
        dead_letters::OF_TOPIC,
        dead_letters::OF_PARTITION,
        dead_letters::OF_OFFSET,
        dead_letters::OF_GROUP,
        dead_letters::REPLAYED,
        "baggage",
    ]);
    let value = prop_oneof![Just("payments".to_owned()), text(), "-?[0-9]{1,25}"];
    let headers = prop::collection::vec((names, value), 0..9);
    each(
        500,
        (headers, prop::collection::vec(any::<u8>(), 0..60)),
        |(headers, payload)| {
            let headers = headers.into_iter();
            let record = Record {
                topic: dead_letters::TOPIC.to_owned(),
                key: "o-1".to_owned(),
                payload,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            };
            let delivery = Delivery {
                record,
                partition: 0,
                offset: 0,
            };
            for letter in dead_letters::of_group(vec![delivery.clone(), delivery], "payments") {
                assert_eq!(letter.shown()["group"], json!("payments"));
                let original = letter.original();
                assert!(
                    original
                        .headers
                        .iter()
                        .all(|(name, _)| !name.starts_with("dead-letter-"))
                );
            }
        },
    );
}
