//! The reader over a real database and a scripted mail server on a real socket.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::json;
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::consume::{Consumption, Outcome};
use shop::dead_letters;
use shop::kafka::{ConsumerSettings, KafkaError, Publish, Record};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::event::tests::placed;

/// Takes mails; answers the end of each with the next line of its script, then with 250.
#[derive(Clone, Default)]
struct Server {
    mails: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Server {
    async fn start(script: &[&'static str]) -> (Self, String) {
        let server = Self::default();
        server.script.lock().unwrap().extend(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        (server, address)
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 test\r\n").await.ok()?;
        let mut line = String::new();
        while stream.read_line(&mut line).await.ok()? > 0 {
            let answer = if line.starts_with("DATA") {
                stream.write_all(b"354 go\r\n").await.ok()?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail).await.ok()?;
                }
                let answer = self.script.lock().unwrap().pop_front().unwrap_or("250 ok");
                if answer.starts_with("250") {
                    self.mails.lock().unwrap().push(mail);
                }
                answer
            } else {
                "250 ok"
            };
            stream
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .ok()?;
            line.clear();
        }
        Some(())
    }

    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

fn reader(folder: &TempDir, address: &str) -> Reader {
    let inbox = Inbox::open(folder.path(), Clock::system()).unwrap();
    let from = "The shop <orders@shop.example>".parse().unwrap();
    Reader::new(inbox, Post::new(address).unwrap(), from)
}

fn delivery(offset: i64, payload: &serde_json::Value) -> Delivery {
    Delivery {
        record: Record {
            topic: "orders".to_owned(),
            key: "o-1".to_owned(),
            payload: payload.to_string().into_bytes(),
            headers: vec![
                ("traceparent".to_owned(), "00-ab-cd-01".to_owned()),
                ("baggage".to_owned(), "msvc=r.s.1, x = y".to_owned()),
            ],
        },
        partition: 0,
        offset,
    }
}

fn order(event: &str, order: &str) -> serde_json::Value {
    placed(event, order, "ann@example.org")
}

/// Keeps the reasons of the dead letters.
#[derive(Clone, Default)]
struct Letters(Arc<Mutex<Vec<String>>>);

#[async_trait::async_trait]
impl Publish for Letters {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        let reason = record.header(dead_letters::REASON).unwrap().to_owned();
        self.0.lock().unwrap().push(reason);
        Ok(())
    }
}

fn consumption(reader: Reader, letters: &Letters) -> Consumption {
    let settings = ConsumerSettings {
        brokers: String::new(),
        group: "notifications".to_owned(),
        client_id: "test".to_owned(),
        topics: Vec::new(),
    };
    Consumption::new(settings, reader, letters.clone(), &Bugs::none())
}

async fn finish(reader: Reader, delivery: &Delivery) -> Option<Outcome> {
    let consumption = consumption(reader, &Letters::default());
    consumption
        .finish(delivery, &CancellationToken::new())
        .await
}

#[tokio::test]
async fn an_event_becomes_one_mail_that_carries_its_trace_however_often_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    let event = delivery(0, &order("e-1", "o-1"));
    for _ in 0..3 {
        let reader = reader(&folder, &address);
        assert_eq!(finish(reader, &event).await, Some(Outcome::Handled));
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    for line in ["traceparent: 00-ab-cd-01", "baggage: msvc=r.s.1, x = y"] {
        assert!(
            mails[0].contains(&format!("\r\n{line}\r\n")),
            "{}",
            mails[0]
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_take_the_mail_now_gets_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&["451 later", "421 busy"]).await;
    let event = delivery(0, &order("e-1", "o-1"));
    let reader = reader(&folder, &address);
    assert_eq!(finish(reader, &event).await, Some(Outcome::Handled));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_sent_before_the_inbox_knew_is_sent_again_under_the_same_message_id() {
    let (server, address) = Server::start(&[]).await;
    let event = delivery(0, &order("e-1", "o-1"));
    for _died_and_lost_its_inbox in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            finish(reader(&folder, &address), &event).await,
            Some(Outcome::Handled)
        );
    }
    let id = "Message-ID: <o-1.confirmation@shop>\r\n";
    assert!(server.mails().iter().all(|mail| mail.contains(id)));
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn what_can_never_be_mailed_becomes_a_dead_letter_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&["554 never"; 5]).await;
    let letters = Letters::default();
    let consumption = consumption(reader(&folder, &address), &letters);
    let never = CancellationToken::new();
    let refused = delivery(0, &order("e-1", "o-1"));
    let unreadable = delivery(1, &json!({"type": "ORDER_PLACED"}));
    let no_address = delivery(2, &placed("e-2", "o-2", "nobody"));
    for event in [&refused, &unreadable, &no_address] {
        let outcome = consumption.finish(event, &never).await;
        assert_eq!(outcome, Some(Outcome::Buried));
    }
    let reasons = letters.0.lock().unwrap().clone();
    assert!(
        reasons[0].contains("554") || reasons[0].contains("never"),
        "{reasons:?}"
    );
    assert!(reasons[1].contains("no event"), "{reasons:?}");
    assert!(reasons[2].contains("address"), "{reasons:?}");
    let next = delivery(3, &order("e-3", "o-3"));
    let outcome = consumption.finish(&next, &never).await;
    assert_eq!(outcome, Some(Outcome::Handled));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn an_event_of_another_type_leads_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    let mut event = order("e-1", "o-1");
    event["type"] = json!("STOCK_CHANGED");
    let outcome = finish(reader(&folder, &address), &delivery(0, &event)).await;
    assert_eq!(outcome, Some(Outcome::Handled));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_mail_server_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let letters = Letters::default();
    let consumption = consumption(reader(&folder, &nobody), &letters);
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let event = delivery(0, &order("e-1", "o-1"));
    assert_eq!(consumption.finish(&event, &shutdown).await, None);
    assert!(letters.0.lock().unwrap().is_empty());
}
