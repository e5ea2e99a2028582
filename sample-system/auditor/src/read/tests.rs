//! Reading over real HTTP, from owners made by hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, Query};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;

use super::*;
use crate::arguments::Format;
use crate::facts::{Charge, Mail, Order, OrderStatus};

async fn sources(routes: Router) -> Sources {
    sources_of(routes, "127.0.0.1:1").await
}

async fn sources_of(routes: Router, kafka: &str) -> Sources {
    shop::entry::prepare();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let request = Request {
        gateway,
        kafka: kafka.to_owned(),
        password: "correct horse".to_owned(),
        sent: None,
        within: Duration::from_secs(120),
        settle: Duration::from_secs(20),
        first_order: Duration::ZERO,
        format: Format::Human,
    };
    Sources::new(&request).unwrap()
}

fn page(query: &HashMap<String, String>, all: usize) -> Json<Value> {
    let after: usize = query["after"].parse().unwrap();
    let limit: usize = query["limit"].parse().unwrap();
    let last = all.min(after + limit);
    let items = (after + 1..=last).map(|sequence| {
        json!({"sequence": sequence, "message_id": format!("m-{sequence}"), "order_id": "o",
               "kind": "confirmation", "to": "ada@shop.example", "repeats": 0})
    });
    Json(json!({"items": items.collect::<Vec<_>>()}))
}

#[tokio::test]
async fn a_list_of_many_pages_is_read_to_its_end_with_the_operators_token() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mails = async move |headers: HeaderMap, Query(query): Query<HashMap<String, String>>| {
        count.fetch_add(1, Ordering::Relaxed);
        assert_eq!(headers["authorization"], "Bearer the token");
        page(&query, 2000)
    };
    let tokens = async |Json(body): Json<Value>| {
        assert_eq!(
            body,
            json!({"email": OPERATOR, "password": "correct horse"})
        );
        Json(json!({"access_token": "the token", "token_type": "Bearer"}))
    };
    let routes = Router::new()
        .route("/audit/mails", get(mails))
        .route("/tokens", post(tokens));
    let sources = sources(routes).await;
    let token = sources.sign_in().await.unwrap();
    let mails: Vec<Mail> = sources.list(&token, "/audit/mails").await.unwrap();
    assert_eq!((mails.len(), asked.load(Ordering::Relaxed)), (2000, 3));
    assert_eq!(mails[1999].message_id, "m-2000");
}

/// A shop with one declined order, and its topics.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_shop_is_read_and_holds() {
    use shop::kafka::{Producer, Publish as _, Record};
    let cluster = rdkafka::mocking::MockCluster::new(1).unwrap();
    for (topic, partitions) in [
        ("orders", 3),
        ("payments", 3),
        ("shipping", 3),
        ("inventory", 1),
    ] {
        cluster.create_topic(topic, partitions, 1).unwrap();
    }
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&brokers, "test").unwrap();
    let event = async |topic: &str, kind: &str, key: (&str, &str), id: &str, data: Value| {
        let mut payload = json!({"id": id, "type": kind, "version": 1,
            "time": "2026-11-21T01:02:04Z", "data": data});
        payload[key.0] = key.1.into();
        let record = Record {
            topic: topic.to_owned(),
            key: key.1.to_owned(),
            payload: payload.to_string().into_bytes(),
            headers: Vec::new(),
        };
        producer.publish(&record).await.unwrap();
    };
    let (order, item) = (("order_id", "o"), ("sku", "lamp"));
    for (id, available) in [("s-1", 12), ("s-2", 10), ("s-3", 12), ("s-3", 12)] {
        let data = json!({"available": available});
        event("inventory", "STOCK_CHANGED", item, id, data).await;
    }
    event("orders", "ORDER_CANCELLED", order, "e-1", json!({})).await;

    let one = |items: Value| get(async move || Json(json!({ "items": items })));
    let movement = |sequence: i64, change: i64, available: i64, order: Option<&str>| {
        json!({"sequence": sequence, "sku": "lamp", "change": change, "available": available,
               "order_id": order})
    };
    let of_order = |more: Value| {
        let mut item = json!({"sequence": 1, "id": "c", "order_id": "o", "sku": "lamp"});
        let more = more.as_object().cloned().unwrap();
        item.as_object_mut().unwrap().extend(more);
        json!([item])
    };
    let routes = Router::new()
        .route("/tokens", post(async || Json(json!({"access_token": "t"}))))
        .route("/audit/orders", one(json!([{
            "sequence": 1, "id": "o", "account_id": "a", "key": "k", "sku": "lamp", "quantity": 2,
            "status": "cancelled", "reason": "payment_declined",
            "placed": "2026-11-21T01:02:03Z", "ended": "2026-11-21T01:02:04Z",
        }])))
        .route("/audit/charges", one(of_order(json!({
            "status": "declined", "amount": 9998, "currency": "USD", "account_id": "a",
        }))))
        .route("/audit/stock", one(json!([
            movement(1, 12, 12, None),
            movement(2, -2, 10, Some("o")),
            movement(3, 2, 12, Some("o")),
        ])))
        .route("/audit/reservations", one(of_order(json!({"quantity": 2, "status": "released"}))))
        .route("/audit/shipments", one(json!([])))
        .route("/audit/mails", one(of_order(json!({"message_id": "m", "kind": "cancellation"}))))
        .route("/items/{sku}/stock", get(async || Json(json!({"available": 12}))));
    let facts = sources_of(routes, &brokers).await.read().await.unwrap();
    assert_eq!((facts.events.len(), facts.levels["lamp"]), (4, 12));
    let now = chrono::Utc::now();
    assert_eq!(
        crate::rules::judge(&facts, now, Duration::from_secs(120)),
        []
    );
}

#[tokio::test]
async fn a_list_that_does_not_grow_or_is_not_as_agreed_is_named() {
    let same = async || Json(json!({"items": [{"sequence": 1}, {"sequence": 1}]}));
    let routes = Router::new()
        .route(
            "/audit/mails",
            get(async || Json(json!({"items": [{"sequence": 0}]}))),
        )
        .route("/audit/orders", get(same))
        .route("/audit/charges", get(async || Json(json!([]))))
        .route("/audit/stock", get(async || http::StatusCode::FORBIDDEN));
    let sources = sources(routes).await;
    for (route, part) in [
        ("/audit/mails", "no `sequence` above 0"),
        ("/audit/orders", "missing field `id`"),
        ("/audit/charges", "something else than agreed"),
        ("/audit/stock", "answers 403"),
        ("/audit/none", "answers 404"),
    ] {
        let refused = sources
            .list::<Order>("t", route)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(part) && refused.contains(route),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_is_away_for_a_moment_is_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let level = async move |Path(sku): Path<String>| {
        if asked.fetch_add(1, Ordering::Relaxed) < 2 {
            return http::StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Json(json!({"sku": sku, "available": 7})).into_response()
    };
    let sources = sources(Router::new().route("/items/{sku}/stock", get(level))).await;
    let movement = Movement {
        sku: "lamp".to_owned(),
        change: 7,
        available: 7,
        order_id: None,
    };
    let levels = sources
        .levels("t", &[movement.clone(), movement])
        .await
        .unwrap();
    assert_eq!(levels, BTreeMap::from([("lamp".to_owned(), 7)]));
}

#[tokio::test]
async fn a_wrong_password_is_told_with_what_it_may_be() {
    let wrong = post(async || http::StatusCode::UNAUTHORIZED);
    let sources = sources(Router::new().route("/tokens", wrong)).await;
    let refused = sources.sign_in().await.unwrap_err().to_string();
    assert!(
        refused.contains("401") && !refused.contains("correct horse"),
        "{refused}"
    );
}

/// The shapes that `docs/design/shop.md` agrees on, read as they stand there.
#[test]
fn items_are_read_as_agreed() {
    let order: Order = serde_json::from_value(json!({
        "sequence": 1, "id": "o", "account_id": "a", "key": "k", "sku": "lamp", "quantity": 2,
        "total": {"amount": 9998, "currency": "USD"}, "status": "cancelled",
        "reason": "payment_declined", "placed": "2026-11-21T01:02:03.004Z",
        "ended": "2026-11-21T01:02:04.004Z",
    }))
    .unwrap();
    assert_eq!(order.status, OrderStatus::Cancelled);
    let charge: Charge = serde_json::from_value(json!({
        "sequence": 1, "id": "c", "order_id": "o", "account_id": "a", "status": "charged",
        "amount": 9998, "currency": "USD",
    }))
    .unwrap();
    assert_eq!(charge.sum, order.total);
    let tombstone: Charge =
        serde_json::from_value(json!({"sequence": 2, "id": "c", "status": "refused"})).unwrap();
    assert_eq!((tombstone.sum, tombstone.order_id), (None, None));
}
