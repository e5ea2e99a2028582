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

#[tokio::test]
async fn whoever_ended_between_two_files_is_made_good_by_the_next_look() {
    let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
    let kept = ["ca-key.pem", "ca.pem", "gateway.pem"];
    hand.turn(-3620);
    files(folder.path(), hand.clock()).certificate().unwrap();
    let old = kept.map(|name| text(folder.path(), name));
    hand.turn(3620);
    files(folder.path(), hand.clock()).certificate().unwrap();
    let new = kept.map(|name| text(folder.path(), name));
    // They are replaced in this order, so one that ended has the old ones from somewhere on; and
    // whoever brought a folder back may have any.
    for mixture in 0..8_u32 {
        for (at, name) in kept.iter().enumerate() {
            let text = if mixture >> at & 1 == 1 {
                &old[at]
            } else {
                &new[at]
            };
            std::fs::write(folder.path().join("tls").join(name), text).unwrap();
        }
        let running = start(files(folder.path(), hand.clock())).await;
        let connection = connect(folder.path(), running.address).await;
        let mut connection = connection.unwrap_or_else(|error| panic!("{mixture:03b}: {error}"));
        assert!(ask(&mut connection).await.contains("hello"));
        assert!(
            !running.current.look().unwrap(),
            "{mixture:03b}: made twice"
        );
        running.shutdown.cancel();
    }
}

#[tokio::test]
async fn files_of_the_ca_that_are_damaged_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let ours = files(folder.path(), Clock::system());
    ours.certificate().unwrap();
    let key = text(folder.path(), "ca-key.pem");
    let half = format!("{}\n-----END PRIVATE KEY-----\n", &key[..key.len() / 2]);
    for (name, damaged) in [
        ("ca-key.pem", half.as_bytes()),
        ("ca.pem", b"\xff\xfe-----BEGIN ".as_slice()),
    ] {
        std::fs::write(folder.path().join("tls").join(name), damaged).unwrap();
        let running = start(ours.clone()).await;
        let mut connection = connect(folder.path(), running.address).await.unwrap();
        assert!(ask(&mut connection).await.contains("hello"), "{name}");
        running.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_ca_of_somebody_else_beside_a_certificate_of_ours_is_replaced() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = files(folder.path(), Clock::system());
    ours.certificate().unwrap();
    files(other.path(), Clock::system()).certificate().unwrap();
    let strange = text(other.path(), "ca.pem");
    let (_, without_end) = strange.split_once('\n').unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::from_pem(&text(folder.path(), "ca-key.pem")).unwrap();
    // Another's; one of this very key, but by another name.
    for ca in [without_end, &params.self_signed(&key).unwrap().pem()] {
        std::fs::write(folder.path().join("tls/ca.pem"), ca).unwrap();
        let running = start(ours.clone()).await;
        let mut connection = connect(folder.path(), running.address).await.unwrap();
        assert!(ask(&mut connection).await.contains("hello"));
        assert!(!running.current.look().unwrap(), "made twice");
        running.shutdown.cancel();
    }
}

#[test]
fn a_certificate_for_other_names_than_are_asked_for_is_made_anew_by_the_same_ca() {
    let folder = tempfile::tempdir().unwrap();
    let first = files(folder.path(), Clock::system()).certificate().unwrap();
    let ca = text(folder.path(), "ca.pem");
    let names = vec!["localhost".to_owned(), "shop.example".to_owned()];
    let renamed = Files::new(folder.path(), names, Clock::system());
    let second = renamed.certificate().unwrap();
    assert_ne!(second, first);
    assert_eq!(renamed.certificate().unwrap(), second);
    assert_eq!(text(folder.path(), "ca.pem"), ca);
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
