//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{body, header, send_each, send_malformed};
use tokio::runtime::Runtime;

use super::*;

#[test]
fn no_body_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let token = runtime.block_on(running.bearer(operator::EMAIL, OPERATOR_PASSWORD));
    let ada = account("ada@shop.example");
    let sign_in = json!({"email": "ada@shop.example", "password": PASSWORD});
    let change = json!({"email": operator::EMAIL, "name": "Eve"});
    for (method, path, good) in [
        ("POST", "/accounts", ada),
        ("POST", "/tokens", sign_in),
        ("PUT", "/accounts/me", change),
    ] {
        send_each(&runtime, 80, body(good), |body| {
            let url = format!("{}{path}", running.root);
            let request = running.client.request(method.parse().unwrap(), url);
            let request = request.header("Idempotency-Key", Uuid::new_v4().to_string());
            let request = request.header("Authorization", &token);
            request
                .header("content-type", "application/json")
                .body(body)
        });
    }
}

#[test]
fn a_list_is_no_account_no_sign_in_and_no_change() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let token = runtime.block_on(running.bearer(operator::EMAIL, OPERATOR_PASSWORD));
    for (method, path, list) in [
        (
            "POST",
            "/accounts",
            json!(["ada@shop.example", PASSWORD, "Ada"]),
        ),
        (
            "POST",
            "/tokens",
            json!([operator::EMAIL, OPERATOR_PASSWORD]),
        ),
        ("PUT", "/accounts/me", json!([operator::EMAIL, "Eve"])),
    ] {
        let url = format!("{}{path}", running.root);
        let request = running.client.request(method.parse().unwrap(), url);
        let request = request.header("Idempotency-Key", "k-1");
        let request = request.header("Authorization", &token).json(&list);
        send_malformed(&runtime, request);
    }
}

#[test]
fn no_key_or_token_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start());
    let token = runtime.block_on(running.bearer(operator::EMAIL, OPERATOR_PASSWORD));
    for name in ["Authorization", "Idempotency-Key"] {
        send_each(&runtime, 60, header(name), |value| {
            let mut headers = http::HeaderMap::new();
            headers.insert("Authorization", token.parse().unwrap());
            headers.insert(name, value);
            let url = format!("{}/keys/rotate", running.root);
            running.client.post(url).headers(headers)
        });
    }
}
