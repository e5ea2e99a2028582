//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{hear_each, part, query, send_each};
use shop::token::Role;
use tokio::runtime::Runtime;

use super::asked::{Served, signer};
use super::*;

#[test]
fn no_path_or_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let served = runtime.block_on(async { Served::start(&warehouse(&folder)).await });
    let now = Clock::system().now().timestamp();
    let token = signer().token(ADA, Role::Operator, now, 600).unwrap();
    let get = |path: String| {
        let url = format!("{}{path}", served.root);
        served.client.get(url).bearer_auth(&token)
    };
    send_each(&runtime, 100, part(), |id| {
        get(format!("/orders/{id}/shipment"))
    });
    let ids = query(&["order_id"]);
    send_each(&runtime, 100, ids, |query| {
        get(format!("/shipments?{query}"))
    });
    let pages = query(&["after", "limit"]);
    send_each(&runtime, 100, pages, |query| {
        get(format!("/audit/shipments?{query}"))
    });
}

#[test]
fn no_event_makes_the_handler_panic() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let handler = runtime.block_on(async { Orders(warehouse(&folder)) });
    for good in [placed("e1", "o1", "DE"), cancelled("e2", "o1")] {
        hear_each(&runtime, 100, &handler, &good);
    }
}
