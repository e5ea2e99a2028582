//! Events in, items found: over a real database and real HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};
use shop::clock::Clock;
use shop::consume::{Failure, Handle as _};
use shop::dead_letters;
use shop::kafka::{Delivery, KafkaError, Publish, Record};
use shop::serve::{self, Readiness};
use shop::trace_context::TraceContext;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::follow::Letters;
use crate::model::Model;
use crate::routes::routes;
use crate::topics::Topics;

mod strangers;

async fn open(folder: &TempDir) -> Model {
    Model::open(folder.path(), Clock::system()).await.unwrap()
}

/// Lets `model` hear `event`, which stands at `offset`.
async fn hear(model: &Model, event: &Value, offset: i64) -> Result<(), Failure> {
    let record = Record {
        topic: "any".to_owned(),
        key: "any".to_owned(),
        payload: event.to_string().into_bytes(),
        headers: Vec::new(),
    };
    let partition = 0;
    let delivery = Delivery {
        record,
        partition,
        offset,
    };
    let trace = TraceContext::default();
    Topics(model.clone()).handle(&delivery, &trace).await
}

/// An item that is described at that second.
fn product(sku: &str, second: u32, title: &str, description: &str) -> Value {
    json!({
        "id": format!("p-{sku}-{second}"), "type": "PRODUCT_CHANGED", "version": 1,
        "time": format!("2026-11-21T01:02:{second:02}.000Z"), "sku": sku,
        "data": {
            "title": title, "description": description, "featured": false,
            "price": {"amount": 4999, "currency": "USD"},
        },
    })
}

fn stock(sku: &str, second: u32, available: u32) -> Value {
    json!({
        "id": format!("s-{sku}-{second}"), "type": "STOCK_CHANGED", "version": 1,
        "time": format!("2026-11-21T01:02:{second:02}.000Z"), "sku": sku,
        "data": {"available": available},
    })
}

/// An order, as version 1 told of it.
fn ordered(event: &str, sku: &str) -> Value {
    json!({
        "id": event, "type": "ORDER_PLACED", "version": 1,
        "time": "2026-11-21T01:02:03.004Z", "order_id": format!("o-{event}"),
        "data": {
            "account_id": "a", "sku": sku, "name": "N", "quantity": 100,
            "total": {"amount": 1, "currency": "USD"},
        },
    })
}

async fn skus(model: &Model, text: &str) -> Vec<String> {
    let found = model.find(text, 50).await.unwrap();
    found.into_iter().map(|found| found.sku).collect()
}

async fn popular(model: &Model) -> Vec<String> {
    let found = model.popular(50).await.unwrap();
    found.into_iter().map(|found| found.sku).collect()
}

#[tokio::test]
async fn an_item_is_found_by_the_beginnings_of_its_words_those_of_the_title_first() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    for event in [
        product("1", 1, "Chair", "Goes with any desk lamp."),
        product("2", 1, "Désk Lamp", "Gives light."),
        product("3", 1, "Telescope", "Shows the moons."),
    ] {
        hear(&model, &event, 0).await.unwrap();
    }
    assert_eq!(skus(&model, "LAMP desk").await, ["2", "1"]);
    assert_eq!(skus(&model, "tele").await, ["3"]);
    assert_eq!(skus(&model, "lamp moons").await, [""; 0]);
    assert_eq!(skus(&model, "scope").await, [""; 0]);
    assert_eq!(skus(&model, " ").await, [""; 0]);
}

#[tokio::test]
async fn the_language_of_the_index_is_words_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    let plain = product("1", 1, "Lamp", "Gives light.");
    let odd = product("2", 1, "NOT a lamp OR title: NEAR", "sku:\"1\" AND ^more*");
    for event in [plain, odd] {
        hear(&model, &event, 0).await.unwrap();
    }
    for (text, wanted) in [
        ("chair OR lamp", vec![]),
        ("lamp NOT light", vec![]),
        ("lamp NOT", vec!["2"]),
        ("description:light", vec![]),
        ("{title description} : lamp", vec!["2"; 0]),
        ("\"lamp", vec!["1", "2"]),
        ("NEAR(lamp)", vec![]),
        ("^lamp", vec!["1", "2"]),
        ("\") OR 1=1 --", vec![]),
        ("***", vec![]),
    ] {
        assert_eq!(skus(&model, text).await, wanted, "{text}");
    }
}

#[tokio::test]
async fn what_is_in_stock_and_what_sells_best_is_told_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    for sku in ["1", "2", "3"] {
        hear(&model, &product(sku, 1, "Lamp", ""), 0).await.unwrap();
    }
    hear(&model, &stock("1", 1, 5), 0).await.unwrap();
    hear(&model, &stock("2", 1, 0), 0).await.unwrap();
    let found = model.find("lamp", 50).await.unwrap();
    let in_stock: Vec<_> = found.iter().map(|found| found.in_stock).collect();
    assert_eq!(in_stock, [true, false, false]);
    let orders = [
        ("a", "1"),
        ("b", "2"),
        ("c", "2"),
        ("c", "2"),
        ("d", "gone"),
    ];
    for (event, sku) in orders {
        hear(&model, &ordered(event, sku), 0).await.unwrap();
    }
    assert_eq!(popular(&model).await, ["2", "1"]);
    for _ in 0..3 {
        hear(&model, &ordered("a", "1"), 0).await.unwrap();
    }
    assert_eq!(popular(&model).await, ["2", "1"]);
    assert_eq!(model.popular(1).await.unwrap()[0].sku, "2");
}

#[tokio::test]
async fn the_latest_that_happened_holds_in_whatever_order_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    let events = [
        (product("1", 1, "Candle", ""), 0),
        (product("1", 2, "Torch", ""), 1),
        (product("1", 2, "Lamp", ""), 2),
        (stock("1", 1, 0), 0),
        (stock("1", 2, 7), 1),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 1, 3]] {
        model.start_over().await.unwrap();
        for index in order.into_iter().chain(order) {
            let (event, offset) = &events[index];
            hear(&model, event, *offset).await.unwrap();
        }
        assert_eq!(skus(&model, "lamp").await, ["1"], "{order:?}");
        assert_eq!(skus(&model, "torch").await, [""; 0], "{order:?}");
        assert_eq!(skus(&model, "candle").await, [""; 0], "{order:?}");
        assert!(model.find("lamp", 1).await.unwrap()[0].in_stock);
    }
}

#[tokio::test]
async fn a_model_that_is_dropped_is_the_same_once_all_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    let events = [
        product("1", 1, "Lamp", "Gives light."),
        product("2", 1, "Lamp", "Gives more."),
        stock("1", 1, 3),
        ordered("a", "2"),
        ordered("b", "2"),
        ordered("c", "1"),
    ];
    let mut shown = Vec::new();
    let mut groups = vec![model.group().await.unwrap()];
    for _ in 0..2 {
        for (offset, event) in (0..).zip(&events) {
            hear(&model, event, offset).await.unwrap();
        }
        let found = model.find("lamp", 50).await.unwrap();
        shown.push((found, model.popular(50).await.unwrap()));
        // The command of another process, on the same file.
        groups.push(open(&folder).await.start_over().await.unwrap());
        assert!(skus(&model, "lamp").await.is_empty());
        assert!(popular(&model).await.is_empty());
    }
    assert_eq!(shown[0], shown[1]);
    assert_eq!(model.group().await.unwrap(), groups[2]);
    groups.dedup();
    assert_eq!(groups.len(), 3);
    let elsewhere = tempfile::tempdir().unwrap();
    assert_ne!(open(&elsewhere).await.group().await.unwrap(), groups[2]);
    assert_eq!(open(&folder).await.group().await.unwrap(), groups[2]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_and_one_of_another_type_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    let refused = hear(&model, &json!({"type": "PRODUCT_CHANGED"}), 0).await;
    assert!(matches!(refused, Err(Failure::Unreadable(_))));
    let mut timeless = product("1", 1, "Lamp", "");
    timeless["time"] = json!("yesterday");
    let refused = hear(&model, &timeless, 0).await;
    assert!(matches!(refused, Err(Failure::Staying(_))));
    let mut other = ordered("a", "1");
    other["type"] = json!("ORDER_CANCELLED");
    hear(&model, &other, 0).await.unwrap();
    assert!(popular(&model).await.is_empty());
}

/// Keeps what is published.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Record>>>);

#[async_trait]
impl Publish for Kept {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

#[tokio::test]
async fn a_dead_letter_is_the_same_whichever_model_met_it() {
    let kept = Kept::default();
    let record = Record {
        topic: "orders".to_owned(),
        key: "o1".to_owned(),
        payload: Vec::new(),
        headers: Vec::new(),
    };
    let (partition, offset) = (2, 7);
    let delivery = Delivery {
        record,
        partition,
        offset,
    };
    let mut records = Vec::new();
    for group in ["search-1", "search-2"] {
        let letter = dead_letters::letter(&delivery, group, "unreadable", &TraceContext::default());
        Letters(kept.clone()).publish(&letter).await.unwrap();
    }
    for record in kept.0.lock().unwrap().drain(..) {
        records.push(Delivery {
            record,
            partition,
            offset,
        });
    }
    let letters = dead_letters::of_group(records, crate::GROUP);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].id, "orders/2/7");
}

#[tokio::test]
async fn anyone_may_ask_and_is_told_what_was_wrong_with_a_bad_question() {
    shop::entry::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let model = open(&folder).await;
    hear(&model, &product("1", 1, "Desk lamp", ""), 0)
        .await
        .unwrap();
    hear(&model, &ordered("a", "1"), 0).await.unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let (never, grace) = (CancellationToken::new(), Duration::from_secs(5));
    tokio::spawn(serve::http(
        listener,
        routes(model),
        Readiness::new(),
        never,
        grace,
    ));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let response = client.get(format!("{root}{path}")).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap())
    };
    let lamp = json!({"items": [{
        "sku": "1", "title": "Desk lamp", "price": {"amount": 4999, "currency": "USD"},
        "in_stock": false,
    }]});
    assert_eq!(
        get("/search?q=lamp%20desk&limit=5").await,
        (200, lamp.clone())
    );
    assert_eq!(get("/search/popular").await, (200, lamp));
    assert_eq!(get("/search?q=").await, (200, json!({"items": []})));
    let long = format!("/search?q={}", "x".repeat(201));
    for bad in [
        "/search",
        "/search?q=a&limit=x",
        "/search?q=a&limit=0",
        "/search?q=a&limit=51",
        "/search?q=a&z=1",
        "/search/popular?limit=-1",
        "/search/popular?limit=0",
        "/search/popular?limit=51",
        &long,
    ] {
        assert_eq!(get(bad).await.0, 400, "{bad}");
    }
}

/// Runs `check` over a model that knows `title`.
fn with_title(title: &str, check: impl AsyncFn(Model) -> bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let model = open(&folder).await;
        hear(&model, &product("1", 1, title, ""), 0).await.unwrap();
        check(model).await
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_is_anything_but_words(
        texts in prop::collection::vec(
            prop_oneof![
                any::<String>(),
                "[\"'*^:(){}+\\-, aANDORTNE\u{0}]{0,40}",
            ],
            12,
        ),
    ) {
        let answered = with_title("Lamp", async |model: Model| {
            for text in &texts {
                if let Err(error) = model.find(text, 50).await {
                    panic!("{text:?}: {error}");
                }
            }
            true
        });
        prop_assert!(answered);
    }

    #[test]
    fn an_item_is_found_by_its_whole_title_whatever_stands_in_it(
        title in "[ -~]{0,30}[A-Za-z0-9][ -~]{0,30}"
    ) {
        let found = with_title(&title, async |model: Model| {
            let words: Vec<_> = title.split(' ').filter(|word| !word.is_empty()).collect();
            // Marks alone are no word: the index knows none.
            let spoken = |word: &&str| word.contains(|c: char| c.is_ascii_alphanumeric());
            skus(&model, &title).await == ["1"]
                && skus(&model, words.iter().copied().find(|word| spoken(word)).unwrap()).await
                    == ["1"]
        });
        prop_assert!(found);
    }
}
