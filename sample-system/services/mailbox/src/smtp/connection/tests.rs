//! The mailbox over real sockets: spoken to line by line, and by the client that the shop uses.

use std::net::SocketAddr;

use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport as _, Message, Tokio1Executor};
use serde_json::Value;
use shop::clock::Clock;
use shop::metrics::Metrics;
use shop::serve::{self, Readiness};
use shop::token::{Keys, Role, SEED, Signer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{routes, smtp};

mod strangers;

const GRACE: Duration = Duration::from_secs(20);

struct Running {
    smtp: SocketAddr,
    http: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
}

async fn start(folder: &TempDir) -> Running {
    let smtp = serve::listen("127.0.0.1:0").await.unwrap();
    start_at(smtp, folder, CancellationToken::new()).await
}

async fn start_at(smtp: TcpListener, folder: &TempDir, shutdown: CancellationToken) -> Running {
    shop::entry::install_tls();
    let mails = Mails::open(folder.path()).unwrap();
    let http = serve::listen("127.0.0.1:0").await.unwrap();
    let addresses = (smtp.local_addr().unwrap(), http.local_addr().unwrap());
    let token = shutdown.clone();
    let served = tokio::spawn(async move {
        let keys = Keys::of([&signer()], Clock::system());
        let routes = routes::routes(mails.clone(), keys);
        let figures = Metrics::new().resource("smtp");
        let (http, smtp) = tokio::join!(
            serve::http(http, routes, Readiness::new(), token.clone(), GRACE),
            smtp::serve(smtp, mails, figures, token, GRACE),
        );
        http.unwrap();
        smtp.unwrap();
    });
    Running {
        smtp: addresses.0,
        http: addresses.1,
        shutdown,
        served,
    }
}

fn signer() -> Signer {
    Signer::from_seed(&[7; SEED]).unwrap()
}

impl Running {
    /// What is answered to somebody of that role.
    async fn asked(&self, path: &str, role: Option<Role>) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(format!("http://{}{path}", self.http));
        if let Some(role) = role {
            let now = Clock::system().now().timestamp();
            request = request.bearer_auth(signer().token(Uuid::nil(), role, now, 60).unwrap());
        }
        request.send().await.unwrap()
    }

    async fn mails(&self, to: &str) -> Vec<Value> {
        let path = format!("/mails?to={to}");
        let answer = self.asked(&path, Some(Role::Operator)).await;
        answer.json().await.unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.served.await.unwrap();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self::at(TcpStream::connect(address).await.unwrap()).await
    }

    /// Once it is greeted.
    async fn at(stream: TcpStream) -> Self {
        let mut client = Self(BufReader::new(stream));
        assert_eq!(client.code().await, "220");
        client
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// The code of the next answer, whose last line has a space after it.
    async fn code(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = timeout(GRACE, self.0.read_line(&mut line)).await;
            read.expect("the mailbox answers").unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.chars().take(3).collect();
            }
        }
    }

    async fn says(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.code().await
    }

    async fn envelope(&mut self, to: &str) {
        assert_eq!(self.says("EHLO test").await, "250");
        assert_eq!(self.says("MAIL FROM:<shop@example.org>").await, "250");
        assert_eq!(self.says(&format!("RCPT TO:<{to}>")).await, "250");
        assert_eq!(self.says("DATA").await, "354");
    }
}

fn message(id: &str, to: &str, body: &str) -> Message {
    Message::builder()
        .from("Shop <shop@example.org>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Your order")
        .message_id(Some(id.to_owned()))
        .header(ContentType::TEXT_PLAIN)
        .body(body.to_owned())
        .unwrap()
}

async fn send(address: SocketAddr, message: Message) {
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .build()
        .send(message)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_mail_is_read_back_over_http_and_its_repeat_only_counted() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    for _ in 0..3 {
        send(
            running.smtp,
            message("<o-1.placed@shop>", "ann@example.org", "hi"),
        )
        .await;
    }
    send(
        running.smtp,
        message("<o-2.placed@shop>", "bob@example.org", "hi"),
    )
    .await;
    let mails = running.mails("ann@example.org").await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0]["message_id"], "<o-1.placed@shop>");
    assert_eq!(mails[0]["subject"], "Your order");
    assert_eq!(mails[0]["repeats"], 2);
    assert!(running.mails("eve@example.org").await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_mail_that_was_answered_survives_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    send(running.smtp, message("<1@shop>", "ann@example.org", "hi")).await;
    running.stop().await;
    let running = start(&folder).await;
    assert_eq!(running.mails("ann@example.org").await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn dots_at_the_beginning_of_a_line_are_unstuffed_and_commands_may_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = Client::connect(running.smtp).await;
    client
        .write(
            b"EHLO test\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n\
              ..Subject: dot\r\nSubject: real\r\nX-Shop-Kind: a\r\n .b\r\n\r\n...\r\n.\r\nQUIT\r\n",
        )
        .await;
    for code in ["250", "250", "250", "354", "250", "221"] {
        assert_eq!(client.code().await, code);
    }
    let mails = running.mails("ann@example.org").await;
    assert_eq!(mails[0]["subject"], "real");
    assert_eq!(mails[0]["kind"], "a .b");
    running.stop().await;
}

#[tokio::test]
async fn a_mail_of_one_dot_is_empty_and_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = Client::connect(running.smtp).await;
    client.envelope("ann@example.org").await;
    assert_eq!(client.says(".").await, "250");
    assert_eq!(running.mails("ann@example.org").await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_mail_above_the_limit_is_refused_and_the_dialogue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = Client::connect(running.smtp).await;
    client.envelope("ann@example.org").await;
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    for _ in 0..=MAIL_LIMIT / line.len() + 10 {
        client.write(&line).await;
    }
    assert_eq!(client.says(".").await, "552");
    client.envelope("ann@example.org").await;
    assert_eq!(client.says("Subject: small\r\n\r\n.").await, "250");
    let mails = running.mails("ann@example.org").await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["subject"], "small");
    running.stop().await;
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = Client::connect(running.smtp).await;
    client.write(&vec![b'x'; LINE_LIMIT as usize]).await;
    assert_eq!(client.code().await, "500");
    assert_eq!(client.code().await, "", "the connection is closed");
    running.stop().await;
}

#[tokio::test]
async fn a_half_mail_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut client = Client::connect(running.smtp).await;
    client.envelope("ann@example.org").await;
    client.write(b"Subject: half\r\n").await;
    drop(client);
    running.shutdown.cancel();
    running.served.await.unwrap();
    let running = start(&folder).await;
    assert!(running.mails("ann@example.org").await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_the_mails_under_way_and_sends_idle_clients_home() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    let mut idle = Client::connect(running.smtp).await;
    let mut named = Client::connect(running.smtp).await;
    assert_eq!(named.says("EHLO test").await, "250");
    assert_eq!(named.says("MAIL FROM:<shop@example.org>").await, "250");
    let mut busy = Client::connect(running.smtp).await;
    busy.envelope("ann@example.org").await;
    busy.write(b"Subject: busy\r\n").await;
    running.shutdown.cancel();
    assert_eq!(idle.code().await, "421");
    assert_eq!(named.says("RCPT TO:<ann@example.org>").await, "250");
    assert_eq!(named.says("DATA").await, "354");
    for client in [&mut named, &mut busy] {
        assert_eq!(client.says("\r\n.").await, "250");
        assert_eq!(client.code().await, "421");
    }
    running.served.await.unwrap();
    let running = start(&folder).await;
    assert_eq!(running.mails("ann@example.org").await.len(), 2);
    running.stop().await;
}

#[tokio::test]
async fn whoever_waits_at_the_door_when_a_stop_comes_is_let_in_and_its_mail_taken() {
    let folder = tempfile::tempdir().unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for number in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mail = format!(
            "EHLO test\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n\
             Message-ID: <late-{number}@shop>\r\n\r\n.\r\n"
        );
        stream.write_all(mail.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    // None is accepted before the stop has begun.
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let running = start_at(listener, &folder, shutdown).await;
    for stream in waiting {
        let mut client = Client::at(stream).await;
        for code in ["250", "250", "250", "354", "250", "421"] {
            assert_eq!(client.code().await, code);
        }
    }
    running.served.await.unwrap();
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let running = start(&folder).await;
    assert_eq!(running.mails("ann@example.org").await.len(), 20);
    running.stop().await;
}

#[tokio::test]
async fn mails_of_nobody_are_a_problem_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    for path in ["/mails", "/mails?kind=invoice"] {
        let answer = running.asked(path, Some(Role::Operator)).await;
        assert_eq!(answer.status(), 400, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let known = running.asked("/mails?kind=shipment", Some(Role::Operator));
    assert_eq!(known.await.status(), 200);
    running.stop().await;
}

#[tokio::test]
async fn mails_are_shown_to_operators_alone() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&folder).await;
    send(running.smtp, message("<1@shop>", "ann@example.org", "hi")).await;
    for path in ["/mails?to=ann@example.org", "/audit/mails"] {
        assert_eq!(running.asked(path, None).await.status(), 401);
        let customer = running.asked(path, Some(Role::Customer)).await;
        assert_eq!(customer.status(), 403, "{path}");
        let operator = running.asked(path, Some(Role::Operator)).await;
        assert!(
            operator.text().await.unwrap().contains("<1@shop>"),
            "{path}"
        );
    }
    running.stop().await;
}
