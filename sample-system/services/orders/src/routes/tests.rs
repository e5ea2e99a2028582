//! Placing and showing orders over real HTTP, with neighbours around.

use std::time::Duration;

use serde_json::{Value, json};
use shop::clock::Clock;
use shop::serve::{self, Readiness};
use shop::token::{Role, Signer};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::neighbours::{Mood, Neighbours};
use crate::store::tests::open_at;

mod seen;
mod strangers;

const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const OPERATOR: Uuid = Uuid::from_u128(0x09e2);

struct Running {
    root: String,
    client: reqwest::Client,
    neighbours: Neighbours,
    signer: Signer,
    store: Store,
    folder: tempfile::TempDir,
    shutdown: CancellationToken,
}

async fn start(answer_within: Duration, test_halt: bool) -> Running {
    start_with(answer_within, test_halt, &[]).await
}

async fn start_with(answer_within: Duration, test_halt: bool, bugs: &[Bug]) -> Running {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let store = open_at(folder.path(), &Clock::system(), "one");
    let (shutdown, bugs) = (CancellationToken::new(), Bugs::only(bugs));
    let peers = neighbours.peers();
    let executor = Executor::new(store.clone(), peers, bugs.clone(), shutdown.clone());
    let catalog = neighbours.catalog();
    let signer = Signer::from_seed(&[7; 32]).unwrap();
    let notifications = bugs.has(Bug::NotificationsInCriticalPath);
    let nobody = || Peer::new("notifications", "http://127.0.0.1:1", answer_within).unwrap();
    let desk = Desk {
        secret: Secret::of(&[7; 32]),
        store: store.clone(),
        keys: Keys::of([&signer], Clock::system()),
        catalog,
        executor,
        answer_within,
        shutdown: shutdown.clone(),
        // No longer than an order is answered before its end.
        grace: BEFORE_THE_END,
        test_halt,
        bugs,
        notifications: notifications.then(nobody),
    };
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let grace = Duration::from_secs(5);
    tokio::spawn(serve::http(
        listener,
        routes(desk),
        Readiness::new(),
        shutdown.clone(),
        grace,
    ));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        root,
        client,
        neighbours,
        signer,
        store,
        folder,
        shutdown,
    }
}

/// With time enough for every order to end.
async fn patient() -> Running {
    start(Duration::from_secs(20), false).await
}

fn lamps() -> Value {
    json!({"sku": "lamp", "quantity": 2, "card": {"number": "4111111111114242"},
           "address": {"name": "Ada", "street": "Main Street 1", "postal_code": "12345",
                       "city": "Berlin", "country": "DE"}})
}

impl Running {
    fn token(&self, account: Uuid) -> String {
        let role = if account == OPERATOR {
            Role::Operator
        } else {
            Role::Customer
        };
        let now = chrono::Utc::now().timestamp();
        self.signer.token(account, role, now, 900).unwrap()
    }

    async fn post(&self, key: &str, body: &Value, headers: &[(&str, &str)]) -> (u16, Value) {
        self.post_as(ADA, key, body, headers).await
    }

    async fn post_as(
        &self,
        account: Uuid,
        key: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = self.client.post(format!("{}/orders", self.root)).json(body);
        let request = request.bearer_auth(self.token(account));
        let mut request = request.header("Idempotency-Key", key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as(ADA, path).await
    }

    async fn get_as(&self, account: Uuid, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.root));
        let response = request.bearer_auth(self.token(account)).send().await;
        let response = response.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn an_order_takes_name_and_price_from_catalog_and_can_be_read_back() {
    let running = patient().await;
    let (status, order) = running
        .post("k1", &lamps(), &[("baggage", "who=ada")])
        .await;
    let id = order["id"].as_str().unwrap();
    let total = json!({"amount": 9998, "currency": "USD"});
    let expected = json!({"id": id, "status": "confirmed", "sku": "lamp", "name": "Lamp",
                          "quantity": 2, "total": total});
    assert_eq!((status, &order), (201, &expected));
    assert_eq!(running.get(&format!("/orders/{id}")).await, (200, expected));
    let (status, events) = running.get(&format!("/orders/{id}/events")).await;
    assert_eq!(status, 200);
    assert_eq!(events[0]["type"], "order_received");
    assert_eq!(events[0]["baggage"], "who=ada");
    assert_eq!(events[0]["data"]["card_last_four"], "4242");
    assert!(!events.to_string().contains("411111111111"), "{events}");
}

#[tokio::test]
async fn the_same_key_makes_one_order_also_when_eight_come_at_once() {
    let running = patient().await;
    let body = lamps();
    let all = (0..8).map(|_| running.post("k1", &body, &[]));
    let mut answers = Vec::new();
    for answer in futures_util::future::join_all(all).await {
        answers.push(answer);
    }
    answers.push(running.post("k1", &body, &[]).await);
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 201),
        "{answers:?}"
    );
    assert_eq!(
        (
            running.neighbours.available(),
            running.neighbours.charges().len()
        ),
        (10, 1)
    );
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let running = patient().await;
    running.post("k1", &lamps(), &[]).await;
    let mut other = lamps();
    other["quantity"] = json!(3);
    assert_eq!(running.post("k1", &other, &[]).await.0, 422);
    let mut other = lamps();
    // Another card, though its last digits are the same.
    other["card"]["number"] = json!("5555555555554242");
    assert_eq!(running.post("k1", &other, &[]).await.0, 422);
    // The same one, in another hand.
    other["card"]["number"] = json!("4111 1111 1111 4242");
    assert_eq!(running.post("k1", &other, &[]).await.0, 201);
    assert_eq!(running.neighbours.available(), 10);
}

#[tokio::test]
async fn of_two_orders_at_once_under_one_key_one_is_refused() {
    let running = patient().await;
    let (one, mut other) = (lamps(), lamps());
    other["quantity"] = json!(3);
    let (one, other) = tokio::join!(
        running.post("k1", &one, &[]),
        running.post("k1", &other, &[])
    );
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(running.neighbours.charges().len(), 1);
}

#[tokio::test]
async fn an_order_that_waits_for_a_neighbour_is_answered_as_it_stands_when_the_service_stops() {
    let running = patient().await;
    running.neighbours.payments_are(Mood::Failing);
    let body = lamps();
    let stop = async {
        // Its stock is reserved; payments fails again and again.
        while running.neighbours.available() == 12 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running.shutdown.cancel();
    };
    let ((status, order), ()) = tokio::join!(running.post("k1", &body, &[]), stop);
    assert_eq!((status, &order["status"]), (202, &json!("pending")));
}

#[tokio::test]
async fn a_declined_order_tells_why() {
    let running = patient().await;
    let mut declined = lamps();
    declined["card"]["number"] = json!("4111111111110002");
    let (status, order) = running.post("k1", &declined, &[]).await;
    assert_eq!((status, &order["status"]), (201, &json!("cancelled")));
    assert_eq!(order["reason"], "payment_declined");
}

#[tokio::test]
async fn without_a_price_nothing_is_ordered_and_the_key_stays_free() {
    let running = patient().await;
    let mut order = lamps();
    order["sku"] = json!("sofa");
    assert_eq!(running.post("k1", &order, &[]).await.0, 404);
    order["sku"] = json!("broken");
    assert_eq!(running.post("k1", &order, &[]).await.0, 503);
    assert_eq!(running.post("k1", &lamps(), &[]).await.0, 201);
}

#[tokio::test]
async fn an_order_whose_saga_takes_long_is_answered_as_pending() {
    let running = start(Duration::from_millis(20), false).await;
    running.neighbours.payments_are(Mood::Failing);
    let (status, order) = running.post("k1", &lamps(), &[]).await;
    assert_eq!((status, &order["status"]), (202, &json!("pending")));
    assert_eq!(order.get("reason"), None);
}

#[tokio::test]
async fn a_bad_order_is_named_and_nothing_is_done() {
    let running = patient().await;
    for (field, bad) in [
        ("sku", json!("a/b")),
        ("quantity", json!(0)),
        ("quantity", json!(1001)),
        ("quantity", json!("2")),
        ("address", json!({"name": "Ada"})),
        ("email", json!("ada@example.com")),
        ("card", json!({"number": "4242"})),
        ("price", json!(1)),
    ] {
        let mut body = lamps();
        body[field] = bad;
        let (status, problem) = running.post("k1", &body, &[]).await;
        assert_eq!(
            (status, problem["status"].as_u64()),
            (400, Some(400)),
            "{field}"
        );
    }
    let unnamed = self::lamps();
    let request = running
        .client
        .post(format!("{}/orders", running.root))
        .bearer_auth(running.token(ADA))
        .json(&unnamed);
    assert_eq!(request.send().await.unwrap().status(), 400);
    assert_eq!(running.neighbours.calls(), []);
    assert_eq!(running.get("/orders/nothing").await.0, 404);
    assert_eq!(
        running
            .get("/orders/5d7a9e35-6f0b-4c41-8a5e-2b9d13c7e046/events")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_request_can_halt_its_saga_only_where_that_is_switched_on() {
    let header = [("X-Test-Halt-Before", "charged")];
    let off = patient().await;
    assert_eq!(off.post("k1", &lamps(), &header).await.0, 201);
    let on = start(Duration::from_millis(20), true).await;
    assert_eq!(on.post("k1", &lamps(), &header).await.0, 202);
    assert_eq!(
        on.post("k2", &lamps(), &[("X-Test-Halt-Before", "lunch")])
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn an_answer_comes_before_its_caller_gives_up() {
    let running = patient().await;
    running.neighbours.payments_are(Mood::Failing);
    // Sooner than the answer would come, and long enough to take the order.
    let soon = [("request-timeout-ms", "4000")];
    let (status, order) = running.post("k1", &lamps(), &soon).await;
    assert_eq!((status, &order["status"]), (202, &json!("pending")));
}

#[tokio::test]
async fn an_answer_notices_what_another_process_did_for_its_order() {
    let running = start(Duration::from_secs(20), true).await;
    let halted = [("X-Test-Halt-Before", "charged_recorded")];
    let body = lamps();
    let asked = running.post("k1", &body, &halted);
    let elsewhere = async {
        let later = || chrono::Utc::now() + shop::lease::LASTS;
        let other = open_at(running.folder.path(), &Clock::from_fn(later), "another");
        let (never, none) = (CancellationToken::new(), Bugs::none());
        let executor = Executor::new(other, running.neighbours.peers(), none, never);
        let charged = || running.neighbours.charges().len() == 1;
        while running
            .store
            .order(OrderId::of(ADA, "k1"))
            .await
            .unwrap()
            .is_none()
            || !charged()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        executor.take_over().await;
        executor.finish(Duration::from_secs(20)).await;
    };
    let ((status, order), ()) = tokio::join!(asked, elsewhere);
    assert_eq!((status, &order["status"]), (201, &json!("confirmed")));
}

#[tokio::test]
async fn seeded_bugs_order_twice_under_one_key_or_need_notifications_for_an_answer() {
    let patience = Duration::from_secs(20);
    let running = start_with(patience, false, &[Bug::MissingIdempotency]).await;
    let (_, one) = running.post("k1", &lamps(), &[]).await;
    let (_, other) = running.post("k1", &lamps(), &[]).await;
    assert_ne!(one["id"], other["id"]);
    let bugs = [Bug::NotificationsInCriticalPath];
    let running = start_with(patience, false, &bugs).await;
    assert_eq!(running.post("k1", &lamps(), &[]).await.0, 503);
}
