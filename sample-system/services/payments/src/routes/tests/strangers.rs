//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{body, hear_each, part, query, send_each, send_malformed};
use tokio::runtime::Runtime;

use super::*;

#[test]
fn no_body_of_a_charge_or_a_state_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(true));
    let change = json!({"state": "the charge was made", "action": "setup", "params": {
        "charge_id": "c1", "order_id": "o1", "account_id": ADA, "amount": 9998, "currency": "USD",
        "idempotency_key": "k1", "card_number": "4111111111114242",
    }});
    for (path, good) in [("/charges", request()), ("/_pact/states", change)] {
        send_each(&runtime, 150, body(good), |body| {
            let url = format!("{}{path}", running.root);
            let request = running.client.post(url).body(body);
            let request = request.header("Idempotency-Key", Uuid::new_v4().to_string());
            request.header("content-type", "application/json")
        });
    }
}

#[test]
fn a_list_is_no_card_and_no_state() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(true));
    let mut charge = request();
    charge["card"] = json!([charge["card"]["number"]]);
    for (path, body) in [("/charges", charge), ("/_pact/states", json!(["none"]))] {
        let request = running.client.post(format!("{}{path}", running.root));
        let request = request.header("Idempotency-Key", "k-1").json(&body);
        send_malformed(&runtime, request);
    }
}

#[test]
fn no_path_or_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(false));
    let now = Clock::system().now().timestamp();
    let token = signer().token(ADA, Role::Operator, now, 600).unwrap();
    let get = |path: String| {
        let url = format!("{}{path}", running.root);
        running.client.get(url).bearer_auth(&token)
    };
    send_each(&runtime, 100, part(), |id| {
        get(format!("/orders/{id}/charges"))
    });
    let ids = query(&["order_id"]);
    send_each(&runtime, 100, ids, |query| get(format!("/charges?{query}")));
    let pages = query(&["after", "limit"]);
    send_each(&runtime, 100, pages, |query| {
        get(format!("/audit/charges?{query}"))
    });
    send_each(&runtime, 60, part(), |id| {
        running
            .client
            .post(format!("{}/charges/{id}/refund", running.root))
    });
}

#[test]
fn no_event_makes_the_handler_panic() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(false));
    let good = json!({"id": "e1", "type": "SHIPMENT_FAILED", "version": 1,
        "time": "2026-11-21T01:02:03.004Z", "order_id": "o1",
        "data": {"account_id": ADA, "sku": "4521", "quantity": 2, "reason": "r"}});
    hear_each(
        &runtime,
        150,
        &FailedShipments(running.ledger.clone()),
        &good,
    );
}
