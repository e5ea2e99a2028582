//! Payments over real HTTP and a real database file.

use std::time::Duration;

use serde_json::{Value, json};
use shop::serve::{self, Readiness};
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;

struct Running {
    root: String,
    client: reqwest::Client,
    folder: tempfile::TempDir,
}

async fn start(states: bool) -> Running {
    shop::entry::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let mut routes = super::routes(ledger.clone());
    if states {
        routes = routes.merge(crate::states::routes(ledger));
    }
    let grace = Duration::from_secs(5);
    let never = CancellationToken::new();
    tokio::spawn(serve::http(
        listener,
        routes,
        Readiness::new(),
        never,
        grace,
    ));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        root,
        client,
        folder,
    }
}

fn request() -> Value {
    json!({
        "charge_id": "c1", "order_id": "o1", "amount": 9998, "currency": "USD",
        "card": {"number": "4111111111114242"},
    })
}

impl Running {
    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self.client.post(format!("{}{path}", self.root)).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn charge(&self, key: &str, body: &Value) -> (u16, Value) {
        self.post("/charges", Some(key), body).await
    }

    async fn refund(&self, id: &str) -> (u16, Value) {
        self.post(&format!("/charges/{id}/refund"), None, &Value::Null)
            .await
    }

    async fn charges(&self, order: &str) -> Value {
        let url = format!("{}/charges?order_id={order}", self.root);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn state(&self, name: &str, params: Value) -> u16 {
        let body = json!({"state": name, "action": "setup", "params": params});
        self.post("/_pact/states", None, &body).await.0
    }
}

fn standing(status: &str) -> Value {
    json!({"id": "c1", "order_id": "o1", "status": status, "amount": 9998, "currency": "USD"})
}

#[tokio::test]
async fn the_same_key_twice_charges_once_and_answers_the_same() {
    let running = start(false).await;
    assert_eq!(
        running.charge("k1", &request()).await,
        (201, standing("charged"))
    );
    assert_eq!(
        running.charge("k1", &request()).await,
        (201, standing("charged"))
    );
    assert_eq!(
        running.charge("k2", &request()).await,
        (201, standing("charged"))
    );
    assert_eq!(running.charges("o1").await, json!([standing("charged")]));
}

#[tokio::test]
async fn the_same_key_or_charge_for_something_else_is_refused_and_takes_nothing() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    let mut other = request();
    other["amount"] = json!(1);
    assert_eq!(running.charge("k1", &other).await.0, 422);
    assert_eq!(running.charge("k2", &other).await.0, 422);
    other["charge_id"] = json!("c2");
    assert_eq!(running.charge("k1", &other).await.0, 422);
    assert_eq!(running.charges("o1").await, json!([standing("charged")]));
}

#[tokio::test]
async fn a_card_ending_in_0002_is_declined_and_refunding_that_gives_nothing() {
    let running = start(false).await;
    let mut declined = request();
    declined["card"]["number"] = json!("4111 1111 1111 0002");
    let mut standing = standing("declined");
    standing["reason"] = json!("card_declined");
    assert_eq!(
        running.charge("k1", &declined).await,
        (402, standing.clone())
    );
    assert_eq!(
        running.charge("k1", &declined).await,
        (402, standing.clone())
    );
    assert_eq!(running.refund("c1").await, (200, standing));
}

#[tokio::test]
async fn a_refund_twice_gives_the_money_back_once_and_the_charge_cannot_return() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    assert_eq!(running.refund("c1").await, (200, standing("refunded")));
    assert_eq!(running.refund("c1").await, (200, standing("refunded")));
    assert_eq!(
        running.charge("k1", &request()).await,
        (409, standing("refunded"))
    );
}

#[tokio::test]
async fn a_refund_before_its_charge_makes_the_charge_refused() {
    let running = start(false).await;
    let tombstone = json!({"id": "c1", "status": "refused"});
    assert_eq!(running.refund("c1").await, (202, tombstone.clone()));
    assert_eq!(running.refund("c1").await, (202, tombstone));
    assert_eq!(
        running.charge("k1", &request()).await,
        (409, standing("refused"))
    );
    assert_eq!(
        running.charge("k1", &request()).await,
        (409, standing("refused"))
    );
    assert_eq!(running.charges("o1").await, json!([standing("refused")]));
}

#[tokio::test]
async fn a_bad_request_is_named_and_takes_nothing() {
    let running = start(false).await;
    assert_eq!(running.post("/charges", None, &request()).await.0, 400);
    for (field, bad) in [
        ("amount", json!(0)),
        ("amount", json!(-5)),
        ("amount", json!(1.5)),
        ("currency", json!("usd")),
        ("charge_id", json!("")),
        ("card", json!({"number": "4242"})),
        ("tip", json!(1)),
    ] {
        let mut body = request();
        body[field] = bad;
        let (status, problem) = running.charge("k1", &body).await;
        assert_eq!(
            (status, problem["status"].as_u64()),
            (400, Some(400)),
            "{field}"
        );
    }
    assert_eq!(running.charges("o1").await, json!([]));
}

#[tokio::test]
async fn no_file_of_the_ledger_holds_a_card_number() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    for file in std::fs::read_dir(running.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(16)
                .any(|window| window == b"4111111111114242")
        );
    }
}

#[tokio::test]
async fn states_exist_only_when_they_are_switched_on() {
    let params = json!({"charge_id": "c1"});
    assert_eq!(
        start(false)
            .await
            .state("no such charge was made", params.clone())
            .await,
        404
    );
    assert_eq!(
        start(true)
            .await
            .state("no such charge was made", params)
            .await,
        200
    );
}

#[tokio::test]
async fn each_state_begins_afresh_and_an_unknown_one_is_refused() {
    let running = start(true).await;
    let params = json!({
        "charge_id": "c1", "order_id": "o1", "amount": 9998, "currency": "USD",
        "idempotency_key": "k1", "card_number": "4111111111114242",
    });
    for _ in 0..2 {
        assert_eq!(
            running.state("the charge was made", params.clone()).await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([standing("charged")]));
        assert_eq!(
            running
                .state("the charge was made and refunded", params.clone())
                .await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([standing("refunded")]));
        let name = "the charge was refunded before it was made";
        assert_eq!(running.state(name, params.clone()).await, 200);
        assert_eq!(running.charge("k1", &request()).await.0, 409);
        assert_eq!(
            running
                .state("no such charge was made", params.clone())
                .await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([]));
    }
    assert_eq!(running.state("the moon is full", params).await, 400);
    assert_eq!(
        running
            .state("the charge was made", json!({"charge_id": "c1"}))
            .await,
        400
    );
}
