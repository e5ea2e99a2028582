//! Each type as it is written, against its schema in `contracts/events/`, and as it is read.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::money::Money;

fn money() -> Money {
    Money::new(9998, "USD").unwrap()
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn placed() -> OrderPlaced {
    OrderPlaced {
        account_id: text("a-1"),
        sku: text("lamp"),
        name: text("Lamp"),
        quantity: 2,
        total: money(),
        address: Some(Address {
            name: text("Ada"),
            street: text("Main Street 1"),
            postal_code: text("12345"),
            city: text("Berlin"),
            country: text("DE"),
        }),
    }
}

/// The payload of an event with this data, as its outbox gets it.
fn written<K: Kind>(data: K) -> Value {
    let event = Event {
        id: derived_id("o-1", K::TYPE),
        time: text("2026-11-21T01:02:03.004Z"),
        entity: text("o-1"),
        data,
    };
    let message = event.message(&TraceContext::default()).unwrap();
    assert_eq!(
        (message.topic.as_str(), message.key.as_str()),
        (K::TOPIC, "o-1")
    );
    serde_json::from_str(&message.payload).unwrap()
}

/// One of each type.
fn all() -> Vec<Value> {
    let payment = || (text("c-1"), text("a-1"), money());
    let (charge_id, account_id, sum) = payment();
    let settled = PaymentSettled {
        charge_id,
        account_id,
        sum,
    };
    let (charge_id, account_id, sum) = payment();
    let refunded = PaymentRefunded {
        charge_id,
        account_id,
        sum,
    };
    vec![
        written(placed()),
        written(OrderCancelled {
            account_id: text("a-1"),
            sku: text("lamp"),
            quantity: 2,
            reason: text("payment_declined"),
        }),
        written(settled),
        written(refunded),
        written(ItemShipped {
            account_id: text("a-1"),
            sku: text("lamp"),
            quantity: 2,
            tracking: text("T-1"),
        }),
        written(ShipmentFailed {
            account_id: text("a-1"),
            sku: text("lamp"),
            quantity: 2,
            reason: text("country_not_served"),
        }),
        written(ProductChanged {
            title: text("Lamp"),
            description: text(""),
            price: money(),
            featured: true,
        }),
        written(StockChanged { available: 0 }),
        written(AccountChanged {
            email: text("ada@example.com"),
            name: text("Ada"),
            role: text("customer"),
            revision: 1,
        }),
    ]
}

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts/events")
}

fn schema(name: &str) -> Value {
    let path = schemas().join(format!("{name}.schema.json"));
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// What is wrong with `value` by `schema`, of which only the words stand that the shop's schemas
/// use; any other fails the test.
fn problems(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" => true,
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "boolean" => value.is_boolean(),
                other => panic!("the type {other}"),
            },
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_i64() >= rule.as_i64(),
            "minLength" => value.as_str().map(str::len) >= rule.as_u64().map(|n| n as usize),
            "pattern" => matches_pattern(rule.as_str().unwrap(), value.as_str().unwrap()),
            "required" => {
                let names = rule.as_array().unwrap().iter();
                names
                    .map(|name| name.as_str().unwrap())
                    .all(|name| value.get(name).is_some())
            }
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                problems(root, root.pointer(pointer).unwrap(), value, at, found);
                true
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        problems(root, rule, value, &format!("{at}.{name}"), found);
                    }
                }
                true
            }
            other => panic!("the word {other}"),
        };
        if !holds {
            found.push(format!("{at} is {value}, against {word} {rule}"));
        }
    }
}

/// The three patterns that there are.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let capitals = |n| text.len() == n && text.bytes().all(|c| c.is_ascii_uppercase());
    match pattern {
        "^[A-Z]{3}$" => capitals(3),
        "^[A-Z]{2}$" => capitals(2),
        "^[a-z_]+$" => {
            !text.is_empty() && text.bytes().all(|c| c == b'_' || c.is_ascii_lowercase())
        }
        other => panic!("the pattern {other}"),
    }
}

fn against(name: &str, value: &Value) -> Vec<String> {
    let (schema, mut found) = (schema(name), Vec::new());
    problems(&schema, &schema, value, name, &mut found);
    found
}

#[test]
fn each_event_is_written_as_its_schema_says_and_each_schema_has_its_event() {
    let mut described: Vec<String> = std::fs::read_dir(schemas())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".schema.json").to_owned())
        .filter(|name| !name.contains('.'))
        .collect();
    described.sort();
    let mut written = Vec::new();
    for event in all() {
        let name = event["type"].as_str().unwrap();
        assert_eq!(against(name, &event), [""; 0]);
        written.push(name.to_owned());
    }
    written.sort();
    assert_eq!(written, described);
}

#[test]
fn a_schema_refuses_what_lacks_any_field_that_is_written() {
    for event in all() {
        let name = event["type"].as_str().unwrap();
        for part in ["", "/data"] {
            let fields = event.pointer(part).unwrap().as_object().unwrap();
            for field in fields.keys() {
                let mut without = event.clone();
                let part = without.pointer_mut(part).unwrap();
                part.as_object_mut().unwrap().remove(field);
                assert_ne!(against(name, &without), [""; 0], "{name} without {field}");
            }
        }
    }
}

#[test]
fn what_a_reader_of_version_1_knew_is_still_there_in_version_2() {
    let event = written(placed());
    assert_eq!(event["version"], 2);
    assert_eq!(against("ORDER_PLACED.1", &event), [""; 0]);
}

#[test]
fn an_event_is_read_as_it_was_written_and_fields_that_are_new_are_ignored() {
    let mut event = written(placed());
    event["version"] = json!(3);
    event["from_the_future"] = json!(true);
    event["data"]["gift"] = json!({"paper": "red"});
    let envelope = Envelope::open(event.to_string().as_bytes()).unwrap();
    assert!(envelope.event::<StockChanged>().unwrap().is_none());
    let read = envelope.event::<OrderPlaced>().unwrap().unwrap();
    assert_eq!((read.entity.as_str(), read.data), ("o-1", placed()));
}

#[test]
fn an_order_placed_of_version_1_is_read_without_an_address() {
    let mut event = written(placed());
    event["version"] = json!(1);
    event["data"].as_object_mut().unwrap().remove("address");
    let envelope = Envelope::open(event.to_string().as_bytes()).unwrap();
    let read = envelope.event::<OrderPlaced>().unwrap().unwrap();
    assert_eq!(read.data.address, None);
}

#[test]
fn a_payment_is_written_with_its_sum_beside_the_rest_and_read_so() {
    let data = PaymentSettled {
        charge_id: text("c-1"),
        account_id: text("a-1"),
        sum: money(),
    };
    let event = written(data.clone());
    assert_eq!(event["data"]["amount"], 9998);
    let envelope = Envelope::open(event.to_string().as_bytes()).unwrap();
    assert_eq!(envelope.data::<PaymentSettled>().unwrap(), data);
}

#[test]
fn what_is_no_event_or_lacks_a_part_is_refused_by_name() {
    let whole = written(placed());
    let refused = |event: &Value| {
        let opened = Envelope::open(event.to_string().as_bytes());
        let read = opened.and_then(|envelope| envelope.event::<OrderPlaced>());
        read.unwrap_err().to_string()
    };
    for field in ["id", "type", "version", "time", "data", "order_id"] {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(refused(&without).contains(field), "{}", refused(&without));
    }
    let mut without = whole.clone();
    without["data"].as_object_mut().unwrap().remove("sku");
    assert!(refused(&without).contains("sku"));
    let mut without = whole;
    without["version"] = json!(0);
    assert!(refused(&without).contains("version"));
    for bad in ["", "[]", "null", "{", "\"x\"", "\u{0}"] {
        assert!(Envelope::open(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn an_id_follows_from_what_it_is_of_and_from_nothing_else() {
    assert_eq!(derived_id("o-1", "x"), derived_id("o-1", "x"));
    assert_ne!(derived_id("o-1", "x"), derived_id("o-2", "x"));
    assert_ne!(derived_id("a", "b c"), derived_id("a b", "c"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _refused = Envelope::open(&bytes);
    }

    #[test]
    fn no_change_of_one_field_makes_the_reader_panic(
        place in 0_usize..12,
        value in prop_oneof![
            Just(Value::Null), Just(json!(-1)), Just(json!(1e300)), Just(json!([])), Just(json!({})),
            any::<i64>().prop_map(Value::from), ".{0,40}".prop_map(Value::from),
        ],
    ) {
        let mut event = written(placed());
        let whole = event.as_object_mut().unwrap();
        match whole.values_mut().nth(place) {
            Some(field) => *field = value,
            None => *event["data"].as_object_mut().unwrap().values_mut().nth(place - 6).unwrap() = value,
        }
        if let Ok(envelope) = Envelope::open(event.to_string().as_bytes()) {
            let _read = envelope.event::<OrderPlaced>();
        }
    }
}

#[test]
fn a_list_is_no_event_and_no_data_of_one() {
    let mut event = written(StockChanged { available: 7 });
    event["data"] = json!([7]);
    let envelope = Envelope::open(event.to_string().as_bytes()).unwrap();
    assert!(matches!(
        envelope.event::<StockChanged>(),
        Err(Unreadable::Data { .. })
    ));
    let list = json!(["e-1", "STOCK_CHANGED", 1, "now", null, null, "lamp", {"available": 7}]);
    let opened = Envelope::open(list.to_string().as_bytes());
    assert!(matches!(opened, Err(Unreadable::Envelope(_))));
}
