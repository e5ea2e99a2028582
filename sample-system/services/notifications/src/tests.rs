//! Events in, mails out: over a real database and a scripted mail server on a real socket.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use serde_json::{Value, json};
use shop::bugs::Bugs;
use shop::consume::{Failure, Handle as _};
use shop::kafka::{Delivery, Publish, Record};
use shop::trace_context::TraceContext;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::event::tests::{account, cancelled, placed, shipped};

mod strangers;

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

/// Keeps the dead letters.
#[derive(Clone, Default)]
struct Letters(Arc<Mutex<Vec<Record>>>);

#[async_trait]
impl Publish for Letters {
    async fn publish(&self, record: &Record) -> Result<(), KafkaError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

/// The service without its topics.
struct Service {
    desk: Desk,
    letters: Letters,
    shutdown: CancellationToken,
    sending: JoinHandle<()>,
}

impl Service {
    fn start(folder: &TempDir, address: &str) -> Self {
        let desk = Desk::open(folder.path(), Clock::system(), &Bugs::none()).unwrap();
        let from: Mailbox = "The shop <orders@shop.example>".parse().unwrap();
        let (letters, shutdown) = (Letters::default(), CancellationToken::new());
        let post = Post::new(address).unwrap();
        let figures = Metrics::new().resource("mails");
        let sender = Sender::new(&desk, post, from, letters.clone(), figures);
        let sending = tokio::spawn(sender.run(shutdown.clone()));
        Self {
            desk,
            letters,
            shutdown,
            sending,
        }
    }

    async fn takes(&self, event: &Value) -> Result<(), Failure> {
        let delivery = delivery(event);
        let headers = &delivery.record.headers;
        let trace = TraceContext::from_pairs(headers.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        self.desk.handle(&delivery, &trace).await
    }

    /// Waits until no mail waits that could leave.
    async fn has_sent_all(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while self
            .desk
            .database
            .read(outgoing::next_due)
            .await
            .unwrap()
            .is_some()
        {
            assert!(tokio::time::Instant::now() < deadline, "mails do not leave");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.sending.await.unwrap();
    }
}

fn delivery(event: &Value) -> Delivery {
    Delivery {
        record: Record {
            topic: "orders".to_owned(),
            key: "o-1".to_owned(),
            payload: event.to_string().into_bytes(),
            headers: vec![
                (
                    "traceparent".to_owned(),
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
                ),
                ("baggage".to_owned(), "msvc=r.s.1, x = y".to_owned()),
            ],
        },
        partition: 0,
        offset: 7,
    }
}

fn ann() -> Value {
    account("e-ann", "a-1", "ann@example.org", 1)
}

/// A service that has tried to send the mail of one order, to a server that answers as `script` says;
/// and the order's event.
async fn after_an_order(script: &[&'static str]) -> (TempDir, Server, Service, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(script).await;
    let service = Service::start(&folder, &address);
    let event = placed("e-1", "o-1", "a-1");
    service.takes(&ann()).await.unwrap();
    service.takes(&event).await.unwrap();
    service.has_sent_all().await;
    (folder, server, service, event)
}

#[tokio::test]
async fn an_event_becomes_one_mail_that_carries_its_trace_however_often_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    for _start in 0..2 {
        let service = Service::start(&folder, &address);
        for _repeat in 0..2 {
            service.takes(&ann()).await.unwrap();
            service.takes(&placed("e-1", "o-1", "a-1")).await.unwrap();
            service.has_sent_all().await;
        }
        service.stop().await;
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    for line in [
        "To: ann@example.org",
        "Message-ID: <o-1.confirmation@shop>",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "baggage: msvc=r.s.1, x = y",
    ] {
        assert!(
            mails[0].contains(&format!("\r\n{line}\r\n")),
            "{}",
            mails[0]
        );
    }
}

#[tokio::test]
async fn an_order_whose_address_has_not_come_waits_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    let service = Service::start(&folder, &address);
    service.takes(&placed("e-1", "o-1", "a-2")).await.unwrap();
    service.takes(&placed("e-2", "o-2", "a-1")).await.unwrap();
    service.takes(&ann()).await.unwrap();
    service.has_sent_all().await;
    assert_eq!(server.mails().len(), 1);
    let bob = account("e-bob", "a-2", "bob@example.org", 1);
    service.takes(&bob).await.unwrap();
    service.has_sent_all().await;
    assert!(server.mails()[1].contains("To: bob@example.org"));
    service.stop().await;
}

#[tokio::test]
async fn the_mails_of_an_order_leave_in_the_order_of_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&["451 later"]).await;
    let service = Service::start(&folder, &address);
    service.takes(&placed("e-1", "o-1", "a-1")).await.unwrap();
    service.takes(&shipped("e-2", "o-1", "a-1")).await.unwrap();
    service
        .takes(&cancelled("e-3", "o-1", "a-1", "shipment_failed"))
        .await
        .unwrap();
    service.takes(&ann()).await.unwrap();
    service.has_sent_all().await;
    let kinds: Vec<_> = server
        .mails()
        .iter()
        .filter_map(|mail| {
            mail.lines()
                .find_map(|line| line.strip_prefix("X-Shop-Kind: ").map(str::to_owned))
        })
        .collect();
    assert_eq!(kinds, ["confirmation", "shipment", "cancellation"]);
    service.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_take_the_mail_now_gets_it_later() {
    let (_folder, server, service, _) = after_an_order(&["451 later", "421 busy"]).await;
    assert_eq!(server.mails().len(), 1);
    assert!(service.letters.0.lock().unwrap().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_a_dead_letter_and_leaves_once_its_event_is_given_back()
{
    let (_folder, server, service, event) = after_an_order(&["554 never"]).await;
    let letters = service.letters.0.lock().unwrap().clone();
    assert_eq!(letters.len(), 1);
    let header = |name| letters[0].header(name).unwrap().to_owned();
    assert!(
        header(dead_letters::REASON).contains("for good"),
        "{letters:?}"
    );
    assert_eq!(header(dead_letters::OF_OFFSET), "7");
    assert_eq!(
        header("traceparent"),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert_eq!(letters[0].payload, event.to_string().into_bytes());
    assert!(server.mails().is_empty());

    service.takes(&event).await.unwrap();
    service.has_sent_all().await;
    assert_eq!(server.mails().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn a_refused_mail_leaves_also_where_its_event_is_given_back_after_it_was_forgotten() {
    let (_folder, server, service, event) = after_an_order(&["554 never"]).await;
    let later = chrono::Utc::now() + chrono::TimeDelta::days(8);
    let forget = move |connection: &rusqlite::Connection| shop::inbox::prune(connection, later);
    assert_eq!(service.desk.database.write(forget).await.unwrap(), 2);
    service.takes(&event).await.unwrap();
    service.has_sent_all().await;
    assert_eq!(server.mails().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_with_its_reason_and_one_of_another_type_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    let service = Service::start(&folder, &address);
    let unreadable = service.takes(&json!({"type": "ORDER_PLACED"})).await;
    assert!(matches!(unreadable, Err(Failure::Unreadable(_))));
    let mut other = placed("e-1", "o-1", "a-1");
    other["type"] = json!("STOCK_CHANGED");
    service.takes(&other).await.unwrap();
    service.has_sent_all().await;
    assert!(server.mails().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_mail_server_that_is_away_and_the_mail_leaves_after_the_next_start()
 {
    let folder = tempfile::tempdir().unwrap();
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let service = Service::start(&folder, &nobody);
    service.takes(&ann()).await.unwrap();
    service.takes(&placed("e-1", "o-1", "a-1")).await.unwrap();
    service.stop().await;
    let (server, address) = Server::start(&[]).await;
    let service = Service::start(&folder, &address);
    service.has_sent_all().await;
    assert_eq!(server.mails().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn three_copies_over_one_file_send_each_mail_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = Server::start(&[]).await;
    let copies = [0, 1, 2].map(|_| Service::start(&folder, &address));
    copies[0].takes(&ann()).await.unwrap();
    for number in 0..30 {
        let event = placed(&format!("e-{number}"), &format!("o-{number}"), "a-1");
        copies[number % 3].takes(&event).await.unwrap();
    }
    copies[0].has_sent_all().await;
    assert_eq!(server.mails().len(), 30);
    for copy in copies {
        copy.stop().await;
    }
}
