//! The store over a real file, as one process and as two.

use shop::bugs::Bugs;
use shop::event::Address;
use shop::money::Money;
use shop::sku::Sku;

use super::*;

/// A customer.
pub(crate) const ADA: Uuid = Uuid::from_u128(0xada);
/// Another one.
const BOB: Uuid = Uuid::from_u128(0xb0b);

/// The orders in `folder`, as the process `holder` opens them.
pub(crate) fn open_at(folder: &Path, clock: &Clock, holder: &str) -> Store {
    let holder = Holder::named(holder);
    Store::open(folder, clock.clone(), Outbox::new(), holder).unwrap()
}

/// A request of `account` for two lamps, under `key`.
pub(crate) fn placement(account: Uuid, key: &str) -> Placement {
    let price = Money::new(4999, "USD").unwrap();
    let total = price.times(2).unwrap();
    Placement {
        id: OrderId::of(account, key),
        account,
        key: IdempotencyKey::new(key).unwrap(),
        hash: "hash".to_owned(),
        received: Fact::OrderReceived {
            account_id: account,
            key: key.to_owned(),
            sku: Sku::try_from("lamp".to_owned()).unwrap(),
            quantity: 2,
            address: Address {
                name: "Ada".into(),
                street: "Main Street 1".into(),
                postal_code: "12345".into(),
                city: "Berlin".into(),
                country: "DE".into(),
            },
            card_last_four: "4242".into(),
        },
        priced: Fact::Priced {
            name: "Lamp".into(),
            price,
            total,
        },
        trace: TraceContext::default(),
        keyless: false,
    }
}

async fn place(store: &Store, account: Uuid, key: &str) -> Saga {
    match store.place(placement(account, key)).await.unwrap() {
        Placed::New(saga) => *saga,
        other => panic!("{other:?}"),
    }
}

/// Records what the next steps lead to.
async fn follow(store: &Store, mut saga: Saga, facts: Vec<Fact>) {
    for fact in facts {
        match store.record(saga.clone(), vec![fact]).await.unwrap() {
            Recorded::Next(next) => saga = *next,
            other => assert_eq!(other, Recorded::Ended),
        }
    }
}

pub(crate) fn charged() -> Vec<Fact> {
    let charge_id = "c".to_owned();
    vec![Fact::StockReserved {}, Fact::Charged { charge_id }]
}

pub(crate) fn confirmed() -> Vec<Fact> {
    let rest = [Fact::StockCommitted {}, Fact::Confirmed {}];
    charged().into_iter().chain(rest).collect()
}

/// A confirmed order.
pub(crate) async fn place_confirmed(store: &Store, key: &str) -> OrderId {
    let saga = place(store, ADA, key).await;
    let id = saga.order.id;
    follow(store, saga, confirmed()).await;
    id
}

async fn all(store: &Store) -> Vec<Audited> {
    store.audited(0, 1000).await.unwrap()
}

#[tokio::test]
async fn a_read_model_that_was_lost_is_made_anew_from_the_events_and_is_equal() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    let inbox = Inbox::new(Clock::system(), &Bugs::none());
    place(&store, ADA, "pending").await;
    let declined = place(&store, BOB, "declined").await;
    let reason = Reason::PaymentDeclined;
    let undone = vec![
        Fact::StockReserved {},
        Fact::ChargeFailed {
            reason,
            maybe_taken: false,
        },
        Fact::StockReleased {},
        Fact::Cancelled { reason },
    ];
    follow(&store, declined, undone).await;
    place_confirmed(&store, "confirmed").await;
    for (key, facts) in [
        (
            "shipped",
            vec![Fact::Shipped {
                tracking: "T".into(),
            }],
        ),
        ("failed", cancelled_by_shipping("country_not_served".into())),
    ] {
        let id = place_confirmed(&store, key).await;
        let trace = TraceContext::default();
        let heard = store
            .hear(inbox.clone(), key.into(), id, facts, trace)
            .await;
        assert_eq!(heard.unwrap(), Heard::Recorded);
    }
    let before = all(&store).await;
    let statuses: Vec<_> = before.iter().map(|audited| audited.order.status).collect();
    let expected = [
        Status::Pending,
        Status::Cancelled,
        Status::Confirmed,
        Status::Shipped,
        Status::Cancelled,
    ];
    assert_eq!(statuses, expected);
    let lose = |connection: &Connection| connection.execute("DELETE FROM order_view", []);
    store.database.write(lose).await.unwrap();
    assert_eq!(all(&store).await, []);
    assert_eq!(store.rebuild().await.unwrap(), 5);
    assert_eq!(all(&store).await, before);
    assert_eq!(store.rebuild().await.unwrap(), 5);
    assert_eq!(all(&store).await, before);
}

#[tokio::test]
async fn a_read_model_of_many_orders_is_made_anew_beside_those_who_place_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    let count = 2 * REBUILT_AT_ONCE + 1;
    for at in 0..count {
        place(&store, ADA, &at.to_string()).await;
    }
    let before = all(&store).await;
    // Some are lost, one is told wrongly, and one stands behind all.
    let harm = |connection: &Connection| {
        connection.execute_batch(
            "DELETE FROM order_view WHERE sequence % 7 = 1;
             UPDATE order_view SET quantity = 9 WHERE sequence % 5 = 0;
             UPDATE order_view SET sequence = 100000 WHERE sequence = (SELECT max(sequence) FROM order_view);",
        )
    };
    store.database.write(harm).await.unwrap();
    let (rebuilt, ()) = tokio::join!(store.rebuild(), async {
        place(&store, BOB, "meanwhile").await;
    });
    assert!([count, count + 1].contains(&rebuilt.unwrap()));
    let mut after = all(&store).await;
    assert_eq!(after.pop().unwrap().order.account_id, BOB);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_key_is_known_for_as_long_as_its_order_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    let id = place(&store, ADA, "k").await.order.id;
    let years_later = chrono::Utc::now() + chrono::TimeDelta::days(3650);
    for prune in crate::KEPT_FOR_A_TIME {
        let pruned = store.database.write(move |it| prune(it, years_later));
        pruned.await.unwrap();
    }
    let again = store.place(placement(ADA, "k")).await.unwrap();
    assert!(matches!(again, Placed::Before(before) if before == id));
    let other = Placement {
        hash: "another request".to_owned(),
        ..placement(ADA, "k")
    };
    let other = store.place(other).await.unwrap();
    assert!(matches!(other, Placed::Different), "{other:?}");

    // By hand, or by a service that kept keys for a day.
    let forget = |connection: &Connection| connection.execute("DELETE FROM request", []);
    store.database.write(forget).await.unwrap();
    let unsure = store.place(placement(ADA, "k")).await.unwrap();
    assert!(matches!(unsure, Placed::Different), "{unsure:?}");
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test]
async fn the_newest_orders_of_an_account_come_first_and_no_others_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    for (account, key) in [(ADA, "1"), (BOB, "2"), (ADA, "3"), (ADA, "4")] {
        place(&store, account, key).await;
    }
    let orders = store.orders_of(ADA, 2).await.unwrap();
    let keys: Vec<_> = orders.iter().map(|order| order.key.as_str()).collect();
    assert_eq!(keys, ["4", "3"]);
    let first = all(&store).await[0].sequence;
    let behind = store.audited(first, 2).await.unwrap();
    let keys: Vec<_> = behind
        .iter()
        .map(|audited| audited.order.key.as_str())
        .collect();
    assert_eq!(keys, ["2", "3"]);
}

#[tokio::test]
async fn of_two_processes_one_takes_over_a_saga_that_nobody_leads() {
    let folder = tempfile::tempdir().unwrap();
    place(&open_at(folder.path(), &Clock::system(), "dead"), ADA, "k").await;
    let later = Clock::from_fn(|| chrono::Utc::now() + lease::LASTS);
    let (one, other) = (
        open_at(folder.path(), &later, "one"),
        open_at(folder.path(), &later, "other"),
    );
    let (one, other) = tokio::join!(one.take_over(16), other.take_over(16));
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 1);
}

#[tokio::test]
async fn a_step_is_recorded_once_though_it_is_said_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), &Clock::system(), "one");
    let saga = place(&store, ADA, "k").await;
    let first = store
        .record(saga.clone(), vec![Fact::StockReserved {}])
        .await;
    assert!(matches!(first.unwrap(), Recorded::Next(_)));
    let again = store
        .record(saga.clone(), vec![Fact::StockReserved {}])
        .await;
    assert_eq!(again.unwrap(), Recorded::Lost);
    assert_eq!(store.events(saga.order.id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn who_leads_a_saga_no_more_records_nothing_even_if_nobody_did_yet() {
    let folder = tempfile::tempdir().unwrap();
    let slept = open_at(folder.path(), &Clock::system(), "slept");
    let saga = place(&slept, ADA, "k").await;
    let later = Clock::from_fn(|| chrono::Utc::now() + lease::LASTS);
    let other = open_at(folder.path(), &later, "other");
    assert_eq!(other.take_over(16).await.unwrap().len(), 1);
    let late = slept
        .record(saga.clone(), vec![Fact::StockReserved {}])
        .await;
    assert_eq!(late.unwrap(), Recorded::Lost);
    let now = other.record(saga, vec![Fact::StockReserved {}]).await;
    assert!(matches!(now.unwrap(), Recorded::Next(_)));
}
