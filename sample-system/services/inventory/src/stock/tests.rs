//! The stock room over a real database, with a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use proptest::prelude::*;
use shop::bugs::Bug;

use super::*;

struct Room {
    room: StockRoom,
    seconds: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

fn open(bugs: &[Bug]) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let seconds = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&seconds);
    let clock = Clock::from_fn(move || {
        DateTime::from_timestamp(1_800_000_000 + told.load(Ordering::Relaxed), 0).unwrap()
    });
    let kept = TimeDelta::minutes(15);
    let bugs = Bugs::only(bugs);
    let room = StockRoom::open(folder.path(), kept, clock, Outbox::new(), &bugs).unwrap();
    Room {
        room,
        seconds,
        _folder: folder,
    }
}

fn lamp() -> Sku {
    Sku::try_from("lamp".to_owned()).unwrap()
}

impl Room {
    async fn with_lamps(bugs: &[Bug], units: u32) -> Self {
        let room = open(bugs);
        let set = room.room.set(None, lamp(), units, TraceContext::default());
        set.await.unwrap();
        room
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn available(&self) -> u32 {
        self.room.available(lamp()).await.unwrap().unwrap()
    }

    async fn reserve(&self, order: &str, quantity: u32) -> Reserved {
        let trace = TraceContext {
            traceparent: Some(format!("of {order}")),
            baggage: None,
        };
        let reserved = self.room.reserve(order.into(), lamp(), quantity, trace);
        reserved.await.unwrap()
    }

    async fn commit(&self, order: &str) -> Closed {
        self.room.commit(order.into()).await.unwrap()
    }

    async fn release(&self, order: &str) -> Closed {
        let released = self.room.release(order.into(), TraceContext::default());
        released.await.unwrap()
    }

    async fn take_back(&self, event: &str, order: &str) {
        let (event, order) = (event.to_owned(), order.to_owned());
        let taken = self.room.take_back(event, order, TraceContext::default());
        taken.await.unwrap();
    }

    async fn moved(&self) -> Vec<(String, i64, i64)> {
        let movements = self.room.movements(0, 1000).await.unwrap();
        let short = movements
            .into_iter()
            .map(|it| (it.reason, it.change, it.available));
        short.collect()
    }

    /// What was told: units that can be sold, and whose work it was.
    async fn told(&self) -> Vec<(i64, Option<String>)> {
        let rows = |connection: &rusqlite::Connection| {
            connection
                .prepare(
                    "SELECT payload -> '$.data.available', traceparent FROM outbox ORDER BY id",
                )?
                .query_map([], |row| {
                    let available: String = row.get(0)?;
                    Ok((available.parse().unwrap(), row.get(1)?))
                })?
                .collect()
        };
        self.room.database.read(rows).await.unwrap()
    }
}

#[tokio::test]
async fn units_that_nobody_pays_for_in_time_come_back_and_cannot_be_committed() {
    let room = Room::with_lamps(&[], 12).await;
    room.reserve("o1", 2).await;
    room.reserve("o2", 3).await;
    room.commit("o2").await;
    room.pass(15 * 60 - 1);
    assert_eq!(room.room.expire().await.unwrap(), 0);
    room.pass(1);
    assert_eq!(room.room.expire().await.unwrap(), 1);
    assert_eq!(room.room.expire().await.unwrap(), 0);
    assert_eq!(room.available().await, 9);
    assert_eq!(room.commit("o1").await, Closed::Conflict);
    assert_eq!(room.reserve("o1", 2).await, Reserved::Refused);
    assert_eq!(room.release("o1").await, Closed::Done);
    assert_eq!(room.available().await, 9);
    let told = room.told().await;
    assert_eq!(told.last(), Some(&(9, Some("of o1".to_owned()))));
}

#[tokio::test]
async fn units_that_cannot_be_shipped_come_back_once_however_often_that_is_told() {
    let room = Room::with_lamps(&[], 12).await;
    room.reserve("o1", 2).await;
    room.commit("o1").await;
    for event in ["e1", "e1", "e2"] {
        room.take_back(event, "o1").await;
        assert_eq!(room.available().await, 12);
    }
    assert_eq!(room.commit("o1").await, Closed::Done);
    let items = room.room.reservations(0, 10).await.unwrap();
    assert_eq!(items[0].status, "returned");
}

#[tokio::test]
async fn each_change_is_one_movement_and_one_event_and_what_changes_nothing_is_neither() {
    let room = Room::with_lamps(&[], 12).await;
    room.room
        .set(None, lamp(), 12, TraceContext::default())
        .await
        .unwrap();
    room.reserve("o1", 2).await;
    room.commit("o1").await;
    room.take_back("e1", "o1").await;
    room.reserve("o2", 5).await;
    room.release("o2").await;
    room.release("o3").await;
    room.room
        .set(None, lamp(), 3, TraceContext::default())
        .await
        .unwrap();
    let moved = room.moved().await;
    let expected = [
        ("set", 12, 12),
        ("reserved", -2, 10),
        ("returned", 2, 12),
        ("reserved", -5, 7),
        ("released", 5, 12),
        ("set", -9, 3),
    ];
    let expected = expected.map(|(reason, change, left)| (reason.to_owned(), change, left));
    assert_eq!(moved, expected);
    let told: Vec<_> = room.told().await.into_iter().map(|it| it.0).collect();
    assert_eq!(told, [12, 10, 12, 7, 12, 3]);
}

#[tokio::test]
async fn with_a_bug_seeded_units_are_lost_or_come_back_twice() {
    let room = Room::with_lamps(&[Bug::LostRelease], 12).await;
    room.reserve("o1", 2).await;
    assert_eq!(room.release("o1").await, Closed::Done);
    assert_eq!(room.available().await, 10);

    let room = Room::with_lamps(&[Bug::NoDedup], 12).await;
    room.reserve("o1", 2).await;
    room.commit("o1").await;
    room.take_back("e1", "o1").await;
    room.take_back("e1", "o1").await;
    assert_eq!(room.available().await, 14);
}

/// What can be asked of the stock room, by anyone, in any order.
#[derive(Debug, Clone)]
enum Asked {
    Reserve(u8, u32),
    Commit(u8),
    Release(u8),
    TakeBack(u8, u8),
    Pass(i64),
}

fn asked() -> impl Strategy<Value = Asked> {
    let order = 0..4_u8;
    prop_oneof![
        (order.clone(), 1..8_u32).prop_map(|(order, units)| Asked::Reserve(order, units)),
        order.clone().prop_map(Asked::Commit),
        order.clone().prop_map(Asked::Release),
        (0..6_u8, order).prop_map(|(event, order)| Asked::TakeBack(event, order)),
        (1..600_i64).prop_map(Asked::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever comes in whatever order and however often: no unit is there twice, none is lost.
    #[test]
    fn units_are_for_sale_held_or_gone_and_nothing_else(all in proptest::collection::vec(asked(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let room = Room::with_lamps(&[], 12).await;
            for one in all {
                match one {
                    Asked::Reserve(order, units) => drop(room.reserve(&format!("o{order}"), units).await),
                    Asked::Commit(order) => drop(room.commit(&format!("o{order}")).await),
                    Asked::Release(order) => drop(room.release(&format!("o{order}")).await),
                    Asked::TakeBack(event, order) => {
                        room.take_back(&format!("e{event}"), &format!("o{order}")).await;
                    }
                    Asked::Pass(seconds) => {
                        room.pass(seconds);
                        room.room.expire().await.unwrap();
                    }
                }
            }
            let available = i64::from(room.available().await);
            let mut of_status = BTreeMap::<String, i64>::new();
            for held in room.room.reservations(0, 1000).await.unwrap() {
                *of_status.entry(held.status).or_default() += held.quantity;
            }
            let of = |status: &str| of_status.get(status).copied().unwrap_or_default();
            assert_eq!(available + of("reserved") + of("committed"), 12);
            let moved = room.moved().await;
            assert!(moved.iter().all(|(_, _, left)| *left >= 0));
            assert_eq!(moved.iter().map(|(_, change, _)| change).sum::<i64>(), available);
        });
    }
}

#[tokio::test]
async fn units_come_back_to_a_level_near_the_largest_number_and_every_unit_counts() {
    let room = Room::with_lamps(&[], 12).await;
    room.reserve("o1", 5).await;
    let most = room
        .room
        .set(None, lamp(), u32::MAX, TraceContext::default());
    most.await.unwrap();
    assert_eq!(room.release("o1").await, Closed::Done);
    assert_eq!(
        room.available().await,
        u32::MAX,
        "as far as others can be told"
    );
    let level = i64::from(u32::MAX) + 5;
    let back = ("released".to_owned(), 5, level);
    assert_eq!(room.moved().await.last(), Some(&back));
    room.reserve("o2", 6).await;
    assert_eq!(room.available().await, u32::MAX - 1);
}

#[tokio::test]
async fn a_reservation_that_cannot_be_given_back_stops_the_end_of_no_other() {
    let room = Room::with_lamps(&[], 12).await;
    for order in ["o1", "o2", "o3"] {
        room.reserve(order, 2).await;
    }
    let poison = |connection: &rusqlite::Connection| {
        connection.execute_batch(
            "CREATE TRIGGER poison BEFORE UPDATE ON reservation WHEN OLD.order_id = 'o1'
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
        )
    };
    room.room.database.write(poison).await.unwrap();
    room.pass(15 * 60);
    assert_eq!(room.room.expire().await.unwrap(), 2);
    assert_eq!(room.available().await, 10);
    let heal = |connection: &rusqlite::Connection| connection.execute_batch("DROP TRIGGER poison");
    room.room.database.write(heal).await.unwrap();
    assert_eq!(room.room.expire().await.unwrap(), 1);
    assert_eq!(room.available().await, 12);
}
