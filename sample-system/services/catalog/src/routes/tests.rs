//! Catalog over real HTTP and a real database file.

use std::time::Duration;

use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::outbox::Outbox;
use shop::serve::{self, Readiness};
use shop::token::{Role, SEED, Signer};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

mod strangers;

struct Running {
    root: String,
    client: reqwest::Client,
    items: Items,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// The operator of these tests.
const OPERATOR: Uuid = Uuid::from_u128(1);

fn signer() -> Signer {
    Signer::from_seed(&[7; SEED]).unwrap()
}

fn token(account: Uuid, role: Role) -> String {
    let now = Clock::system().now().timestamp();
    signer().token(account, role, now, 60).unwrap()
}

async fn start() -> Running {
    start_with(&[]).await
}

async fn start_with(bugs: &[Bug]) -> Running {
    shop::entry::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let (clock, bugs) = (Clock::system(), Bugs::only(bugs));
    let items = Items::open(folder.path(), clock.clone(), Outbox::new(), &bugs).unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let routes = routes(items.clone(), Keys::of([&signer()], clock));
    let ending = shutdown.clone();
    let served = tokio::spawn(async move {
        let grace = Duration::from_secs(5);
        serve::http(listener, routes, Readiness::new(), ending, grace)
            .await
            .unwrap();
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        root,
        client,
        items,
        shutdown,
        served,
        _folder: folder,
    }
}

impl Running {
    /// Puts as the operator, under a key.
    async fn put_as(&self, key: &str, path: &str, body: &str) -> (u16, Value) {
        let request = self.client.put(format!("{}{path}", self.root));
        let request = request
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .bearer_auth(token(OPERATOR, Role::Operator))
            .body(body.to_owned());
        read(request.send().await.unwrap()).await
    }

    /// Puts as the operator, under a key of its own.
    async fn put(&self, path: &str, body: &str) -> (u16, Value) {
        self.put_as(&Uuid::new_v4().to_string(), path, body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.root));
        read(request.send().await.unwrap()).await
    }

    /// The events that were told so far.
    async fn told(&self) -> Vec<Value> {
        let payloads = |connection: &rusqlite::Connection| {
            connection
                .prepare("SELECT payload FROM outbox ORDER BY id")?
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()
        };
        let payloads = self.items.database().read(payloads).await.unwrap();
        let parse = |payload: String| serde_json::from_str(&payload).unwrap();
        payloads.into_iter().map(parse).collect()
    }
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        kind == "application/problem+json",
        !status.is_success(),
        "{kind}"
    );
    (status.as_u16(), response.json().await.unwrap())
}

const LAMP: &str = r#"{"name":"Lamp","price":{"amount":4999,"currency":"USD"}}"#;

const LAMP_2: &str = r#"{"title":"Lamp","description":"Gives light.","featured":true,
    "price":{"amount":4999,"currency":"USD"}}"#;

#[tokio::test]
async fn an_item_is_shown_as_it_was_put_last() {
    let running = start().await;
    running.put("/v1/items/4521", LAMP).await;
    let (status, item) = running
        .put("/v1/items/4521", &LAMP.replace("4999", "5099"))
        .await;
    assert_eq!(status, 200);
    let price = json!({"amount": 5099, "currency": "USD"});
    assert_eq!(item, json!({"sku": "4521", "name": "Lamp", "price": price}));
    assert_eq!(running.get("/v1/items/4521").await, (200, item));
}

#[tokio::test]
async fn both_versions_show_one_item_and_the_first_keeps_what_only_the_second_knows() {
    let running = start().await;
    let (status, item) = running.put("/v2/items/4521", LAMP_2).await;
    assert_eq!(status, 200);
    let mut wanted = json!({
        "sku": "4521", "title": "Lamp", "description": "Gives light.", "featured": true,
        "price": {"amount": 4999, "currency": "USD"},
    });
    assert_eq!(item, wanted);
    let (_, first) = running.get("/v1/items/4521").await;
    let price = json!({"amount": 4999, "currency": "USD"});
    assert_eq!(
        first,
        json!({"sku": "4521", "name": "Lamp", "price": price})
    );
    running
        .put("/v1/items/4521", &LAMP.replace("Lamp", "Lantern"))
        .await;
    wanted["title"] = json!("Lantern");
    assert_eq!(running.get("/v2/items/4521").await, (200, wanted));
}

#[tokio::test]
async fn an_item_that_the_first_version_made_has_the_seconds_fields_empty() {
    let running = start().await;
    running.put("/v1/items/4521", LAMP).await;
    let (_, item) = running.get("/v2/items/4521").await;
    assert_eq!(item["description"], "");
    assert_eq!(item["featured"], false);
}

#[tokio::test]
async fn items_are_listed_by_sku_those_that_are_featured_alone_where_it_is_asked() {
    let running = start().await;
    for (sku, featured) in [("c", "true"), ("a", "true"), ("b", "false")] {
        let body = LAMP_2.replace("true", featured);
        running.put(&format!("/v2/items/{sku}"), &body).await;
    }
    for (path, wanted) in [
        ("/v2/items", vec!["a", "b", "c"]),
        ("/v2/items?featured=true", vec!["a", "c"]),
        ("/v2/items?featured=false", vec!["b"]),
        ("/v2/items?featured=true&limit=1", vec!["a"]),
        ("/v2/items?limit=50", vec!["a", "b", "c"]),
    ] {
        let (status, list) = running.get(path).await;
        assert_eq!(status, 200, "{path}");
        let items = list["items"].as_array().unwrap();
        let skus: Vec<_> = items
            .iter()
            .map(|item| item["sku"].as_str().unwrap())
            .collect();
        assert_eq!(skus, wanted, "{path}");
    }
    for bad in [
        "?featured=maybe",
        "?limit=-1",
        "?limit=0",
        "?limit=51",
        "?limit=x",
        "?colour=red",
    ] {
        assert_eq!(
            running.get(&format!("/v2/items{bad}")).await.0,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn an_unknown_item_is_404() {
    let running = start().await;
    for path in ["/v1/items/nothing", "/v2/items/nothing", "/items/4521"] {
        assert_eq!(running.get(path).await.0, 404);
    }
}

#[tokio::test]
async fn only_an_operator_describes_items_with_a_key_or_without() {
    let running = start().await;
    for (path, before) in [("/v1/items/4521", 404), ("/v2/items/4521", 200)] {
        let url = format!("{}{path}", running.root);
        let put = || {
            let body = if path.starts_with("/v1") {
                LAMP
            } else {
                LAMP_2
            };
            let request = running.client.put(&url).body(body);
            request.header("content-type", "application/json")
        };
        let anonymous = put().header("idempotency-key", "k");
        assert_eq!(anonymous.send().await.unwrap().status(), 401);
        let customer = put()
            .header("idempotency-key", "k")
            .bearer_auth(token(OPERATOR, Role::Customer));
        assert_eq!(customer.send().await.unwrap().status(), 403);
        let keyless = put().bearer_auth(token(OPERATOR, Role::Operator));
        assert_eq!(running.get(path).await.0, before);
        for _ in 0..2 {
            let keyless = keyless.try_clone().unwrap();
            assert_eq!(keyless.send().await.unwrap().status(), 200);
        }
        let malformed = keyless.header("idempotency-key", "two words");
        assert_eq!(malformed.send().await.unwrap().status(), 400);
        assert_eq!(running.get(path).await.0, 200);
    }
    // The repeats changed nothing and are not told.
    assert_eq!(running.told().await.len(), 2);
}

#[tokio::test]
async fn a_repeated_request_undoes_no_later_one_and_its_key_is_good_for_no_other() {
    let running = start().await;
    let (one, two) = (LAMP, LAMP.replace("4999", "5099"));
    let first = running.put_as("k1", "/v1/items/4521", one).await;
    running.put_as("k2", "/v1/items/4521", &two).await;
    assert_eq!(running.put_as("k1", "/v1/items/4521", one).await, first);
    let (_, item) = running.get("/v1/items/4521").await;
    assert_eq!(item["price"]["amount"], 5099);
    assert_eq!(running.put_as("k1", "/v1/items/4521", &two).await.0, 422);
    assert_eq!(running.put_as("k1", "/v1/items/4522", one).await.0, 422);
    assert_eq!(running.put_as("k1", "/v2/items/4521", LAMP_2).await.0, 422);
    assert_eq!(running.told().await.len(), 2);
}

#[tokio::test]
async fn each_change_is_told_once_with_a_later_time_and_what_changes_nothing_is_not() {
    let running = start().await;
    running.put("/v2/items/4521", LAMP_2).await;
    running.put("/v2/items/4521", LAMP_2).await;
    running.put("/v1/items/4521", LAMP).await;
    for price in ["5000", "5001", "5002"] {
        let body = LAMP.replace("4999", price);
        running.put("/v1/items/4521", &body).await;
    }
    let told = running.told().await;
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["type"], "PRODUCT_CHANGED");
    assert_eq!(told[0]["sku"], "4521");
    assert_eq!(
        told[3]["data"],
        json!({
            "title": "Lamp", "description": "Gives light.", "featured": true,
            "price": {"amount": 5002, "currency": "USD"},
        })
    );
    for pair in told.windows(2) {
        assert!(pair[0]["time"].as_str() < pair[1]["time"].as_str());
        assert_ne!(pair[0]["id"], pair[1]["id"]);
    }
}

#[tokio::test]
async fn a_bad_item_is_refused_with_the_reason_and_stores_nothing() {
    let running = start().await;
    let second = [
        &LAMP_2.replace("\"featured\":true,", ""),
        &LAMP_2.replace("Gives", "\\u0000"),
        &LAMP_2.replace("Gives", &"x".repeat(4_001)),
        &LAMP_2.replace("title", "name"),
    ];
    let first = [
        "{",
        "{}",
        &LAMP.replace("4999", "-1"),
        &LAMP.replace("4999", "0"),
        &LAMP.replace("4999", "49.99"),
        &LAMP.replace("USD", "dollars"),
        &LAMP.replace("Lamp", " "),
        &LAMP.replace("Lamp", "two\\nlines"),
        &LAMP.replace("\"name\"", "\"colour\":1,\"name\""),
    ];
    let first = first.map(|bad| ("/v1/items/4521", bad));
    let second = second.map(|bad| ("/v2/items/4521", bad.as_str()));
    for (path, bad) in first.into_iter().chain(second) {
        let (status, problem) = running.put(path, bad).await;
        assert_eq!(status, 400, "{bad}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    assert_eq!(running.put("/v1/items/a%2Fb", LAMP).await.0, 400);
    assert_eq!(running.get("/v1/items/4521").await.0, 404);
    let large = LAMP.replace("Lamp", &"x".repeat(70_000));
    assert_eq!(running.put("/v1/items/4521", &large).await.0, 413);
    assert_eq!(running.get("/nowhere").await.0, 404);
    assert!(running.told().await.is_empty());
}

#[tokio::test]
async fn items_of_before_the_second_version_are_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    {
        let old = rusqlite::Connection::open(&file).unwrap();
        old.execute_batch(
            "CREATE TABLE item (
                 sku TEXT PRIMARY KEY, name TEXT NOT NULL,
                 amount INTEGER NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL
             ) STRICT, WITHOUT ROWID;
             INSERT INTO item VALUES ('4521', 'Lamp', 4999, 'USD');
             PRAGMA user_version = 1;",
        )
        .unwrap();
    }
    let (clock, bugs) = (Clock::system(), Bugs::none());
    let items = Items::open(folder.path(), clock, Outbox::new(), &bugs).unwrap();
    let sku = Sku::try_from("4521".to_owned()).unwrap();
    assert_eq!(items.get(sku).await.unwrap().unwrap().title, "Lamp");
    let payload = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT payload FROM outbox", [], |row| {
            row.get::<_, String>(0)
        })
    };
    let payload = items.database().read(payload).await.unwrap();
    let envelope = shop::event::Envelope::open(payload.as_bytes()).unwrap();
    let event = envelope.event::<shop::event::ProductChanged>().unwrap();
    assert_eq!(event.unwrap().data.price.amount(), 4999);
}

#[tokio::test]
async fn with_the_bug_seeded_a_repeat_undoes_what_came_after() {
    let running = start_with(&[Bug::MissingIdempotency]).await;
    running.put_as("k1", "/v1/items/4521", LAMP).await;
    let later = LAMP.replace("4999", "5099");
    running.put_as("k2", "/v1/items/4521", &later).await;
    running.put_as("k1", "/v1/items/4521", LAMP).await;
    let (_, item) = running.get("/v1/items/4521").await;
    assert_eq!(item["price"]["amount"], 4999);
}

#[tokio::test]
async fn it_is_ready_while_it_serves_and_ends_when_asked() {
    let running = start().await;
    for probe in ["/healthz", "/readyz"] {
        let url = format!("{}{probe}", running.root);
        assert_eq!(running.client.get(url).send().await.unwrap().status(), 200);
    }
    running.shutdown.cancel();
    running.served.await.unwrap();
}
