//! The relay over a real database, with a publisher that a test can break.

use std::collections::HashSet;
use std::sync::Mutex;

use async_trait::async_trait;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::relay::{ROWS_AT_ONCE, unsent};
use super::*;
use crate::kafka::KafkaError;
use crate::lease::Holder;

const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";

/// Remembers what it was given; refuses the payloads that it was told to.
#[derive(Clone, Default)]
struct Topic {
    records: Arc<Mutex<Vec<Record>>>,
    refused: Arc<Mutex<HashSet<String>>>,
    heard: Arc<Notify>,
}

#[async_trait]
impl Publish for Topic {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        let payload = String::from_utf8(record.payload.clone()).unwrap();
        let refused = self.refused.lock().unwrap().contains(&payload);
        let result = if refused {
            Err(KafkaError::Publish {
                topic: record.topic.clone(),
                key: record.key.clone(),
                source: Box::new(ClientError::MessageProduction(
                    RDKafkaErrorCode::BrokerTransportFailure,
                )),
            })
        } else {
            self.records.lock().unwrap().push(record.clone());
            Ok(())
        };
        self.heard.notify_one();
        result
    }
}

impl Topic {
    fn payloads(&self) -> Vec<String> {
        let records = self.records.lock().unwrap();
        records
            .iter()
            .map(|record| String::from_utf8(record.payload.clone()).unwrap())
            .collect()
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let reached = async {
            while !condition(self) {
                self.heard.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached)
            .await
            .expect("the relay published what was expected");
    }
}

fn open(folder: &TempDir) -> Database {
    let schemas = [SCHEMA, crate::lease::SCHEMA];
    Database::open(&folder.path().join("test.sqlite"), &schemas).unwrap()
}

fn message(key: &str, payload: &str) -> Message {
    Message {
        topic: "orders".to_owned(),
        key: key.to_owned(),
        payload: payload.to_owned(),
        trace: TraceContext::default(),
    }
}

async fn put(database: &Database, messages: Vec<Message>) {
    database
        .write(move |connection| {
            messages
                .iter()
                .try_for_each(|message| Outbox::new().add(connection, message, LONG_AGO))
        })
        .await
        .unwrap();
}

fn relay(database: &Database, topic: &Topic) -> Relay<Topic> {
    relay_of(&Outbox::new(), database, topic)
}

fn relay_of(outbox: &Outbox, database: &Database, topic: &Topic) -> Relay<Topic> {
    Relay::new(
        database.clone(),
        topic.clone(),
        Clock::system(),
        outbox,
        Holder::fresh(),
    )
}

async fn unsent_payloads(database: &Database) -> Vec<String> {
    let rows = database.read(unsent).await.unwrap();
    rows.into_iter().map(|row| row.message.payload).collect()
}

#[tokio::test]
async fn rows_of_one_key_go_out_in_the_order_in_which_they_were_written_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let rows = (0..10).map(|n| message("o-1", &n.to_string())).collect();
    put(&database, rows).await;
    let relay = relay(&database, &topic);
    let round = relay.round().await.unwrap();
    assert_eq!(round.sent, 10);
    assert_eq!(relay.round().await.unwrap().sent, 0);
    let expected: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(topic.payloads(), expected);
}

#[tokio::test]
async fn a_row_that_cannot_be_sent_holds_back_its_own_key_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let rows = [("stuck", "1"), ("free", "2"), ("stuck", "3"), ("free", "4")];
    let rows = rows.map(|(key, payload)| message(key, payload));
    put(&database, rows.to_vec()).await;
    topic.refused.lock().unwrap().insert("1".to_owned());
    let relay = relay(&database, &topic);
    let round = relay.round().await.unwrap();
    assert_eq!((round.sent, round.failed), (2, true));
    assert_eq!(topic.payloads(), ["2", "4"]);
    topic.refused.lock().unwrap().clear();
    relay.round().await.unwrap();
    assert_eq!(topic.payloads(), ["2", "4", "1", "3"]);
}

#[tokio::test]
async fn a_record_carries_the_trace_of_the_row_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let trace = TraceContext {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        baggage: Some("msvc=run1.s2.e3, other = %20x ;property".to_owned()),
    };
    let with_trace = Message {
        trace: trace.clone(),
        ..message("o-1", "{}")
    };
    put(&database, vec![with_trace]).await;
    relay(&database, &topic).round().await.unwrap();
    let record = topic.records.lock().unwrap().pop().unwrap();
    let pairs = record.headers.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    assert_eq!(TraceContext::from_pairs(pairs), trace);
}

#[tokio::test]
async fn an_event_whose_transaction_failed_is_never_published() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let failed = database.write(|connection| {
        Outbox::new().add(connection, &message("o-1", "{}"), "now")?;
        connection.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    assert!(failed.await.is_err());
    assert_eq!(relay(&database, &topic).round().await.unwrap().sent, 0);
}

#[tokio::test]
async fn a_running_relay_sends_what_a_dead_one_left_and_what_it_is_woken_for() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    put(&database, vec![message("o-1", "left")]).await;
    let outbox = Outbox::new();
    let relay = relay_of(&outbox, &database, &topic);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(relay.run(shutdown.clone()));
    topic.until(|topic| topic.payloads() == ["left"]).await;
    put(&database, vec![message("o-1", "new")]).await;
    outbox.wake();
    topic
        .until(|topic| topic.payloads() == ["left", "new"])
        .await;
    shutdown.cancel();
    running.await.unwrap();
    assert!(unsent_payloads(&database).await.is_empty());
}

#[tokio::test]
async fn a_running_relay_gets_over_a_broker_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    topic.refused.lock().unwrap().insert("1".to_owned());
    put(&database, vec![message("o-1", "1")]).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(relay(&database, &topic).run(shutdown.clone()));
    topic.heard.notified().await;
    assert_eq!(unsent_payloads(&database).await, ["1"]);
    topic.refused.lock().unwrap().clear();
    topic.until(|topic| topic.payloads() == ["1"]).await;
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_stuck_key_with_many_rows_does_not_starve_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    topic.refused.lock().unwrap().insert("x".to_owned());
    let many = ROWS_AT_ONCE as usize + 1;
    let mut rows = vec![message("stuck", "x"); many];
    rows.push(message("free", "through"));
    put(&database, rows).await;
    relay(&database, &topic).round().await.unwrap();
    assert_eq!(topic.payloads(), ["through"]);
}

#[tokio::test]
async fn of_two_relays_on_one_file_one_works_and_the_other_takes_over_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let topic = Topic::default();
    // As two processes would, each with its own connections.
    let (one, other) = (open(&folder), open(&folder));
    let (stop_one, stop_other) = (CancellationToken::new(), CancellationToken::new());
    let first = tokio::spawn(relay(&one, &topic).run(stop_one.clone()));
    put(&other, vec![message("o-1", "1")]).await;
    topic.until(|topic| topic.payloads() == ["1"]).await;
    let second = tokio::spawn(relay(&other, &topic).run(stop_other.clone()));
    for n in 2..=20 {
        put(&one, vec![message("o-1", &n.to_string())]).await;
    }
    topic.until(|topic| topic.payloads().len() == 20).await;
    stop_one.cancel();
    first.await.unwrap();
    put(&one, vec![message("o-1", "21")]).await;
    topic.until(|topic| topic.payloads().len() == 21).await;
    stop_other.cancel();
    second.await.unwrap();
    let expected: Vec<_> = (1..=21).map(|n: i32| n.to_string()).collect();
    assert_eq!(topic.payloads(), expected);
}

#[tokio::test]
async fn rows_are_deleted_a_day_after_they_were_sent_and_never_before_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let rows = [("a", "1"), ("stuck", "2"), ("b", "3")];
    put(
        &database,
        rows.map(|(key, text)| message(key, text)).to_vec(),
    )
    .await;
    topic.refused.lock().unwrap().insert("2".to_owned());
    relay(&database, &topic).round().await.unwrap();
    let now = Utc::now();
    let pruned = |now| database.write(move |connection| prune(connection, now));
    assert_eq!(
        pruned(now + SENT_KEPT - TimeDelta::minutes(1))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        pruned(now + SENT_KEPT + TimeDelta::minutes(1))
            .await
            .unwrap(),
        2
    );
    assert_eq!(unsent_payloads(&database).await, ["2"]);
}

#[tokio::test]
async fn the_figures_tell_how_much_waits_and_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let clock = Clock::from_fn(|| {
        let later = DateTime::parse_from_rfc3339(LONG_AGO).unwrap();
        later.with_timezone(&Utc) + TimeDelta::seconds(90)
    });
    assert_eq!(
        figures(&database, &clock).await.unwrap(),
        Figures::default()
    );
    put(&database, vec![message("a", "1"), message("b", "2")]).await;
    let waiting = figures(&database, &clock).await.unwrap();
    assert_eq!((waiting.unsent, waiting.oldest.as_secs()), (2, 90));
    relay(&database, &topic).round().await.unwrap();
    assert_eq!(
        figures(&database, &clock).await.unwrap(),
        Figures::default()
    );
}

#[tokio::test]
async fn with_the_bug_seeded_an_event_is_out_though_its_change_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (database, topic) = (open(&folder), Topic::default());
    let bugs = Bugs::only(&[Bug::PublishBeforeCommit]);
    let outbox = Outbox::seeded(&bugs, topic.clone());
    let failed = database.write(move |connection| {
        outbox.add(connection, &message("o-1", "early"), "now")?;
        connection.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    assert!(failed.await.is_err());
    topic.until(|topic| topic.payloads() == ["early"]).await;
    assert!(unsent_payloads(&database).await.is_empty());
}

/// A broker that never answers.
struct Away;

#[async_trait]
impl Publish for Away {
    async fn publish(&self, _: &Record) -> Result<(), KafkaError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_broker_that_is_away_does_not_hold_up_a_stop_and_the_events_stay() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    put(&database, vec![message("o-1", "waits")]).await;
    let (outbox, holder) = (Outbox::new(), Holder::fresh());
    let relay = Relay::new(database.clone(), Away, Clock::system(), &outbox, holder);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(relay.run(shutdown.clone()));
    tokio::task::yield_now().await;
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(30), running).await;
    ended.expect("the relay ends").unwrap();
    assert_eq!(unsent_payloads(&database).await, ["waits"]);
}
