//! Certificates in a real folder, and connections that speak TLS.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use shop::clock::Clock;
use shop::serve::door::Door;
use shop::serve::{self, Readiness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::*;

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Arc<Mutex<DateTime<Utc>>>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Utc::now())))
    }

    fn turn(&self, days: i64) {
        *self.0.lock().unwrap() += TimeDelta::days(days);
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::from_fn(move || *hand.0.lock().unwrap())
    }
}

fn files(folder: &Path, clock: Clock) -> Files {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    Files::new(folder, names.to_vec(), clock)
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("tls").join(name)).unwrap()
}

#[test]
fn replicas_that_start_together_have_one_ca_and_one_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let made: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| files(folder.path(), Clock::system()).certificate().unwrap()))
            .collect();
        starting
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    assert!(made.iter().all(|text| *text == made[0]));
    for (name, mode) in [
        ("ca.pem", 0o644),
        ("ca-key.pem", 0o600),
        ("gateway.pem", 0o600),
    ] {
        let path = folder.path().join("tls").join(name);
        let found = std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
    assert!(!text(folder.path(), "ca.pem").contains("PRIVATE"));
}

#[test]
fn a_certificate_that_is_about_to_end_is_made_anew_by_the_same_ca() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let files = files(folder.path(), hand.clock());
    let first = files.certificate().unwrap();
    let ca = text(folder.path(), "ca.pem");
    hand.turn(19);
    assert_eq!(files.certificate().unwrap(), first);
    hand.turn(2);
    assert_ne!(files.certificate().unwrap(), first);
    assert_eq!(text(folder.path(), "ca.pem"), ca);
}

#[tokio::test]
async fn a_lost_ca_file_is_made_again_at_once_and_what_was_signed_before_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path(), Clock::system());
    let first = files.certificate().unwrap();
    let key = text(folder.path(), "ca-key.pem");
    for lost in ["", "half a"] {
        let path = folder.path().join("tls/ca.pem");
        std::fs::write(&path, lost).unwrap();
        if lost.is_empty() {
            std::fs::remove_file(&path).unwrap();
        }
        assert_eq!(files.certificate().unwrap(), first);
        assert_eq!(text(folder.path(), "ca-key.pem"), key);
        // The certificate is the old one, the CA that it is checked with is the one made again.
        let running = start(files.clone()).await;
        let mut connection = connect(folder.path(), running.address).await.unwrap();
        assert!(ask(&mut connection).await.contains("hello"));
        running.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_lost_ca_key_makes_a_new_ca_and_a_new_certificate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path(), Clock::system());
    let (first, ca) = (files.certificate().unwrap(), text(folder.path(), "ca.pem"));
    std::fs::remove_file(folder.path().join("tls/ca-key.pem")).unwrap();
    assert_ne!(files.certificate().unwrap(), first);
    assert_ne!(text(folder.path(), "ca.pem"), ca);
    let running = start(files).await;
    let mut connection = connect(folder.path(), running.address).await.unwrap();
    assert!(ask(&mut connection).await.contains("hello"));
    running.shutdown.cancel();
}

#[tokio::test]
async fn a_ca_that_ends_soon_or_has_ended_is_replaced_together_with_its_certificate() {
    // By the machine's clock, which whoever connects has, it ends in thirty days, or has ended.
    for before in [3620, 3700] {
        let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
        hand.turn(-before);
        let running = start(files(folder.path(), hand.clock())).await;
        let ca = text(folder.path(), "ca.pem");
        hand.turn(before);
        assert!(running.current.look().unwrap());
        assert_ne!(text(folder.path(), "ca.pem"), ca);
        let mut connection = connect(folder.path(), running.address).await.unwrap();
        assert!(ask(&mut connection).await.contains("hello"));
        running.shutdown.cancel();
    }
}

#[test]
fn a_ca_is_replaced_though_its_certificate_has_time_left() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let files = files(folder.path(), hand.clock());
    files.certificate().unwrap();
    let ca = text(folder.path(), "ca.pem");
    // Made anew 61 days before the CA's end, so it is young when the CA is due.
    hand.turn(3650 - 61);
    let young = files.certificate().unwrap();
    assert_eq!(text(folder.path(), "ca.pem"), ca);
    hand.turn(2);
    assert_ne!(files.certificate().unwrap(), young);
    assert_ne!(text(folder.path(), "ca.pem"), ca);
}

#[test]
fn a_certificate_that_somebody_put_there_is_theirs_and_one_that_is_none_is_told() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let files = files(folder.path(), hand.clock());
    let made = files.certificate().unwrap();
    let current = Current::load(files.clone()).unwrap();
    let path = folder.path().join("tls/gateway.pem");

    std::fs::write(&path, "nothing\n").unwrap();
    let error = current.look().unwrap_err().to_string();
    assert!(
        error.contains("gateway.pem") && error.contains("remove it"),
        "{error}"
    );

    let (_, theirs) = made.split_once('\n').unwrap();
    std::fs::write(&path, theirs).unwrap();
    assert!(current.look().unwrap());
    hand.turn(60);
    assert!(!current.look().unwrap(), "it is theirs to renew");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tls"), "a file").unwrap();
    let error = files(folder.path(), Clock::system()).certificate();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("tls") && error.contains("DATA_DIR"),
        "{error}"
    );
}

struct Running {
    address: std::net::SocketAddr,
    current: Current,
    shutdown: CancellationToken,
}

async fn start(files: Files) -> Running {
    shop::entry::install_tls();
    let current = Current::load(files).unwrap();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let door = Door::new(listener, shutdown.clone()).unwrap();
    let closing = door.closing();
    let listener = TlsListener::new(door, config(current.clone()).unwrap()).unwrap();
    tokio::spawn(serve::on(
        listener,
        closing,
        Router::new().route("/", get(async || "hello")),
        Readiness::new(),
        shutdown.clone(),
        Duration::from_secs(5),
    ));
    Running {
        address,
        current,
        shutdown,
    }
}

type Connection = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// Connects, trusting the CA of `folder` and nothing else.
async fn connect(folder: &Path, address: std::net::SocketAddr) -> std::io::Result<Connection> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    let mut roots = rustls::RootCertStore::empty();
    let ca = text(folder, "ca.pem");
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await
}

fn certificate(connection: &Connection) -> Vec<u8> {
    connection.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn ask(connection: &mut Connection) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("hello") {
        let mut bytes = [0; 1024];
        let count = connection.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "the connection was cut");
        answer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    answer
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_no_connection_is_cut() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    // Whoever connects has the machine's clock: both certificates must hold by it.
    hand.turn(-25);
    let running = start(files(folder.path(), hand.clock())).await;
    let mut before = connect(folder.path(), running.address).await.unwrap();
    assert!(ask(&mut before).await.starts_with("HTTP/1.1 200"));

    hand.turn(25);
    let following = running.current.clone();
    let look = Duration::from_millis(10);
    tokio::spawn(following.follow(look, running.shutdown.clone()));
    let old = certificate(&before);
    let mut after = connect(folder.path(), running.address).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while certificate(&after) == old {
        assert!(tokio::time::Instant::now() < deadline, "never taken up");
        after = connect(folder.path(), running.address).await.unwrap();
    }
    assert!(ask(&mut after).await.starts_with("HTTP/1.1 200"));
    assert!(ask(&mut before).await.starts_with("HTTP/1.1 200"));
    running.shutdown.cancel();
}

#[tokio::test]
async fn who_does_not_shake_hands_holds_back_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(files(folder.path(), Clock::system())).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(
            tokio::net::TcpStream::connect(running.address)
                .await
                .unwrap(),
        );
    }
    let mut connection = connect(folder.path(), running.address).await.unwrap();
    assert!(ask(&mut connection).await.contains("hello"));
    let mut plain = tokio::net::TcpStream::connect(running.address)
        .await
        .unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _reset = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "no plain HTTP here");
    running.shutdown.cancel();
}
