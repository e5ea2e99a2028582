//! The broker as a process: it becomes healthy, stops when asked, and keeps its topics.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends it")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use tansu_sans_io::{
    ApiKey as _, Body, DeleteTopicsRequest, Frame, Header, InitProducerIdRequest, ProduceRequest,
    produce_request::{PartitionProduceData, TopicProduceData},
    record::{Record, deflated, inflated},
};

#[path = "process/door.rs"]
mod door;

const DEADLINE: Duration = Duration::from_secs(30);

/// A loopback address that nobody has, and that the kernel gives nobody: the broker listens there
/// only later. Each is given once.
fn free_address() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Tests that run at the same time have numbers that are near each other.
    let first = 22_000 + u16::try_from(std::process::id() % 500).unwrap() * 16;
    let next = || {
        SocketAddr::from((
            [127, 0, 0, 1],
            first + GIVEN.fetch_add(1, Ordering::Relaxed),
        ))
    };
    let mut all = std::iter::repeat_with(next).take(1000);
    all.find(|it| TcpListener::bind(it).is_ok()).unwrap()
}

fn command(listen: SocketAddr, data: &Path, topics: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broker"));
    command
        .env_clear()
        .env("LISTEN", listen.to_string())
        .env("LISTEN_HTTP", "127.0.0.1:0")
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
        Self::logging(listen, data, topics, Stdio::null())
    }

    /// The same, with its log into `out`.
    fn logging(listen: SocketAddr, data: &Path, topics: &str, out: impl Into<Stdio>) -> Self {
        let mut command = command(listen, data, topics);
        command.stdout(out);
        Self::of(command, listen, data, topics)
    }

    fn of(mut command: Command, listen: SocketAddr, data: &Path, topics: &str) -> Self {
        let running = Self(command.spawn().unwrap());
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
        self.ends()
    }

    fn ends(&mut self) -> ExitStatus {
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

/// Sends a request; the connection has its answer next.
fn send(broker: &mut TcpStream, (api_key, api_version): (i16, i16), body: Body) {
    let header = Header::Request {
        api_key,
        api_version,
        correlation_id: 1,
        client_id: Some("test".to_owned()),
    };
    let frame = Frame::request(header, body).unwrap();
    broker.write_all(&frame).unwrap();
}

/// The answer to a request that was sent.
fn answer(broker: &mut TcpStream, (api_key, api_version): (i16, i16)) -> Body {
    let mut frame = vec![0; 4];
    broker.read_exact(&mut frame).unwrap();
    let length = u32::from_be_bytes(frame[..].try_into().unwrap());
    frame.resize(4 + length as usize, 0);
    broker.read_exact(&mut frame[4..]).unwrap();
    let frame = Frame::response_from_bytes(&frame[..], api_key, api_version);
    frame.unwrap().body
}

/// The number of a new producer, whose epoch is 0.
fn producer(listen: SocketAddr) -> i64 {
    const INIT: (i16, i16) = (InitProducerIdRequest::KEY, 3);
    let mut broker = TcpStream::connect(listen).unwrap();
    let request = InitProducerIdRequest::default()
        .transaction_timeout_ms(60_000)
        .producer_id(Some(-1))
        .producer_epoch(Some(-1));
    send(&mut broker, INIT, request.into());
    let Body::InitProducerIdResponse(made) = answer(&mut broker, INIT) else {
        unreachable!("another answer");
    };
    assert_eq!((made.error_code, made.producer_epoch), (0, 0));
    made.producer_id
}

const PRODUCE: (i16, i16) = (ProduceRequest::KEY, 8);

/// Writes a record to `orders` as a producer in its second epoch.
fn write_in_epoch_one(broker: &mut TcpStream, producer: i64) {
    let record = Record::builder().value(Some("one".into()));
    let batch = inflated::Batch::builder()
        .record(record)
        .producer_id(producer)
        .producer_epoch(1);
    let batch = deflated::Batch::try_from(batch.build().unwrap()).unwrap();
    write(broker, "orders", batch);
}

/// Asks to write a batch to the first partition of a topic.
fn write(broker: &mut TcpStream, topic: &str, batch: deflated::Batch) {
    let partition = PartitionProduceData::default()
        .index(0)
        .records(Some(deflated::Frame {
            batches: vec![batch],
        }));
    let topic = TopicProduceData::default()
        .name(topic.to_owned())
        .partition_data(Some(vec![partition]));
    let request = ProduceRequest::default()
        .acks(-1)
        .timeout_ms(1000)
        .topic_data(Some(vec![topic]));
    send(broker, PRODUCE, request.into());
}

/// A producer with Kafka's idempotence raises its epoch by itself when its records were late, which
/// the storage engine does not survive.
#[test]
fn a_broker_whose_storage_panics_says_so_and_ends_and_another_goes_on_with_its_data() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let log = data.path().join("log");
    let out = std::fs::File::create(&log).unwrap();
    let mut first = Running::logging(listen, data.path(), "orders:1", out);
    let producer = producer(listen);
    let mut writing = TcpStream::connect(listen).unwrap();
    write_in_epoch_one(&mut writing, producer);

    assert_eq!(first.ends().code(), Some(1));
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines();
    let lines: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let one = |message: &str| {
        let mut all = lines.iter().filter(|line| line["message"] == message);
        let found = all.next();
        assert!(all.next().is_none(), "{message} twice in {log}");
        found.unwrap_or_else(|| panic!("no {message} in {log}"))
    };
    let panicked = one("panicked");
    assert_eq!(panicked["level"], "error");
    assert_eq!(panicked["service"], "broker");
    assert!(
        panicked["place"].as_str().unwrap().contains(".rs:"),
        "{log}"
    );
    let ended = one("ended");
    assert!(
        ended["error"].as_str().unwrap().contains("storage"),
        "{log}"
    );

    let second = Running::start(listen, data.path(), "orders:1");
    assert!(second.terminate().success());
}

/// A length below zero, which the library reads as one that no memory holds.
#[test]
fn who_sends_what_is_no_request_ends_a_connection_and_not_the_broker() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let running = Running::start(listen, data.path(), "orders:1");
    let mut stranger = TcpStream::connect(listen).unwrap();
    stranger.write_all(&[255; 64]).unwrap();
    let mut answer = Vec::new();
    // Ended, or reset with what it had not read.
    drop(stranger.read_to_end(&mut answer));
    assert!(answer.is_empty());
    assert!(
        healthcheck(listen, data.path(), "orders:1")
            .status
            .success()
    );
    assert!(running.terminate().success());
}

#[test]
fn a_topic_that_somebody_wants_to_delete_stays_with_all_others() {
    const DELETE: (i16, i16) = (DeleteTopicsRequest::KEY, 5);
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let running = Running::start(listen, data.path(), "orders:1,mails:1");
    let mut broker = TcpStream::connect(listen).unwrap();
    let named = DeleteTopicsRequest::default()
        .topics(None)
        .topic_names(Some(vec!["mails".to_owned()]))
        .timeout_ms(1000);
    send(&mut broker, DELETE, named.into());
    let mut answer = Vec::new();
    // The connection ends: nobody said that this would be understood.
    drop(broker.read_to_end(&mut answer));
    assert!(answer.is_empty());
    let both = healthcheck(listen, data.path(), "orders:1,mails:1");
    assert!(both.status.success());
    assert!(running.terminate().success());
}

#[tokio::test]
async fn the_headers_of_a_record_are_found_without_a_look_at_all_others() {
    let data = tempfile::tempdir().unwrap();
    let running = Running::start(free_address(), data.path(), "orders:1");
    assert!(running.terminate().success());
    // As the storage engine asks for them.
    let asked = "explain query plan select h.k, h.v from header h \
         join record r on h.topition = r.topition and h.offset_id = r.offset_id \
         where r.topition = 1 and r.offset_id = 1";
    let file = libsql::Builder::new_local(data.path().join("broker.db"));
    let file = file.build().await.unwrap().connect().unwrap();
    let mut plan = file.query(asked, ()).await.unwrap();
    let mut steps = Vec::new();
    while let Some(step) = plan.next().await.unwrap() {
        steps.push(step.get::<String>(3).unwrap());
    }
    let by_index = |step: &String| step.contains("header_of_record");
    assert!(steps.iter().any(by_index), "{steps:?}");
}
