//! What every service of the shop has, whatever else it does: figures of both kinds, and refusals
//! that are problems.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use serde_json::{Value, json};
use support::shop::{DECLINED, GOOD, order};
use support::{Runtime, Shop, System, http, read, shop_services, until};

support::in_both! {
    every_service_tells_rate_errors_and_duration_of_routes_and_the_use_of_what_it_needs,
    nothing_secret_stands_in_any_log_though_all_is_told_that_can_be,
}

/// The services that follow topics.
const FOLLOWERS: [&str; 7] = [
    "inventory",
    "notifications",
    "orders",
    "payments",
    "recommendations",
    "search",
    "shipping",
];

/// The services that put what they tell into an outbox.
const TELLERS: [&str; 6] = [
    "auth",
    "catalog",
    "inventory",
    "orders",
    "payments",
    "shipping",
];

/// What else services work with, each a resource of its own.
const MORE: [(&str, &str); 5] = [
    ("auth", "passwords"),
    ("mailbox", "smtp"),
    ("notifications", "mails"),
    ("orders", "sagas"),
    ("shipping", "packers"),
];

/// All of the shop's services: each speaks HTTP, the broker beside Kafka's protocol.
fn services() -> Vec<String> {
    let services = shop_services();
    assert!(services.len() >= 12, "{services:?}");
    services
}

/// A shop whose services can all be asked.
fn boot(runtime: Runtime) -> Shop {
    let open = |service: &String| format!("  {service}:\n    ports: !override [\"8080\"]\n");
    let behind = services();
    let behind = behind.iter().filter(|service| *service != "gateway");
    let open: String = behind.map(open).collect();
    Shop::boot(System::shop("services", &open).on(runtime))
}

fn figures(at: &str) -> String {
    let (status, text) = http("GET", &format!("{at}/metrics"), &[], None);
    assert_eq!(status, 200, "{at}: {text}");
    text.as_str().unwrap().to_owned()
}

/// Whether the figures have a line of this resource, under a name that begins so.
fn tells(figures: &str, name: &str, resource: &str) -> bool {
    let label = format!("resource=\"{resource}\"");
    let mut lines = figures.lines();
    lines.any(|line| line.starts_with(name) && line.contains(&label))
}

fn every_service_tells_rate_errors_and_duration_of_routes_and_the_use_of_what_it_needs(
    runtime: Runtime,
) {
    let shop = boot(runtime);
    let customer = shop.customer("figures");
    shop.stock("figures", 5);
    let (status, placed) = customer.orders("figures-1", &order("figures", 1, GOOD), &[]);
    assert_eq!(status, 201, "{placed}");
    for service in services() {
        let at = shop.system.url_of(&service, 8080);
        refuses_with_problems(&service, &at);
        // What was refused just now is among them.
        let shown = figures(&at);
        for name in [
            "http_requests_total{",
            "http_request_duration_seconds_bucket{",
        ] {
            assert!(shown.contains(name), "{service}: no {name} in\n{shown}");
        }
        let labels = ["route=\"unmatched\"", "method=\"GET\"", "status=\"404\""];
        let mut counted = shown
            .lines()
            .filter(|it| it.starts_with("http_requests_total{"));
        let missing = counted.any(|it| labels.iter().all(|label| it.contains(label)));
        assert!(missing, "{service}: no {labels:?} in\n{shown}");
        let mut resources = vec!["requests"];
        if service == "recommendations" {
            resources = vec!["database", "reader"];
        } else if service == "broker" {
            resources = vec!["storage"];
        } else if service != "gateway" {
            resources.extend(["database", "database_commit", "database_reader"]);
        }
        if TELLERS.contains(&service.as_str()) {
            resources.push("outbox");
        }
        if FOLLOWERS.contains(&service.as_str()) && service != "recommendations" {
            resources.push("consumer");
        }
        let more = MORE.iter().filter(|(of, _)| *of == service);
        resources.extend(more.map(|(_, resource)| *resource));
        for resource in resources {
            let told = tells(&shown, "resource_waiting", resource);
            assert!(told, "{service}: {resource} is not told of in\n{shown}");
        }
        let kept_in = match service.as_str() {
            "gateway" => continue,
            "broker" => "storage",
            _ => "database",
        };
        let busy = tells(&shown, "resource_busy_seconds_total", kept_in);
        assert!(busy, "{service}: its {kept_in} is never busy in\n{shown}");
    }
    the_broker_tells_of_what_passed_through_it(&shop);
    for service in FOLLOWERS {
        let at = shop.system.url_of(service, 8080);
        until(&format!("{service} to have caught up"), || {
            let shown = figures(&at);
            let lags: Vec<&str> = shown
                .lines()
                .filter(|line| line.starts_with("consumer_lag{"))
                .collect();
            let nothing_left = |line: &&str| line.ends_with(" 0") || line.ends_with(" 0.0");
            (!lags.is_empty() && lags.iter().all(nothing_left)).then_some(())
        });
    }
}

/// An order was placed: its event was written and read, by members of groups.
fn the_broker_tells_of_what_passed_through_it(shop: &Shop) {
    let at = shop.system.url_of("broker", 8080);
    let above_zero = |shown: &str, series: &str| {
        let mut lines = shown.lines().filter(|line| line.starts_with(series));
        lines.any(|line| !line.ends_with(" 0"))
    };
    let kinds = ["Produce", "Fetch", "JoinGroup", "Heartbeat", "OffsetCommit"];
    let kinds = kinds.map(|api| format!("kafka_requests_total{{api=\"{api}\",code=\"0\"}}"));
    // What search reads is in a group with a name of its own behind its own.
    let members = FOLLOWERS.map(|group| format!("kafka_group_members{{group=\"{group}"));
    let kept = ["high_watermark", "records", "bytes"]
        .map(|what| format!("kafka_partition_{what}{{topic=\"orders\""));
    for series in kinds.iter().chain(&members).chain(&kept) {
        // Members say that they live, and commit, each few seconds.
        until(series, || above_zero(&figures(&at), series).then_some(()));
    }
    assert!(above_zero(&figures(&at), "kafka_connections "));
    let (status, ready) = http("GET", &format!("{at}/readyz"), &[], None);
    assert_eq!((status, ready.as_str()), (200, Some("ready\n")), "{ready}");
}

fn refuses_with_problems(service: &str, at: &str) {
    for (method, path, status) in [
        ("GET", "/no/such/route", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
    ] {
        let (answered, problem) = http(method, &format!("{at}{path}"), &[], None);
        assert_eq!(answered, status, "{service}: {method} {path}: {problem}");
        let wanted: Value = json!([status, "about:blank"]);
        let told = json!([problem["status"], problem["type"]]);
        assert_eq!(told, wanted, "{service}: {method} {path}: {problem}");
        assert!(problem["detail"].is_string(), "{service}: {problem}");
    }
}

fn nothing_secret_stands_in_any_log_though_all_is_told_that_can_be(runtime: Runtime) {
    let told = |service: &String| format!("  {service}:\n    environment: {{ LOG: debug }}\n");
    let behind = services();
    let mut behind: String = behind.iter().map(told).collect();
    // The gateway has a part of its own in the override already.
    behind = behind.replace("  gateway:\n", "");
    let system = System::shop("secrets-in-logs", &behind).on(runtime);
    let shop = Shop::boot(system);
    let customer = shop.customer("discreet");
    shop.stock("discreet", 5);
    for (key, card) in [("discreet-1", GOOD), ("discreet-2", DECLINED)] {
        let (status, placed) = customer.orders(key, &order("discreet", 1, card), &[]);
        assert_eq!(status, 201, "{placed}");
    }
    // What is wrong is told too, and tells no secret either.
    let wrong = json!({"email": customer.email, "password": "a wrong password"});
    let (status, _) = http("POST", &shop.at("tokens"), &[], Some(wrong));
    assert_eq!(status, 401);
    let (status, _) = customer.orders("discreet-3", &json!({"card": {"number": GOOD}}), &[]);
    assert_eq!(status, 400);
    until("the mail", || {
        shop.mails(&customer.email, "shipment").get(0).cloned()
    });

    let logs = shop.system.run(&["logs"]).expect(0).stdout;
    for service in services() {
        assert!(logs.contains(&service), "{service} is not in the logs");
    }
    let operator = read(&shop.system.directory.join("secrets/operator-password"));
    let bearer = customer.bearer();
    let token = bearer.trim_start_matches("Bearer ");
    let signature = token.rsplit('.').next().unwrap();
    for (what, secret) in [
        ("a card", GOOD),
        ("a declined card", DECLINED),
        ("a customer's password", "a long password"),
        ("a wrong password", "a wrong password"),
        ("the operator's password", operator.trim()),
        ("a token", token),
        ("a token's signature", signature),
        ("a private key", "PRIVATE KEY"),
        ("a password's hash", "$argon2id$"),
    ] {
        assert!(secret.len() >= 8, "{what}");
        let line = logs.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} stands in the logs");
    }
}
