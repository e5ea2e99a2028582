//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{body, header, part, query, send_each, send_malformed};
use tokio::runtime::Runtime;

use super::*;

/// Nobody asks too often here, and no answer takes too long, however busy the machine is.
const UNLIMITED: &[(&str, &str)] = &[
    ("UPSTREAM_TIMEOUT", "60s"),
    ("OPERATOR_RATE", "1000000"),
    ("OPERATOR_BURST", "1000000"),
    ("ANONYMOUS_RATE", "1000000"),
    ("ANONYMOUS_BURST", "1000000"),
];

fn running(runtime: &Runtime) -> Running {
    runtime.block_on(start(Given {
        behaviour: Behind::Answering,
        settings: UNLIMITED,
    }))
}

#[test]
fn no_path_or_query_of_any_route_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = running(&runtime);
    for route in table::read("routes.toml", table::PACKED).unwrap() {
        let names = ["limit", "after", "q", "to", "kind", "order_id", "featured"];
        send_each(&runtime, 12, (part(), query(&names)), |(part, query)| {
            let path = route.path.replace("{sku}", &part).replace("{id}", &part);
            let url = format!("{}{path}?{query}", running.root);
            let request = running.client.request(route.method.clone(), url);
            request.header("authorization", &running.operator)
        });
    }
}

#[test]
fn no_body_of_a_level_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = running(&runtime);
    send_each(&runtime, 150, body(json!({"units": 12})), |body| {
        let url = format!("{}/items/lamp/stock", running.root);
        let request = running.client.put(url).body(body);
        let request = request.header("content-type", "application/json");
        request.header("authorization", &running.operator)
    });
}

#[test]
fn a_list_is_no_level() {
    let runtime = Runtime::new().unwrap();
    let running = running(&runtime);
    let url = format!("{}/items/lamp/stock", running.root);
    let request = running.client.put(url).json(&json!([5]));
    send_malformed(&runtime, request.header("authorization", &running.operator));
}

#[test]
fn no_header_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = running(&runtime);
    for name in [
        "authorization",
        "Idempotency-Key",
        "traceparent",
        "baggage",
        "request-timeout-ms",
        "accept",
        "content-type",
    ] {
        send_each(&runtime, 30, header(name), |value| {
            let request = running
                .client
                .put(format!("{}/items/lamp/stock", running.root));
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", running.operator.parse().unwrap());
            headers.insert("content-type", "application/json".parse().unwrap());
            headers.insert(name, value);
            request.headers(headers).body(r#"{"units":12}"#)
        });
    }
}
