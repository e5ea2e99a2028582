//! Who sees which charges.

use super::*;

#[tokio::test]
async fn a_customer_sees_the_own_charges_and_no_others_and_an_operator_sees_all() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    let (path, bob) = ("/orders/o1/charges", Uuid::from_u128(2));
    let ones = (200, json!([standing("charged")]));
    assert_eq!(running.asked(path, ADA, Role::Customer).await, ones);
    assert_eq!(running.asked(path, bob, Role::Operator).await, ones);
    let others = running.asked(path, bob, Role::Customer).await;
    let none = running
        .asked("/orders/o2/charges", bob, Role::Customer)
        .await;
    assert_eq!(others, none);
    assert_eq!(others.0, 404);
    let anonymous = running.client.get(format!("{}{path}", running.root));
    assert_eq!(anonymous.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn every_charge_is_listed_page_by_page_to_operators_alone() {
    let running = start(false).await;
    running.charge("k1", &request()).await;
    running.refund("c2").await;
    let (status, first) = running
        .asked("/audit/charges?limit=1", ADA, Role::Operator)
        .await;
    assert_eq!(status, 200);
    let mut one = standing("charged");
    one["sequence"] = json!(1);
    assert_eq!(first, json!({"items": [one]}));
    let (_, rest) = running
        .asked("/audit/charges?after=1", ADA, Role::Operator)
        .await;
    let two = json!({"sequence": 2, "id": "c2", "status": "refused"});
    assert_eq!(rest, json!({"items": [two]}));
    let customer = running.asked("/audit/charges", ADA, Role::Customer).await;
    assert_eq!(customer.0, 403);
}
