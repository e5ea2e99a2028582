//! What a broker tells of itself by HTTP, asked as plainly as can be.

use super::*;

/// A broker that can be asked by HTTP, and where.
fn watched(listen: SocketAddr, data: &Path, topics: &str) -> (Running, SocketAddr) {
    let http = free_address();
    let mut command = command(listen, data, topics);
    command
        .env("LISTEN_HTTP", http.to_string())
        .stdout(Stdio::null());
    (Running::of(command, listen, data, topics), http)
}

/// The status, the head and the body of an answer.
fn ask(http: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(http).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn figures(http: SocketAddr) -> String {
    let (status, head, text) = ask(http, "GET", "/metrics");
    assert_eq!(status, 200, "{text}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// The figure of these labels, or none.
fn figure(told: &str, series: &str) -> Option<f64> {
    let beginning = format!("{series} ");
    let line = told.lines().find_map(|line| line.strip_prefix(&beginning));
    line.map(|value| value.parse().unwrap())
}

fn batch(texts: &[&'static str]) -> deflated::Batch {
    let last = i32::try_from(texts.len()).unwrap() - 1;
    let mut batch = inflated::Batch::builder().last_offset_delta(last);
    for (delta, text) in texts.iter().enumerate() {
        let record = Record::builder()
            .offset_delta(delta.try_into().unwrap())
            .value(Some((*text).into()));
        batch = batch.record(record);
    }
    deflated::Batch::try_from(batch.build().unwrap()).unwrap()
}

#[test]
fn it_lives_and_is_ready_once_its_topics_can_be_used() {
    let data = tempfile::tempdir().unwrap();
    let (running, http) = watched(free_address(), data.path(), "orders:1");
    assert_eq!(ask(http, "GET", "/healthz").0, 200);
    let (status, _, said) = ask(http, "GET", "/readyz");
    assert_eq!((status, said.as_str()), (200, "ready\n"));
    assert_eq!(ask(http, "HEAD", "/readyz").0, 200);
    for (method, path, refused) in [
        ("GET", "/no/such/route", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
    ] {
        let (status, head, body) = ask(http, method, path);
        assert_eq!(status, refused, "{body}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], refused, "{problem}");
    }
    assert!(running.terminate().success());
}

/// Nobody who asks the broker can take a topic away, so it is renamed in the store's file.
#[tokio::test]
async fn it_is_not_ready_while_a_topic_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let (running, http) = watched(free_address(), data.path(), "mails:1,orders:1");
    assert_eq!(ask(http, "GET", "/readyz").0, 200);
    let file = libsql::Builder::new_local(data.path().join("broker.db"));
    let file = file.build().await.unwrap().connect().unwrap();
    file.busy_timeout(DEADLINE).unwrap();
    let rename = "update topic set name = ?2 where name = ?1";
    assert_eq!(file.execute(rename, ("mails", "away")).await.unwrap(), 1);
    let (status, head, said) = ask(http, "GET", "/readyz");
    assert_eq!(status, 503, "{said}");
    assert!(head.contains("retry-after: 2"), "{head}");
    assert!(said.contains("`mails`"), "{said}");
    assert_eq!(ask(http, "GET", "/healthz").0, 200);
    assert_eq!(file.execute(rename, ("away", "mails")).await.unwrap(), 1);
    assert_eq!(ask(http, "GET", "/readyz").0, 200);
    assert!(running.terminate().success());
}

#[test]
fn it_tells_how_requests_went_and_what_its_storage_connections_partitions_and_groups_are_at() {
    let data = tempfile::tempdir().unwrap();
    let listen = free_address();
    let (running, http) = watched(listen, data.path(), "mails:2,orders:1");
    let mut broker = TcpStream::connect(listen).unwrap();
    for (topic, texts) in [("orders", &["one", "three"][..]), ("orders", &["four"])] {
        write(&mut broker, topic, batch(texts));
        answer(&mut broker, PRODUCE);
    }
    write(&mut broker, "no-such-topic", batch(&["lost"]));
    answer(&mut broker, PRODUCE);
    let mut reading = member(listen);
    assert_eq!(joined(&mut reading).0, 0);
    ask(http, "GET", "/no/such/route");

    let told = figures(http);
    let is = |series: &str, value: f64| {
        assert_eq!(figure(&told, series), Some(value), "{series} in\n{told}");
    };
    is("kafka_requests_total{api=\"Produce\",code=\"0\"}", 2.0);
    is("kafka_requests_total{api=\"Produce\",code=\"3\"}", 1.0);
    is("kafka_requests_total{api=\"JoinGroup\",code=\"79\"}", 1.0);
    is("kafka_request_duration_seconds_count{api=\"Produce\"}", 3.0);
    is("kafka_requests_in_flight", 0.0);
    is(
        "http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"}",
        1.0,
    );
    is("kafka_connections", 2.0);
    is("resource_waiting{resource=\"storage\"}", 0.0);
    is("resource_errors_total{resource=\"storage\"}", 0.0);
    for series in [
        "resource_busy_seconds_total{resource=\"storage\"}",
        "resource_work_total{resource=\"storage\"}",
        "process_max_fds",
        "process_open_fds",
    ] {
        assert!(figure(&told, series) > Some(0.0), "{series} in\n{told}");
    }
    let of = |what: &str, topic: &str, partition: u8| {
        let series =
            format!("kafka_partition_{what}{{topic=\"{topic}\",partition=\"{partition}\"}}");
        figure(&told, &series)
    };
    for (what, value) in [("high_watermark", 3.0), ("records", 3.0), ("bytes", 12.0)] {
        assert_eq!(of(what, "orders", 0), Some(value), "{what} in\n{told}");
        assert_eq!(of(what, "mails", 1), Some(0.0), "{what} in\n{told}");
    }
    is("kafka_groups", 1.0);
    is("kafka_group_members{group=\"readers\"}", 1.0);

    // What is written later is counted on, and who leaves is gone.
    write(&mut broker, "orders", batch(&["seven"]));
    answer(&mut broker, PRODUCE);
    drop(broker);
    drop(reading);
    let told = until("the connections have gone", || {
        let told = figures(http);
        (figure(&told, "kafka_connections") == Some(0.0)).then_some(told)
    });
    let bytes = "kafka_partition_bytes{topic=\"orders\",partition=\"0\"}";
    assert_eq!(figure(&told, bytes), Some(17.0), "{told}");
    assert!(running.terminate().success());
}

#[test]
fn who_asks_nothing_by_http_does_not_hold_up_a_stop_nor_another_who_asks() {
    let data = tempfile::tempdir().unwrap();
    let (running, http) = watched(free_address(), data.path(), "orders:1");
    let idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(http).unwrap()).collect();
    assert_eq!(ask(http, "GET", "/readyz").0, 200);
    assert!(running.terminate().success());
    drop(idle);
}
