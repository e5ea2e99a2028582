//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{each, hear_each, query, send_each, text};
use proptest::prelude::*;
use serde_json::json;
use shop::serve::{self, Readiness};
use tokio::runtime::Runtime;

use super::*;
use crate::audit;
use crate::failed_shipments::FailedShipments;

/// Fails where a call found the service out of order, or was answered at length.
fn assert_in_order<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) {
    if let Err(status) = answer {
        let broken = [
            Code::Internal,
            Code::Unknown,
            Code::Unavailable,
            Code::DeadlineExceeded,
        ];
        assert!(!broken.contains(&status.code()), "{status}");
        assert!(
            status.message().len() <= outside::LONGEST_ANSWER,
            "{status}"
        );
    }
}

#[test]
fn no_message_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start_on(Arc::new(tempfile::tempdir().unwrap())));
    each(
        150,
        (text(), text(), any::<u32>()),
        |(order_id, sku, number)| {
            let mut client = running.client.clone();
            let set = SetStockRequest {
                sku: sku.clone(),
                units: number,
            };
            let reserve = ReserveRequest {
                order_id: order_id.clone(),
                sku: sku.clone(),
                quantity: number,
            };
            let check = CheckRequest {
                sku: sku.clone(),
                quantity: number,
            };
            runtime.block_on(async {
                assert_in_order(client.set_stock(by(Role::Operator, set)).await);
                assert_in_order(client.get_stock(GetStockRequest { sku }).await);
                assert_in_order(client.check(check).await);
                assert_in_order(client.reserve(reserve).await);
                let commit = CommitRequest {
                    order_id: order_id.clone(),
                };
                assert_in_order(client.commit(commit).await);
                assert_in_order(client.release(ReleaseRequest { order_id }).await);
            });
        },
    );
}

#[test]
fn no_bytes_are_a_message_that_makes_the_reader_panic() {
    use prost::Message as _;
    each(500, prop::collection::vec(any::<u8>(), 0..120), |bytes| {
        let _set = SetStockRequest::decode(bytes.as_slice());
        let _reserve = ReserveRequest::decode(bytes.as_slice());
        let _commit = CommitRequest::decode(bytes.as_slice());
    });
}

#[test]
fn no_event_makes_the_handler_panic_or_try_for_ever() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let room = runtime.block_on(async { room(folder.path()) });
    let good = json!({"id": "e1", "type": "SHIPMENT_FAILED", "version": 1,
        "time": "2026-11-21T01:02:03.004Z", "order_id": "o1",
        "data": {"account_id": "a", "sku": "4521", "quantity": 2, "reason": "r"}});
    hear_each(&runtime, 150, &FailedShipments(room), &good);
}

#[test]
fn no_query_of_the_auditor_is_answered_out_of_order() {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    shop::entry::install_tls();
    let root = runtime.block_on(async {
        let listener = serve::listen("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let keys = Keys::of([&signer()], Clock::system());
        let routes = audit::routes(room(folder.path()), keys);
        let (never, grace) = (CancellationToken::new(), Duration::from_secs(5));
        tokio::spawn(serve::http(
            listener,
            routes,
            Readiness::new(),
            never,
            grace,
        ));
        root
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let now = Clock::system().now().timestamp();
    let token = signer()
        .token(Uuid::nil(), Role::Operator, now, 600)
        .unwrap();
    for path in ["/audit/stock", "/audit/reservations"] {
        send_each(&runtime, 80, query(&["after", "limit"]), |query| {
            client
                .get(format!("{root}{path}?{query}"))
                .bearer_auth(&token)
        });
    }
}
