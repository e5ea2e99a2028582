//! What `/metrics` shows.

use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::database::Database;
use crate::outbox;

/// The value of the series `name` (with its labels, as it is written).
fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')
            .map(str::to_owned)
    })
}

#[test]
fn a_request_is_counted_under_its_route_method_and_status() {
    let metrics = Metrics::new();
    let served = metrics.served(Protocol::Http);
    served.began("/orders/{id}", "GET").answered(404);
    served.began("/orders/{id}", "BREW").answered(405);
    let text = metrics.text();
    let counted = r#"http_requests_total{route="/orders/{id}",method="GET",status="404"}"#;
    assert_eq!(value(&text, counted).as_deref(), Some("1"), "{text}");
    assert!(text.contains(r#"method="other",status="405""#), "{text}");
    let took = r#"http_request_duration_seconds_count{route="/orders/{id}",method="GET"}"#;
    assert_eq!(value(&text, took).as_deref(), Some("1"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn a_request_that_nobody_waits_for_is_no_longer_in_flight() {
    let metrics = Metrics::new();
    let request = metrics.served(Protocol::Grpc).began("Reserve", "RPC");
    let in_flight = "grpc_requests_in_flight";
    assert_eq!(value(&metrics.text(), in_flight).as_deref(), Some("1"));
    drop(request);
    let text = metrics.text();
    assert_eq!(value(&text, in_flight).as_deref(), Some("0"));
    assert!(text.contains(r#"status="499""#), "{text}");
}

#[test]
fn two_services_in_one_process_do_not_see_each_others_figures() {
    let (one, two) = (Metrics::new(), Metrics::new());
    one.served(Protocol::Http).shed();
    assert_eq!(
        value(&one.text(), "http_requests_shed_total").as_deref(),
        Some("1")
    );
    assert_eq!(
        value(&two.text(), "http_requests_shed_total").as_deref(),
        Some("0")
    );
}

#[test]
fn totals_kept_elsewhere_are_shown_and_never_fall() {
    let metrics = Metrics::new();
    let writer = metrics.resource("database");
    writer.totals(Duration::from_millis(1500), 3, 1);
    writer.totals(Duration::from_millis(500), 2, 0);
    let text = metrics.text();
    let busy = r#"resource_busy_seconds_total{resource="database"}"#;
    assert_eq!(value(&text, busy).as_deref(), Some("1.5"), "{text}");
    let work = r#"resource_work_total{resource="database"}"#;
    assert_eq!(value(&text, work).as_deref(), Some("3"), "{text}");
}

#[test]
fn what_is_kept_elsewhere_is_asked_for_at_each_reading() {
    let metrics = Metrics::new();
    let gauge = metrics.gauge("pending", "Pending");
    let shown = gauge.clone();
    metrics.at_scrape(move || {
        shown.inc();
    });
    assert_eq!(value(&metrics.text(), "pending").as_deref(), Some("1"));
    assert_eq!(value(&metrics.text(), "pending").as_deref(), Some("2"));
}

#[tokio::test]
async fn a_database_and_its_outbox_show_what_they_do_and_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    let database = Database::open(&path, &[outbox::SCHEMA]).unwrap();
    let insert = "INSERT INTO outbox (topic, key, payload, created)
                  VALUES ('orders', 'o', '{}', '2026-11-21T00:00:00.000Z')";
    database
        .write(move |connection| connection.execute(insert, []))
        .await
        .unwrap();
    let metrics = Metrics::new();
    metrics.watch_database(&database);
    let clock = Clock::from_fn(|| "2026-11-21T00:00:05Z".parse().unwrap());
    metrics.watch_outbox(&database, &clock);
    let text = metrics.read().await;
    for (series, wanted) in [
        (r#"resource_waiting{resource="outbox"}"#, "1"),
        (r#"resource_oldest_seconds{resource="outbox"}"#, "5.0"),
        (r#"resource_work_total{resource="database"}"#, "1"),
        (r#"resource_errors_total{resource="database"}"#, "0"),
    ] {
        assert_eq!(value(&text, series).as_deref(), Some(wanted), "{text}");
    }
}
