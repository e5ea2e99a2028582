//! Shipping's events over a real store: in any order, any number of times.

use serde_json::{Value, json};
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::event::{Event, Kind};
use shop::kafka::Record;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::order::{Reason, Status};
use crate::store::tests::{open_at, place_confirmed};

struct Office {
    store: Store,
    shipments: Shipments,
    _folder: TempDir,
}

fn open() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    let inbox = Inbox::new(Clock::system(), &Bugs::none());
    Office {
        shipments: Shipments::new(store.clone(), inbox),
        store,
        _folder: folder,
    }
}

fn event<K: Kind>(id: &str, order: &str, data: K) -> Delivery {
    let event = Event {
        id: id.to_owned(),
        time: "2026-11-21T01:02:03.004Z".to_owned(),
        entity: order.to_owned(),
        data,
    };
    delivery(event.message(&TraceContext::default()).unwrap().payload)
}

fn delivery(payload: String) -> Delivery {
    Delivery {
        record: Record {
            topic: TOPIC.to_owned(),
            key: String::new(),
            payload: payload.into_bytes(),
            headers: Vec::new(),
        },
        partition: 0,
        offset: 0,
    }
}

fn shipped(id: &str, order: &str) -> Delivery {
    let data = ItemShipped {
        account_id: "a".into(),
        sku: "lamp".into(),
        quantity: 2,
        tracking: "T-1".into(),
    };
    event(id, order, data)
}

fn failed(id: &str, order: &str) -> Delivery {
    let data = ShipmentFailed {
        account_id: "a".into(),
        sku: "lamp".into(),
        quantity: 2,
        reason: "country_not_served".into(),
    };
    event(id, order, data)
}

impl Office {
    async fn hear(&self, delivery: &Delivery) -> Result<(), Failure> {
        self.shipments
            .handle(delivery, &TraceContext::default())
            .await
    }

    /// Status and types of the events after the confirmation.
    async fn after(&self, id: OrderId) -> (Status, Option<Reason>, Vec<Value>) {
        let order = self.store.order(id).await.unwrap().unwrap();
        let events = self.store.events(id).await.unwrap();
        let later = events.iter().skip(6);
        let facts = later.map(|event| serde_json::to_value(event).unwrap()["type"].clone());
        (order.status, order.reason, facts.collect())
    }

    async fn announced(&self) -> Vec<String> {
        let read = |connection: &rusqlite::Connection| {
            let mut rows = connection.prepare("SELECT payload FROM outbox ORDER BY id")?;
            rows.query_map([], |row| row.get(0))?.collect()
        };
        let payloads: Vec<String> = self.store.database().read(read).await.unwrap();
        let kind = |payload: &String| {
            let event: Value = serde_json::from_str(payload).unwrap();
            event["type"].as_str().unwrap().to_owned()
        };
        payloads.iter().map(kind).collect()
    }
}

#[tokio::test]
async fn an_order_that_is_shipped_says_so_once() {
    let office = open();
    let id = place_confirmed(&office.store, "k").await;
    for _ in 0..3 {
        office.hear(&shipped("e-1", &id.to_string())).await.unwrap();
    }
    let expected = (Status::Shipped, None, vec![json!("shipped")]);
    assert_eq!(office.after(id).await, expected);
    assert_eq!(office.announced().await, ["ORDER_PLACED"]);
}

#[tokio::test]
async fn a_shipment_that_failed_cancels_its_order_and_that_is_announced_once() {
    let office = open();
    let id = place_confirmed(&office.store, "k").await;
    for event in ["e-1", "e-1", "e-2"] {
        office.hear(&failed(event, &id.to_string())).await.unwrap();
    }
    let facts = vec![json!("shipment_failed"), json!("cancelled")];
    let expected = (Status::Cancelled, Some(Reason::ShipmentFailed), facts);
    assert_eq!(office.after(id).await, expected);
    assert_eq!(
        office.announced().await,
        ["ORDER_PLACED", "ORDER_CANCELLED"]
    );
}

#[tokio::test]
async fn what_contradicts_the_end_of_an_order_changes_nothing() {
    let office = open();
    let id = place_confirmed(&office.store, "k").await;
    office.hear(&shipped("e-1", &id.to_string())).await.unwrap();
    office.hear(&failed("e-2", &id.to_string())).await.unwrap();
    assert_eq!(office.after(id).await.0, Status::Shipped);
    let id = place_confirmed(&office.store, "k2").await;
    office.hear(&failed("e-3", &id.to_string())).await.unwrap();
    office.hear(&shipped("e-4", &id.to_string())).await.unwrap();
    assert_eq!(office.after(id).await.0, Status::Cancelled);
}

#[tokio::test]
async fn what_no_order_was_placed_for_is_a_dead_letter_and_heard_when_replayed_in_time() {
    let office = open();
    let id = OrderId::of(crate::store::tests::ADA, "k");
    let early = shipped("e-1", &id.to_string());
    assert!(matches!(
        office.hear(&early).await,
        Err(Failure::Staying(_))
    ));
    let nobody = shipped("e-2", "no-uuid");
    assert!(matches!(
        office.hear(&nobody).await,
        Err(Failure::Staying(_))
    ));
    place_confirmed(&office.store, "k").await;
    office.hear(&early).await.unwrap();
    assert_eq!(office.after(id).await.0, Status::Shipped);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_what_is_others_business_is_left_alone() {
    let office = open();
    let broken = delivery("{\"type\": \"ITEM_SHIPPED\"}".to_owned());
    assert!(matches!(
        office.hear(&broken).await,
        Err(Failure::Unreadable(_))
    ));
    let mut foreign: Value = serde_json::from_slice(&shipped("e-1", "o").record.payload).unwrap();
    foreign["type"] = json!("ITEM_PACKED");
    office.hear(&delivery(foreign.to_string())).await.unwrap();
}

#[test]
fn no_event_makes_the_handler_panic_or_try_for_ever() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let office = runtime.block_on(async { open() });
    for good in [
        shipped("e1", &OrderId::of(Uuid::nil(), "k").to_string()),
        failed("e2", "o"),
    ] {
        let good: Value = serde_json::from_slice(&good.record.payload).unwrap();
        outside::hear_each(&runtime, 100, &office.shipments, &good);
    }
}
