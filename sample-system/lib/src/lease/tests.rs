//! Leases of two holders over one real database file, and a clock that a test moves.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use tempfile::TempDir;

use super::*;

/// A clock that a test moves.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_000_000)))
    }

    fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::from_fn(move || {
            DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap()
        })
    }

    fn forward(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::SeqCst);
    }
}

fn open(folder: &TempDir) -> Database {
    Database::open(&folder.path().join("test.sqlite"), &[SCHEMA]).unwrap()
}

/// Two processes over one file, as their handles see it.
fn two(folder: &TempDir, hands: &Hands) -> (Lease, Lease) {
    let lease = |name| Lease::new(open(folder), hands.clock(), Holder::named(name), "work");
    (lease("one"), lease("other"))
}

#[tokio::test]
async fn of_two_processes_one_has_the_lease_until_it_gives_it_back() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let (one, other) = two(&folder, &hands);
    assert!(one.claim().await.unwrap() && one.claim().await.unwrap());
    assert!(!other.claim().await.unwrap() && !other.renew().await.unwrap());
    other.give_back().await.unwrap();
    assert!(!other.claim().await.unwrap());
    one.give_back().await.unwrap();
    assert!(other.claim().await.unwrap());
}

#[tokio::test]
async fn a_holder_gives_back_all_that_it_has_and_a_lease_whose_work_is_none_is_nobodys() {
    let (folder, now) = (tempfile::tempdir().unwrap(), 1_000_000);
    let (one, other) = (Holder::named("one"), Holder::named("other"));
    let freed = move |connection: &Connection| {
        for (name, holder) in [("a", &one), ("b", &one), ("c", &other), ("d", &other)] {
            claim(connection, name, holder, now, LASTS)?;
        }
        give_back_all(connection, &one)?;
        end(connection, "d")?;
        let third = Holder::named("third");
        ["a", "b", "c", "d"]
            .into_iter()
            .map(|name| claim(connection, name, &third, now, LASTS))
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    let freed = open(&folder).write(freed).await.unwrap();
    assert_eq!(freed, [true, true, false, true]);
}

#[tokio::test]
async fn the_lease_of_one_that_died_is_free_at_its_end_and_lost_to_it_then() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let (one, other) = two(&folder, &hands);
    assert!(one.claim().await.unwrap());
    hands.forward(LASTS - Duration::from_millis(1));
    assert!(!other.claim().await.unwrap());
    assert!(one.renew().await.unwrap());
    hands.forward(LASTS);
    assert!(other.claim().await.unwrap());
    assert!(!one.renew().await.unwrap() && !one.claim().await.unwrap());
}

#[tokio::test]
async fn a_lease_that_a_wrong_clock_wrote_far_ahead_is_free() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let (one, other) = two(&folder, &hands);
    let before = hands.0.load(Ordering::SeqCst);
    hands.forward(Duration::from_secs(86_400));
    assert!(one.claim().await.unwrap());
    hands.0.store(before, Ordering::SeqCst);
    assert!(other.claim().await.unwrap());
}

#[tokio::test]
async fn all_leases_of_a_holder_are_renewed_at_once_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let renewed = open(&folder)
        .write(|connection| {
            let (one, other) = (Holder::named("one"), Holder::named("other"));
            for name in ["a", "b"] {
                claim(connection, name, &one, 0, LASTS)?;
            }
            claim(connection, "c", &other, 0, LASTS)?;
            let renewed = renew_all(connection, &one, 4_000, LASTS)?;
            assert!(!claim(connection, "a", &other, 8_000, LASTS)?);
            assert!(claim(connection, "c", &one, 8_000, LASTS)?);
            assert!(is_held(connection, "a", &one)? && !is_held(connection, "a", &other)?);
            Ok(renewed)
        })
        .await
        .unwrap();
    assert_eq!(renewed, 2);
}

/// Notes how many do the work at once.
#[derive(Clone, Default)]
struct Work {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<Mutex<Vec<&'static str>>>,
    noted: Arc<tokio::sync::Notify>,
}

struct Inside(Work);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Work {
    async fn done_by(self, name: &'static str, shutdown: CancellationToken) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        let inside = Inside(self);
        let work = &inside.0;
        work.most.fetch_max(now, Ordering::SeqCst);
        work.begun.lock().unwrap().push(name);
        work.noted.notify_waiters();
        shutdown.cancelled().await;
    }

    async fn until(&self, begun: &[&str]) {
        let reached = async {
            loop {
                let noted = self.noted.notified();
                if *self.begun.lock().unwrap() == begun {
                    return;
                }
                let _again = tokio::time::timeout(Duration::from_millis(50), noted).await;
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, reached).await.unwrap();
    }
}

#[tokio::test]
async fn the_work_goes_from_one_that_stops_to_another_that_waits() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let (one, other) = two(&folder, &hands);
    let work = Work::default();
    let (stop_one, stop_other) = (CancellationToken::new(), CancellationToken::new());
    let run = |lease: Lease, name, stop: CancellationToken| {
        let work = work.clone();
        tokio::spawn(async move {
            let work = |shutdown| work.clone().done_by(name, shutdown);
            lease.while_held(&stop, work).await;
        })
    };
    let first = run(one, "one", stop_one.clone());
    work.until(&["one"]).await;
    let second = run(other, "other", stop_other.clone());
    stop_one.cancel();
    first.await.unwrap();
    work.until(&["one", "other"]).await;
    stop_other.cancel();
    second.await.unwrap();
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_work_of_one_that_lost_its_lease_is_dropped() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let (one, other) = two(&folder, &hands);
    let (work, stop) = (Work::default(), CancellationToken::new());
    let running = tokio::spawn({
        let (work, stop) = (work.clone(), stop.clone());
        async move {
            let work = |shutdown| work.clone().done_by("one", shutdown);
            one.while_held(&stop, work).await;
        }
    });
    work.until(&["one"]).await;
    let dropped = async {
        // It slept, as far as the other can see, who comes before it wakes. Where it was faster
        // and renewed, it slept once more.
        loop {
            hands.forward(LASTS);
            if other.claim().await.unwrap() {
                break;
            }
        }
        while work.now.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dropped)
        .await
        .unwrap();
    stop.cancel();
    running.await.unwrap();
    assert!(other.renew().await.unwrap());
}
