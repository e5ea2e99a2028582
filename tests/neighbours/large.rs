//! Records as large as the broker takes them.

use serde_json::{Value, json};
use shop::kafka::Record;

use crate::support::{Runtime, Shop, inside, until};
use crate::{SHOP, is_mailed, published};

/// The broker takes it, and a letter that holds it has too much.
const LARGE: usize = 1_040_000;

/// The broker does not take it.
const TOO_LARGE: usize = 1_050_000;

const KEY: &str = "order-that-no-letter-holds";

/// A record that nobody can read, and that comes without a trace.
fn record(topic: &str, payload: String) -> Record {
    Record {
        topic: topic.to_owned(),
        key: KEY.to_owned(),
        payload: payload.into_bytes(),
        headers: Vec::new(),
    }
}

/// The letters that a service has of these records in a topic, once there are so many.
fn letters(shop: &Shop, service: &str, topic: &str, count: usize) -> Vec<Value> {
    let what = format!("{count} dead letters of {service} from {topic}");
    until(&what, || {
        let words = ["dead-letters", "list"];
        let listed = inside::run_beside(&shop.system, service, &words).expect(0);
        let lines = listed.stdout.lines();
        let all = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own: Vec<Value> = all
            .filter(|it| it["key"] == KEY && it["topic"] == topic)
            .collect();
        (own.len() == count).then_some(own)
    })
}

/// The trace that a letter tells.
fn trace(letter: &Value) -> String {
    let parent = letter["traceparent"].as_str().unwrap_or_default();
    let id = parent.split('-').nth(1).unwrap_or_default();
    assert_eq!(id.len(), 32, "{}", letter["traceparent"]);
    id.to_owned()
}

pub fn a_record_too_large_for_its_dead_letter_is_named_by_it_and_holds_up_nobody(runtime: Runtime) {
    SHOP.alone(runtime, |shop| {
        for topic in ["orders", "shipping"] {
            let refused = published(shop, &record(topic, "z".repeat(TOO_LARGE)));
            assert!(refused.unwrap_err().is_too_large());
            published(shop, &record(topic, "z".repeat(LARGE))).unwrap();
            // Behind it in its partition.
            published(shop, &record(topic, "{".to_owned())).unwrap();
        }
        for (service, topic) in [
            ("notifications", "orders"),
            ("shipping", "orders"),
            ("search", "orders"),
            ("notifications", "shipping"),
            ("orders", "shipping"),
            ("payments", "shipping"),
            ("inventory", "shipping"),
        ] {
            let both = letters(shop, service, topic, 2);
            assert_eq!(both[0]["whole"], false, "{service} {topic}");
            assert_eq!(both[0]["size"], json!(LARGE + KEY.len()));
            assert_eq!(both[0]["payload"], "z".repeat(1024));
            assert_eq!(both[1]["whole"], true);
            assert_eq!(both[1]["payload"], "{");
            assert_ne!(trace(&both[0]), trace(&both[1]));
        }
        for number in 0..3 {
            is_mailed(shop, &format!("beside-large-{number}"));
        }
        let words = ["dead-letters", "replay"];
        inside::run_beside(&shop.system, "notifications", &words).expect(0);
        for topic in ["orders", "shipping"] {
            let all = letters(shop, "notifications", topic, 4);
            for whole in [false, true] {
                let same = all.iter().filter(|it| it["whole"] == whole);
                let same: Vec<&Value> = same.collect();
                assert_eq!(same[0]["replayed"], true, "{topic} {whole}");
                assert_eq!(same[1]["replayed"], false, "{topic} {whole}");
                assert_ne!(same[0]["offset"], same[1]["offset"]);
                // The record as it stood, in the trace in which it became a letter.
                assert_eq!(same[0]["digest"], same[1]["digest"]);
                assert_eq!(trace(same[0]), trace(same[1]));
            }
        }
        is_mailed(shop, "after-large");
    });
}
