//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{body, part, query, send_each, send_malformed};
use tokio::runtime::Runtime;

use super::*;

#[test]
fn no_body_of_an_item_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let token = token(OPERATOR, Role::Operator);
    let price = json!({"amount": 4999, "currency": "USD"});
    let one = json!({"name": "Lamp", "price": price});
    let two = json!({"title": "Lamp", "description": "D", "price": price, "featured": true});
    for (path, good) in [("/v1/items/lamp", one), ("/v2/items/lamp", two)] {
        send_each(&runtime, 120, body(good), |body| {
            let request = running.client.put(format!("{}{path}", running.root));
            let request = request.header("content-type", "application/json");
            request.bearer_auth(&token).body(body)
        });
    }
}

#[test]
fn a_list_is_no_item_and_no_price() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let price = json!({"amount": 4999, "currency": "USD"});
    for (version, list) in [
        ("v1", json!(["Lamp", price])),
        ("v1", json!({"name": "Lamp", "price": [4999, "USD"]})),
        ("v2", json!(["Lamp", "D", price, true])),
    ] {
        let url = format!("{}/{version}/items/lamp", running.root);
        let request = running.client.put(url).json(&list);
        let token = token(OPERATOR, Role::Operator);
        send_malformed(&runtime, request.bearer_auth(token));
    }
}

#[test]
fn no_path_or_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let get = |path: String| running.client.get(format!("{}{path}", running.root));
    send_each(&runtime, 60, part(), |sku| get(format!("/v1/items/{sku}")));
    send_each(&runtime, 60, part(), |sku| get(format!("/v2/items/{sku}")));
    let lists = query(&["featured", "limit"]);
    send_each(&runtime, 100, lists, |query| {
        get(format!("/v2/items?{query}"))
    });
}
