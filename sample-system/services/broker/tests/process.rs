//! The broker as a process: it becomes healthy, stops when asked, and keeps its topics.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends it")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(30);

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn command(listen: SocketAddr, data: &Path, topics: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broker"));
    command
        .env_clear()
        .env("LISTEN", listen.to_string())
        .env("ADVERTISED", "broker:9092")
        .env("DATA_DIR", data)
        .env("TOPICS", topics)
        .env("SHUTDOWN_GRACE", "10m");
    command
}

fn healthcheck(listen: SocketAddr, data: &Path, topics: &str) -> Output {
    command(listen, data, topics)
        .arg("healthcheck")
        .output()
        .unwrap()
}

/// A broker that is killed when a test ends before it stopped it.
struct Running(Child);

impl Running {
    fn start(listen: SocketAddr, data: &Path, topics: &str) -> Self {
        let child = command(listen, data, topics)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let running = Self(child);
        until("the broker is healthy", || {
            healthcheck(listen, data, topics)
                .status
                .success()
                .then_some(())
        });
        running
    }

    fn terminate(mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        until("the broker has ended", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_is_healthy_once_its_topics_can_be_used_and_keeps_them_over_a_stop() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("a folder, with 100%");
    let listen = free_address();
    assert!(!healthcheck(listen, &folder, "orders:1").status.success());

    let first = Running::start(listen, &folder, "orders:1");
    let unknown = healthcheck(listen, &folder, "orders:1,mails:1");
    assert!(!unknown.status.success());
    let told = String::from_utf8(unknown.stdout).unwrap();
    assert!(told.contains("`mails`"), "{told}");
    assert!(first.terminate().success());

    let second = Running::start(listen, &folder, "orders:1");
    assert!(second.terminate().success());
}

#[test]
fn an_idle_connection_does_not_hold_up_a_stop() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let running = Running::start(listen, data.path(), "orders:1");
    let idle = TcpStream::connect(listen).unwrap();
    assert!(running.terminate().success());
    drop(idle);
}

/// Asks to join the group `readers`, in the protocol's own bytes (JoinGroup, version 2).
fn join(broker: &mut TcpStream, member: &str) {
    const SESSION_MS: i32 = 5 * 60 * 1000;
    let text = |text: &str| [&(text.len() as i16).to_be_bytes(), text.as_bytes()].concat();
    let body = [
        // The key of the request, its version, its number.
        vec![0, 11, 0, 2, 0, 0, 0, 1],
        text("test"),
        text("readers"),
        SESSION_MS.to_be_bytes().to_vec(),
        SESSION_MS.to_be_bytes().to_vec(),
        text(member),
        text("consumer"),
        vec![0, 0, 0, 1],
        text("range"),
        vec![0, 0, 0, 0],
    ]
    .concat();
    let length = (body.len() as i32).to_be_bytes();
    broker.write_all(&[&length[..], &body].concat()).unwrap();
}

/// The answer: its error, and the member's id.
fn joined(broker: &mut TcpStream) -> (i16, String) {
    let mut length = [0; 4];
    broker.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    broker.read_exact(&mut body).unwrap();
    // Behind the number of the request and the throttle: error, generation, protocol, leader, id.
    let number = |at: usize| i16::from_be_bytes([body[at], body[at + 1]]);
    let mut at = 14;
    for _ in 0..2 {
        at += 2 + usize::try_from(number(at)).unwrap_or_default();
    }
    let end = at + 2 + usize::try_from(number(at)).unwrap();
    let id = String::from_utf8(body[at + 2..end].to_vec()).unwrap();
    (number(8), id)
}

/// A member that has its id and has asked to join with it.
fn member(listen: SocketAddr) -> TcpStream {
    const ID_REQUIRED: i16 = 79;
    let mut broker = TcpStream::connect(listen).unwrap();
    join(&mut broker, "");
    let (error, id) = joined(&mut broker);
    assert_eq!(error, ID_REQUIRED);
    join(&mut broker, &id);
    broker
}

#[test]
fn who_waits_for_a_dead_member_of_its_group_does_not_hold_up_a_stop() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let running = Running::start(listen, data.path(), "orders:1");
    let mut dead = member(listen);
    assert_eq!(joined(&mut dead).0, 0);
    drop(dead);
    let mut waiting = member(listen);
    assert!(running.terminate().success());
    assert_ne!(joined(&mut waiting).0, 0);
}

#[test]
fn another_number_of_partitions_than_the_data_has_is_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    assert!(
        Running::start(listen, data.path(), "orders:1")
            .terminate()
            .success()
    );
    let ended = command(listen, data.path(), "orders:2").output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("`orders` has 1 partitions"), "{told}");
}
