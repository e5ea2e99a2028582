//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{body, header, part, query, send_each, send_malformed};
use tokio::runtime::Runtime;

use super::*;

#[test]
fn no_body_of_an_order_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    // Nobody waits for the saga of one that is good.
    let running = runtime.block_on(start(Duration::from_millis(1), false));
    let token = running.token(ADA);
    send_each(&runtime, 150, body(lamps()), |body| {
        let request = running.client.post(format!("{}/orders", running.root));
        let request = request.bearer_auth(&token).body(body);
        let request = request.header("Idempotency-Key", Uuid::new_v4().to_string());
        request.header("content-type", "application/json")
    });
}

#[test]
fn a_list_is_no_order_no_card_and_no_address() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(Duration::from_millis(1), false));
    let order = lamps();
    let (card, address) = (&order["card"], &order["address"]);
    let (mut carded, mut addressed) = (order.clone(), order.clone());
    carded["card"] = json!([card["number"]]);
    addressed["address"] = json!(["Ada", "Main Street 1", "12345", "Berlin", "DE"]);
    for body in [json!(["lamp", 1, card, address]), carded, addressed] {
        let request = running.client.post(format!("{}/orders", running.root));
        let request = request.bearer_auth(running.token(ADA)).json(&body);
        send_malformed(&runtime, request.header("Idempotency-Key", "k-1"));
    }
}

#[test]
fn no_header_of_an_order_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(Duration::from_millis(1), true));
    let token = running.token(ADA);
    for name in [
        "Idempotency-Key",
        "authorization",
        "traceparent",
        "baggage",
        "request-timeout-ms",
        "X-Test-Halt-Before",
        "content-type",
    ] {
        send_each(&runtime, 30, header(name), |value| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
            headers.insert(
                "Idempotency-Key",
                Uuid::new_v4().to_string().parse().unwrap(),
            );
            headers.insert("content-type", "application/json".parse().unwrap());
            headers.insert(name, value);
            let request = running.client.post(format!("{}/orders", running.root));
            // An item that is not there: it is the headers that are read.
            let mut order = lamps();
            order["sku"] = json!("nothing");
            request.headers(headers).body(order.to_string())
        });
    }
}

#[test]
fn no_path_or_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(patient());
    let token = running.token(OPERATOR);
    let get = |path: String| {
        let url = format!("{}{path}", running.root);
        running.client.get(url).bearer_auth(&token)
    };
    send_each(&runtime, 100, part(), |id| get(format!("/orders/{id}")));
    send_each(&runtime, 60, part(), |id| {
        get(format!("/orders/{id}/events"))
    });
    let limits = query(&["limit"]);
    send_each(&runtime, 100, limits, |query| {
        get(format!("/orders?{query}"))
    });
    let pages = query(&["after", "limit"]);
    send_each(&runtime, 100, pages, |query| {
        get(format!("/audit/orders?{query}"))
    });
}
