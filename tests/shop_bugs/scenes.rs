//! What is done to a shop to show a bug: a fault and the load that it meets, the same with the bug
//! and without. No scene hits by luck: each waits for what it needs, or is played until it hits.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use shop::kafka::{Delivery, read_to_end};

use crate::support::shop::{DECLINED, GOOD, SILENT, order};
use crate::support::{Customer, Running, Shop, until};

/// A fault and its load, on a running shop.
pub type Scene = fn(&Shop);

/// The scenes that the auditor looks at.
pub const ALL: [Scene; 6] = [
    a_customer_repeats_a_request_whose_answer_is_late,
    payments_answers_after_its_timeout,
    a_bank_never_answers,
    the_broker_is_away_and_orders_dies,
    an_event_is_published_twice,
    notifications_dies_with_an_event_in_hand,
];

/// Requests to a catalog that is dead.
pub const REQUESTS: u64 = 20;

/// Somebody who buys an item of their own.
struct Buyer {
    customer: Customer,
    sku: String,
}

impl Buyer {
    /// Somebody new; five units of what they buy are in stock.
    fn new(shop: &Shop, name: &str) -> Self {
        shop.stock(name, 5);
        Self {
            customer: shop.customer(name),
            sku: name.to_owned(),
        }
    }

    /// Orders two units with a card; what is answered.
    fn orders(&self, card: &str) -> Value {
        self.sends(&order(&self.sku, 2, card))
    }

    fn sends(&self, order: &Value) -> Value {
        let key = format!("key-{}", self.sku);
        let (_, answer) = self.customer.orders(&key, order, &[]);
        answer
    }

    /// Waits until the order that was answered has one of these states.
    #[track_caller]
    fn until(&self, order: &Value, states: &[&str]) -> Value {
        let id = order["id"].as_str().unwrap_or_else(|| panic!("{order}"));
        until(
            &format!("an order of {} that is {states:?}", self.sku),
            || {
                let (_, now) = self.customer.get(&format!("orders/{id}"));
                let is_so = states.contains(&now["status"].as_str().unwrap_or_default());
                is_so.then_some(now)
            },
        )
    }
}

/// Everything that can happen to an order without a fault: it is shipped, its card is declined, its
/// address is not served.
pub fn nothing_happens(shop: &Shop) {
    let buyer = |name| Buyer::new(shop, name);
    let (good, declined, far) = (buyer("good"), buyer("declined"), buyer("far"));
    let mut unserved = order("far", 2, GOOD);
    unserved["address"]["country"] = json!("AQ");
    let answers = [
        good.orders(GOOD),
        declined.orders(DECLINED),
        far.sends(&unserved),
    ];
    good.until(&answers[0], &["shipped"]);
    declined.until(&answers[1], &["cancelled"]);
    far.until(&answers[2], &["cancelled"]);
}

/// Holds a delay on an edge until it is lifted.
struct Delay(Running);

impl Delay {
    fn on(shop: &Shop, edge: &str, delay: &str) -> Self {
        let words = [
            "chaos", "inject", "latency", "--edge", edge, "--delay", delay,
        ];
        let mut running = shop.system.start(&words);
        running.wait_for(&format!("latency on {edge}"));
        Self(running)
    }

    fn lift(self) {
        self.0.signal("INT");
        self.0.finish().expect(0);
    }
}

/// Kills a service and waits until it is back.
fn kill(shop: &Shop, service: &str) {
    shop.system
        .run(&["chaos", "kill", service, "--", "true"])
        .expect(0);
}

/// The answer to an order comes later than its customer waits: they send it again.
pub fn a_customer_repeats_a_request_whose_answer_is_late(shop: &Shop) {
    let buyer = Buyer::new(shop, "repeats");
    let delay = Delay::on(shop, "gateway->orders", "2s");
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| buyer.orders(GOOD));
        until("the order", || {
            (!shop.orders_of(&buyer.customer).is_empty()).then_some(())
        });
        buyer.orders(GOOD)
    });
    delay.lift();
    buyer.until(&answer, &["shipped"]);
}

/// Payments charges at once and says so after the two seconds that orders waits.
pub fn payments_answers_after_its_timeout(shop: &Shop) {
    let buyer = Buyer::new(shop, "late");
    let delay = Delay::on(shop, "orders->payments", "3s");
    let answer = buyer.orders(GOOD);
    buyer.until(&answer, &["cancelled"]);
    delay.lift();
}

/// Payments waits for a bank that never answers.
pub fn a_bank_never_answers(shop: &Shop) {
    let buyer = Buyer::new(shop, "silent");
    let answer = buyer.orders(SILENT);
    assert!(answer["id"].is_string(), "{answer}");
}

/// An order is confirmed while the broker is away, and orders dies before it is back.
pub fn the_broker_is_away_and_orders_dies(shop: &Shop) {
    let buyer = Buyer::new(shop, "untold");
    let mut away = shop.system.start(&[
        "chaos",
        "kill",
        "broker",
        "--",
        "sh",
        "-c",
        "echo AWAY; exec sleep 600",
    ]);
    away.wait_for("AWAY");
    let answer = buyer.orders(GOOD);
    buyer.until(&answer, &["confirmed"]);
    kill(shop, "orders");
    drop(away);
}

/// Orders dies after the broker has its event and before it knows that: it publishes it again.
pub fn an_event_is_published_twice(shop: &Shop) {
    for turn in 0.. {
        let buyer = Buyer::new(shop, &format!("twice-{turn}"));
        let delay = Delay::on(shop, "orders->broker", "4s");
        let answer = buyer.orders(GOOD);
        let id = answer["id"].as_str().unwrap().to_owned();
        let told = || told(shop, "orders", "ORDER_PLACED", &id).len();
        until("the event on its topic", || (told() == 1).then_some(()));
        kill(shop, "orders");
        delay.lift();
        buyer.until(&answer, &["shipped"]);
        // The next order's event comes after what was left of this one's.
        let next = Buyer::new(shop, &format!("after-{turn}"));
        next.until(&next.orders(GOOD), &["shipped"]);
        if told() > 1 {
            return;
        }
        assert!(turn < 5, "the acknowledgement was never too late");
    }
}

/// Notifications dies when the broker knows that it has read an event: with the work done, or, as
/// it should not be, with the work to be done.
pub fn notifications_dies_with_an_event_in_hand(shop: &Shop) {
    let buyer = Buyer::new(shop, "in-hand");
    let delay = Delay::on(shop, "notifications->broker", "4s");
    let answer = buyer.orders(GOOD);
    let id = answer["id"].as_str().unwrap();
    let event = until("the event on its topic", || {
        told(shop, "orders", "ORDER_PLACED", id).pop()
    });
    until("the event to be acknowledged", || {
        (acknowledged(shop, "notifications", "orders", event.partition) > event.offset)
            .then_some(())
    });
    kill(shop, "notifications");
    delay.lift();
    buyer.until(&answer, &["shipped"]);
}

/// What was seen while catalog was dead.
#[derive(Debug)]
pub struct Seen {
    /// The status of an item that was shown before.
    pub item: u16,
    /// The status of the page of five parts.
    pub home: u16,
    /// Calls that the gateway tried to make for so many requests, with its retries.
    pub calls: u64,
}

/// Catalog is dead, and customers look at an item and at their home page.
pub fn catalog_is_dead(shop: &Shop) -> Seen {
    let buyer = Buyer::new(shop, "shown");
    let look = |path: &str| buyer.customer.get(path).0;
    for path in ["v1/items/shown", "home"] {
        until(path, || (look(path) == 200).then_some(()));
    }
    let mut dead = shop.system.start(&[
        "chaos",
        "kill",
        "catalog",
        "--",
        "sh",
        "-c",
        "echo AWAY; exec sleep 600",
    ]);
    dead.wait_for("AWAY");
    let before = calls(shop);
    let statuses: Vec<u16> = (1..REQUESTS).map(|_| look("v1/items/shown")).collect();
    let home = look("home");
    let calls = calls(shop) - before;
    drop(dead);
    let item = statuses[0];
    assert!(statuses.iter().all(|it| *it == item), "{statuses:?}");
    Seen { item, home, calls }
}

/// How often the gateway tried to call catalog.
fn calls(shop: &Shop) -> u64 {
    let ps = shop
        .system
        .run(&["ps", "--edges", "--format", "json"])
        .expect(0)
        .json();
    let edges = ps["edges"].as_array().unwrap();
    let edge = edges
        .iter()
        .find(|edge| edge["edge"] == "gateway->catalog:8080");
    let counts = &edge.unwrap()["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    count("connections") + count("refused")
}

/// The experiment `notifications-down`; its exit code.
pub fn notifications_is_down(shop: &Shop) -> i32 {
    shop.system
        .run(&["chaos", "run", "experiments/notifications-down.yaml"])
        .code()
}

/// Where the broker listens on this machine.
pub fn brokers(shop: &Shop) -> String {
    let url = shop.system.url("broker");
    url.rsplit('/').next().unwrap().to_owned()
}

/// The records of a topic that are events of a type about an order.
fn told(shop: &Shop, topic: &str, kind: &str, order: &str) -> Vec<Delivery> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let brokers = brokers(shop);
    let read = read_to_end(&brokers, "test", topic, Duration::from_secs(30));
    let mut records = runtime.block_on(read).unwrap();
    records.retain(|delivery| {
        let event: Value = serde_json::from_slice(&delivery.record.payload).unwrap_or_default();
        event["type"] == kind && event["order_id"] == order
    });
    records
}

/// Up to which offset a group has acknowledged a partition.
fn acknowledged(shop: &Shop, group: &str, topic: &str, partition: i32) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers(shop))
        .set("group.id", group)
        .create()
        .unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    let said = consumer
        .committed_offsets(asked, Duration::from_secs(10))
        .unwrap();
    match said.elements()[0].offset() {
        Offset::Offset(offset) => offset,
        _ => 0,
    }
}
