//! Who sees which orders.

use super::*;

#[tokio::test]
async fn without_a_token_no_route_answers() {
    let running = patient().await;
    running.post("k1", &lamps(), &[]).await;
    for path in ["/orders", "/orders/x", "/orders/x/events", "/audit/orders"] {
        let response = running.client.get(format!("{}{path}", running.root));
        assert_eq!(response.send().await.unwrap().status(), 401, "{path}");
    }
    let orders = format!("{}/orders", running.root);
    let request = running.client.post(orders).json(&lamps());
    let response = request.header("Idempotency-Key", "k").send().await;
    assert_eq!(response.unwrap().status(), 401);
}

#[tokio::test]
async fn anothers_order_is_not_there_and_an_operator_sees_all() {
    let running = patient().await;
    let (_, order) = running.post("k1", &lamps(), &[]).await;
    let id = order["id"].as_str().unwrap();
    for path in [format!("/orders/{id}"), format!("/orders/{id}/events")] {
        let (status, problem) = running.get_as(BOB, &path).await;
        let unknown = path.replace(id, "5d7a9e35-6f0b-4c41-8a5e-2b9d13c7e046");
        assert_eq!(status, 404);
        assert_eq!((status, problem), running.get_as(BOB, &unknown).await);
        assert_eq!(running.get_as(OPERATOR, &path).await.0, 200);
    }
    assert_eq!(running.get_as(BOB, "/orders").await.1, json!({"items": []}));
    assert_eq!(running.get_as(ADA, "/audit/orders").await.0, 403);
}

#[tokio::test]
async fn the_same_key_of_two_accounts_makes_two_orders() {
    let running = patient().await;
    let (_, one) = running.post_as(ADA, "k1", &lamps(), &[]).await;
    let (_, other) = running.post_as(BOB, "k1", &lamps(), &[]).await;
    assert_ne!(one["id"], other["id"]);
    assert_eq!(running.neighbours.available(), 8);
}

#[tokio::test]
async fn own_orders_are_listed_the_newest_first_and_the_auditor_gets_all_in_their_sequence() {
    let running = patient().await;
    for (account, key) in [(ADA, "1"), (BOB, "2"), (ADA, "3")] {
        running.post_as(account, key, &lamps(), &[]).await;
    }
    let (_, first) = running.post("1", &lamps(), &[]).await;
    let (_, third) = running.post("3", &lamps(), &[]).await;
    let listed = running.get("/orders?limit=5").await.1;
    assert_eq!(listed, json!({"items": [third, first]}));
    assert_eq!(
        running.get("/orders?limit=1").await.1,
        json!({"items": [third]})
    );

    let (_, all) = running.get_as(OPERATOR, "/audit/orders").await;
    let keys: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| &o["key"])
        .collect();
    assert_eq!(keys, ["1", "2", "3"]);
    let item = &all["items"][0];
    assert_eq!(item["account_id"], json!(ADA));
    assert_eq!(item["status"], "confirmed");
    assert_eq!(item.get("ended"), None);
    let path = format!("/audit/orders?after={}&limit=1", item["sequence"]);
    let (_, page) = running.get_as(OPERATOR, &path).await;
    assert_eq!(page["items"], json!([all["items"][1]]));
    for bad in [
        "/orders?limit=0",
        "/orders?limit=101",
        "/orders?limt=5",
        "/orders?limit=x",
    ] {
        assert_eq!(running.get(bad).await.0, 400, "{bad}");
    }
    for bad in ["limit=1001", "limit=0", "after=-1"] {
        let bad = format!("/audit/orders?{bad}");
        assert_eq!(running.get_as(OPERATOR, &bad).await.0, 400, "{bad}");
    }
}
