//! The loop over a broker that a test plays, and over the client library's mock cluster.

mod lag;
mod played;
mod traced;

use rusqlite::Connection;

use self::played::{Letters, PATIENCE, Script, Topic};
use super::source::work;
use super::*;
use crate::clock::Clock;
use crate::database::Database;
use crate::inbox::{self, Inbox};
use crate::kafka::Record;

struct Running {
    topic: Topic,
    script: Script,
    letters: Letters,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    consumption: Consumption,
}

fn settings() -> ConsumerSettings {
    ConsumerSettings {
        brokers: String::new(),
        group: "readers".to_owned(),
        client_id: "test".to_owned(),
        topics: vec!["orders".to_owned()],
    }
}

fn start(script: Script, topic: Topic, bugs: &[Bug]) -> Running {
    let (letters, shutdown) = (Letters::default(), CancellationToken::new());
    let bugs = Bugs::only(bugs);
    let consumption = Consumption::new(settings(), script.clone(), letters.clone(), &bugs);
    let task = tokio::spawn({
        let (consumption, topic) = (consumption.clone(), Arc::new(topic.clone()));
        let shutdown = shutdown.clone();
        async move { work(&consumption, topic, &shutdown, PATIENCE).await }
    });
    Running {
        topic,
        script,
        letters,
        shutdown,
        task,
        consumption,
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

fn staying() -> Failure {
    Failure::staying("it stays")
}

fn passing() -> Failure {
    Failure::passing("it passes")
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_until_it_works_and_then_acknowledged() {
    let (script, topic) = (Script::default(), Topic::default());
    script.fail("1", (0..9).map(|_| passing()).collect());
    topic.publish(0, "1");
    topic.publish(0, "2");
    let running = start(script, topic, &[]);
    let topic = running.topic.clone();
    topic
        .until("2 is done", |topic| topic.committed(0) == 2)
        .await;
    assert_eq!(running.script.times("1"), 10);
    assert_eq!(running.script.done(), ["1", "2"]);
    assert!(running.letters.0.lock().unwrap().is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_tried_five_times_then_buried_with_its_reason_and_the_next_goes_on() {
    let (script, topic) = (Script::default(), Topic::default());
    script.fail("1", (0..9).map(|_| staying()).collect());
    script.fail("3", vec![passing(), staying(), passing(), staying()]);
    for payload in ["1", "panic", "3"] {
        topic.publish(0, payload);
    }
    let running = start(script, topic, &[]);
    let topic = running.topic.clone();
    topic
        .until("3 is done", |topic| topic.committed(0) == 3)
        .await;
    assert_eq!(running.script.times("1"), 5);
    assert_eq!(running.script.times("panic"), 5);
    assert_eq!(running.script.done(), ["3"]);
    let letters = running.letters.0.lock().unwrap().clone();
    let expected = [
        ("dead-letter-reason", "it stays"),
        ("dead-letter-topic", "orders"),
        ("dead-letter-partition", "0"),
        ("dead-letter-offset", "0"),
        ("dead-letter-group", "readers"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(letters[0].headers, expected);
    assert_eq!(
        (letters[0].topic.as_str(), letters[0].payload.as_slice()),
        ("dead-letters", &b"1"[..])
    );
    assert_eq!(letters.len(), 2);
    let figures = running.consumption.figures();
    assert_eq!(
        (figures.handled, figures.buried, figures.waiting),
        (1, 2, 0)
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_buried_at_once() {
    let (script, topic) = (Script::default(), Topic::default());
    let unreadable = || Failure::Unreadable(crate::event::Envelope::open(b"[]").unwrap_err());
    script.fail("1", vec![unreadable(), unreadable()]);
    topic.publish(0, "1");
    let running = start(script, topic, &[]);
    let topic = running.topic.clone();
    topic
        .until("1 is done", |topic| topic.committed(0) == 1)
        .await;
    assert_eq!(
        (
            running.script.times("1"),
            running.letters.0.lock().unwrap().len()
        ),
        (1, 1)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_partition_that_is_stuck_holds_up_no_other_and_takes_bounded_memory() {
    let (script, topic) = (Script::default(), Topic::default());
    script.stick("stuck");
    topic.publish(0, "stuck");
    for n in 0..500 {
        topic.publish(0, &format!("behind {n}"));
        topic.publish(1, &format!("free {n}"));
    }
    let running = start(script, topic, &[]);
    let topic = running.topic.clone();
    topic
        .until("the other is through", |topic| topic.committed(1) == 500)
        .await;
    topic
        .until("it is held", |topic| {
            topic.0.state.lock().unwrap().held.contains(&0)
        })
        .await;
    let waiting = running.consumption.figures().waiting;
    assert!(waiting <= lane::HELD_AT as u64 + 1, "{waiting} wait");
    assert_eq!(topic.committed(0), 0);
    running.script.release();
    topic
        .until("it goes on", |topic| topic.committed(0) == 501)
        .await;
    let done = running.script.done();
    let of_zero: Vec<_> = done
        .iter()
        .filter(|done| done.starts_with("behind"))
        .collect();
    let expected: Vec<_> = (0..500).map(|n| format!("behind {n}")).collect();
    assert!(of_zero.into_iter().eq(expected.iter()), "in order");
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_done_unless_that_bug_is_seeded() {
    for (bugs, acknowledged) in [(&[][..], 0), (&[Bug::AckBeforeHandling][..], 1)] {
        let (script, topic) = (Script::default(), Topic::default());
        script.stick("1");
        topic.publish(0, "1");
        let running = start(script, topic, bugs);
        let (topic, seen) = (running.topic.clone(), running.script.clone());
        topic.until("it is in hand", |_| seen.times("1") == 1).await;
        assert_eq!(topic.committed(0), acknowledged);
        running.script.release();
        topic
            .until("it is done", |topic| topic.committed(0) == 1)
            .await;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_stop_finishes_the_record_in_hand_and_leaves_the_others() {
    let (script, topic) = (Script::default(), Topic::default());
    script.stick("1");
    topic.publish(0, "1");
    topic.publish(0, "2");
    let running = start(script, topic, &[]);
    let (topic, script) = (running.topic.clone(), running.script.clone());
    topic
        .until("it is in hand", |_| script.times("1") == 1)
        .await;
    running.shutdown.cancel();
    tokio::task::yield_now().await;
    script.release();
    running.task.await.unwrap();
    assert_eq!(
        (topic.committed(0), script.done()),
        (1, vec!["1".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_what_passes() {
    let (script, topic) = (Script::default(), Topic::default());
    script.fail("1", (0..10_000).map(|_| passing()).collect());
    topic.publish(0, "1");
    let running = start(script, topic, &[]);
    let (topic, script) = (running.topic.clone(), running.script.clone());
    topic.until("it is tried", |_| script.times("1") > 1).await;
    running.stop().await;
    assert_eq!((topic.committed(0), script.done().len()), (0, 0));
}

#[tokio::test]
async fn a_record_that_was_in_hand_when_its_partition_went_is_finished_and_not_acknowledged() {
    let (script, topic) = (Script::default(), Topic::default());
    script.stick("1");
    topic.publish(0, "1");
    topic.publish(0, "2");
    let running = start(script, topic, &[]);
    let (topic, script) = (running.topic.clone(), running.script.clone());
    topic
        .until("it is in hand", |_| script.times("1") == 1)
        .await;
    // The partition goes to another member, and nothing of it comes here any more.
    topic.0.generation.fetch_add(1, Ordering::SeqCst);
    topic.publish(1, "elsewhere");
    topic
        .until("that was noticed", |topic| topic.committed(1) == 1)
        .await;
    script.release();
    topic
        .until("it is finished", |_| {
            script.done().contains(&"1".to_owned())
        })
        .await;
    running.stop().await;
    assert_eq!(topic.committed(0), 0);
    assert_eq!(script.times("2"), 0);
}

/// Counts effects in a database, each in one transaction with its inbox row.
#[derive(Clone)]
struct Effects {
    database: Database,
    inbox: Inbox,
}

#[async_trait]
impl Handle for Effects {
    async fn handle(&self, delivery: &Delivery, _: &TraceContext) -> Result<(), Failure> {
        let (inbox, id) = (
            self.inbox.clone(),
            String::from_utf8(delivery.record.payload.clone()).unwrap(),
        );
        let effect = move |connection: &Connection| {
            if inbox.first_time(connection, &id)? {
                connection.execute("INSERT INTO effect (event) VALUES (?1)", [&id])?;
            }
            Ok(())
        };
        Ok(self.database.write(effect).await?)
    }
}

#[tokio::test]
async fn partitions_that_change_hands_all_the_time_lose_nothing_and_do_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let schema = "CREATE TABLE effect (event TEXT) STRICT;";
    let path = folder.path().join("test.sqlite");
    let database = Database::open(&path, &[inbox::SCHEMA, schema]).unwrap();
    let inbox = Inbox::new(Clock::system(), &Bugs::none());
    let effects = Effects {
        database: database.clone(),
        inbox,
    };
    let topic = Topic::default();
    for n in 0..300 {
        topic.publish(n % 3, &format!("e-{n}"));
    }
    let shutdown = CancellationToken::new();
    let consumption = Consumption::new(settings(), effects, Letters::default(), &Bugs::none());
    let task = tokio::spawn({
        let (source, shutdown) = (Arc::new(topic.clone()), shutdown.clone());
        async move { work(&consumption, source, &shutdown, PATIENCE).await }
    });
    for part in 1..=10 {
        let so_far = part * 10;
        let far = |topic: &Topic| (0..3).map(|p| topic.committed(p)).sum::<i64>() >= so_far;
        topic.until("some more are done", far).await;
        topic.rebalance();
    }
    let all = |topic: &Topic| (0..3).all(|partition| topic.committed(partition) == 100);
    topic.until("all are done", all).await;
    shutdown.cancel();
    task.await.unwrap();
    let count = "SELECT count(*), count(DISTINCT event) FROM effect";
    let counted: (i64, i64) = database
        .read(|connection| connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))))
        .await
        .unwrap();
    assert_eq!(counted, (300, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_protocol_records_are_worked_on_committed_and_not_seen_again() {
    use rdkafka::mocking::MockCluster;
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 3, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let producer = crate::kafka::Producer::new(&brokers, "test").unwrap();
    let settings = ConsumerSettings {
        brokers: brokers.clone(),
        ..settings()
    };
    for round in 0..2 {
        for n in 0..5 {
            let record = Record {
                topic: "orders".to_owned(),
                key: format!("o-{n}"),
                payload: format!("{round}.{n}").into(),
                headers: Vec::new(),
            };
            producer.publish(&record).await.unwrap();
        }
        let (script, shutdown) = (Script::default(), CancellationToken::new());
        let none = Bugs::none();
        let consumption =
            Consumption::new(settings.clone(), script.clone(), Letters::default(), &none);
        let running = tokio::spawn(consumption.run(shutdown.clone(), PATIENCE));
        Topic::default()
            .until("five are done", |_| script.done().len() >= 5)
            .await;
        shutdown.cancel();
        running.await.unwrap().unwrap();
        let mut done = script.done();
        done.sort();
        let expected: Vec<_> = (0..5).map(|n| format!("{round}.{n}")).collect();
        assert_eq!(done, expected);
    }
}
