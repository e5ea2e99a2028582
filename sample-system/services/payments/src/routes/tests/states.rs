//! The states that a contract's verification asks for.

use super::*;

impl Running {
    async fn state(&self, name: &str, params: Value) -> u16 {
        let body = json!({"state": name, "action": "setup", "params": params});
        self.post("/_pact/states", None, &body).await.0
    }
}

#[tokio::test]
async fn states_exist_only_when_they_are_switched_on() {
    let params = json!({"charge_id": "c1"});
    assert_eq!(
        start(false)
            .await
            .state("no such charge was made", params.clone())
            .await,
        404
    );
    assert_eq!(
        start(true)
            .await
            .state("no such charge was made", params)
            .await,
        200
    );
}

#[tokio::test]
async fn each_state_begins_afresh_and_an_unknown_one_is_refused() {
    let running = start(true).await;
    let params = json!({
        "charge_id": "c1", "order_id": "o1", "account_id": ADA,
        "amount": 9998, "currency": "USD", "idempotency_key": "k1", "card_number": "4111111111114242",
    });
    for _ in 0..2 {
        assert_eq!(
            running.state("the charge was made", params.clone()).await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([standing("charged")]));
        assert_eq!(
            running
                .state("the charge was made and refunded", params.clone())
                .await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([standing("refunded")]));
        let name = "the charge was refunded before it was made";
        assert_eq!(running.state(name, params.clone()).await, 200);
        assert_eq!(running.charge("k1", &request()).await.0, 409);
        assert_eq!(
            running
                .state("no such charge was made", params.clone())
                .await,
            200
        );
        assert_eq!(running.charges("o1").await, json!([]));
    }
    assert_eq!(running.state("the moon is full", params).await, 400);
    assert_eq!(
        running
            .state("the charge was made", json!({"charge_id": "c1"}))
            .await,
        400
    );
}
