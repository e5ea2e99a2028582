//! Payments over real HTTP and a real database file.

use std::time::Duration;

use serde_json::{Value, json};
use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::consume::Handle as _;
use shop::event::{Event, Kind as _, ShipmentFailed};
use shop::idempotency::Secret;
use shop::kafka::{Delivery, Record};
use shop::outbox::Outbox;
use shop::serve::{self, Readiness};
use shop::token::{Keys, Role, SEED, Signer};
use shop::trace_context::TraceContext;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::failed_shipments::FailedShipments;
use crate::ledger::Ledger;

mod seen;
mod states;
mod strangers;

struct Running {
    root: String,
    client: reqwest::Client,
    folder: tempfile::TempDir,
    ledger: Ledger,
}

async fn start(states: bool) -> Running {
    start_with(states, &[]).await
}

async fn start_with(states: bool, bugs: &[Bug]) -> Running {
    shop::entry::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(
        folder.path(),
        Clock::system(),
        Outbox::new(),
        &Bugs::only(bugs),
        Secret::of(&[7; 32]),
    )
    .unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let keys = Keys::of([&signer()], Clock::system());
    let mut routes = super::routes(ledger.clone(), keys, states);
    if states {
        routes = routes.merge(crate::states::routes(ledger.clone()));
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
        ledger,
    }
}

/// The account that pays in these tests.
const ADA: Uuid = Uuid::from_u128(1);

fn signer() -> Signer {
    Signer::from_seed(&[7; SEED]).unwrap()
}

fn request() -> Value {
    json!({
        "charge_id": "c1", "order_id": "o1", "account_id": ADA,
        "amount": 9998, "currency": "USD",
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

    /// What is answered to somebody who is signed in.
    async fn asked(&self, path: &str, account: Uuid, role: Role) -> (u16, Value) {
        let now = Clock::system().now().timestamp();
        let token = signer().token(account, role, now, 60).unwrap();
        let request = self.client.get(format!("{}{path}", self.root));
        let response = request.bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Hears that the shipment of an order failed.
    async fn shipment_fails(&self, event: &str, order: &str) {
        let event = Event {
            id: event.to_owned(),
            time: Clock::system().stamp(),
            entity: order.to_owned(),
            data: ShipmentFailed {
                account_id: ADA.to_string(),
                sku: "4521".to_owned(),
                quantity: 2,
                reason: "country_not_served".to_owned(),
            },
        };
        let trace = TraceContext::default();
        let message = event.message(&trace).unwrap();
        let record = Record {
            topic: ShipmentFailed::TOPIC.to_owned(),
            key: message.key,
            payload: message.payload.into_bytes(),
            headers: Vec::new(),
        };
        let delivery = Delivery {
            record,
            partition: 0,
            offset: 0,
        };
        let handler = FailedShipments(self.ledger.clone());
        handler.handle(&delivery, &trace).await.unwrap();
    }

    /// The types of the events that were told so far.
    async fn told(&self) -> Vec<String> {
        let types = |connection: &rusqlite::Connection| {
            connection
                .prepare("SELECT payload ->> 'type' FROM outbox ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect()
        };
        self.ledger.database().read(types).await.unwrap()
    }
}

fn standing(status: &str) -> Value {
    json!({
        "id": "c1", "order_id": "o1", "account_id": ADA, "status": status,
        "amount": 9998, "currency": "USD",
    })
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
    let mut other = request();
    let card = other["card"]["number"].as_str().unwrap().to_owned();
    other["card"]["number"] = json!(format!("55555555{}", &card[8..]));
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
async fn a_failed_shipment_gives_the_money_back_once_however_often_it_is_told() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    for event in ["e1", "e1", "e2"] {
        running.shipment_fails(event, "o1").await;
        assert_eq!(running.charges("o1").await, json!([standing("refunded")]));
    }
    assert_eq!(
        running.told().await,
        ["PAYMENT_SETTLED", "PAYMENT_REFUNDED"]
    );
}

#[tokio::test]
async fn nothing_is_charged_for_an_order_once_its_shipment_failed() {
    let running = start(false).await;
    running.shipment_fails("e1", "o1").await;
    let charged = running.charge("k1", &request()).await;
    assert_eq!(charged, (409, standing("refused")));
    assert!(running.told().await.is_empty());
}

#[tokio::test]
async fn what_was_taken_and_given_back_is_told_once_and_nothing_else() {
    let running = start(false).await;
    let mut declined = request();
    declined["charge_id"] = json!("c2");
    declined["card"]["number"] = json!("4111 1111 1111 0002");
    running.charge("k2", &declined).await;
    running.refund("c3").await;
    for _ in 0..2 {
        running.charge("k1", &request()).await;
    }
    for _ in 0..2 {
        running.refund("c1").await;
    }
    assert_eq!(
        running.told().await,
        ["PAYMENT_SETTLED", "PAYMENT_REFUNDED"]
    );
}

#[tokio::test]
async fn the_same_key_of_another_account_is_another_request() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    let mut bobs = request();
    bobs["account_id"] = json!(Uuid::from_u128(2));
    assert_eq!(
        running.charge("k1", &bobs).await.0,
        422,
        "the charge is Ada's"
    );
    bobs["charge_id"] = json!("c2");
    bobs["order_id"] = json!("o2");
    assert_eq!(running.charge("k1", &bobs).await.0, 201);
}

#[tokio::test]
async fn with_the_card_of_a_silent_bank_nobody_is_answered_in_test_mode_and_anyone_else() {
    let mut silent = request();
    silent["card"]["number"] = json!("4111111111110009");
    let running = start(true).await;
    let unanswered = running.charge("k1", &silent);
    let given_up = tokio::time::timeout(Duration::from_millis(300), unanswered).await;
    assert!(given_up.is_err());
    assert_eq!(running.charges("o1").await, json!([]));
    assert_eq!(running.refund("c1").await.0, 202, "it is never taken");
    assert_eq!(start(false).await.charge("k1", &silent).await.0, 201);
}

#[tokio::test]
async fn with_a_bug_seeded_a_repeat_takes_the_money_again_or_a_refund_gives_nothing() {
    let running = start_with(false, &[Bug::MissingIdempotency]).await;
    for _ in 0..2 {
        assert_eq!(running.charge("k1", &request()).await.0, 201);
    }
    assert_eq!(running.charges("o1").await.as_array().unwrap().len(), 2);

    let running = start_with(false, &[Bug::NoRefund]).await;
    running.charge("k1", &request()).await;
    assert_eq!(running.refund("c1").await, (200, standing("refunded")));
    assert_eq!(running.charges("o1").await, json!([standing("charged")]));
}
