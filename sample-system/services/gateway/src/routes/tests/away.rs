//! Services that are slow or away, and the home page.

use super::*;

#[tokio::test]
async fn a_service_that_is_gone_is_503_and_one_that_is_silent_504() {
    let gone = start(behaving(Behind::Gone)).await;
    let silent = start(Given {
        behaviour: Behind::Silent,
        settings: IMPATIENT,
    })
    .await;
    for (method, path, body, _) in ROUTES {
        if path == "/recommendations" {
            continue; // An empty shelf, see below.
        }
        let answer = gone.as_operator(method, path, body).await;
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(answer.headers()["retry-after"], "2", "{path}");
        assert_eq!(json(answer).await["status"], 503, "{path}");
        if !path.ends_with("/stock") {
            let answer = silent.as_operator(method, path, body).await;
            assert_eq!(answer.status(), 504, "{path}");
        }
    }
}

#[tokio::test]
async fn what_a_service_last_answered_stands_in_for_it_and_says_so() {
    let running = start(Given::default()).await;
    running
        .seen
        .answers("/v1/items/lamp", json!({"sku": "lamp"}));
    let fresh = running.ask("GET", "/v1/items/lamp", &[]).await;
    assert!(!fresh.headers().contains_key("warning"));
    running.seen.fail();
    let stale = running.ask("GET", "/v1/items/lamp", &[]).await;
    assert_eq!(stale.status(), 200);
    assert!(
        stale.headers()["warning"]
            .to_str()
            .unwrap()
            .starts_with("110")
    );
    assert_eq!(json(stale).await, json!({"sku": "lamp"}));
    let other = running.ask("GET", "/v1/items/chair", &[]).await;
    assert_eq!(other.status(), 500);
    let token = [("authorization", running.customer.as_str())];
    let shelf = running.ask("GET", "/recommendations", &token).await;
    assert_eq!(json(shelf).await, json!({"items": []}));
    let text = running.metrics().await;
    let used = r#"fallbacks_total{route="/v1/items/{sku}"} 1"#;
    assert!(text.contains(used), "{text}");
}

/// What the five services of the home page answer.
fn five(seen: &Seen) {
    seen.answers("/auth/accounts/me", json!({"id": "a", "name": "Ada"}));
    seen.answers("/catalog/v2/items", json!({"items": [{"sku": "f"}]}));
    seen.answers("/search/popular", json!({"items": [{"sku": "p"}]}));
    seen.answers(
        "/recommendations/recommendations",
        json!({"items": [{"sku": "r"}]}),
    );
    seen.answers("/orders/orders", json!({"items": [{"id": "o"}]}));
}

#[tokio::test]
async fn the_home_page_asks_five_services_at_once_as_whoever_asked() {
    let running = start(behaving(Behind::Together(5))).await;
    five(&running.seen);
    let token = [("authorization", running.customer.as_str())];
    let page = running.ask("GET", "/home", &token).await;
    assert_eq!(page.status(), 200);
    assert_eq!(
        json(page).await,
        json!({
            "account": {"id": "a", "name": "Ada"},
            "featured": [{"sku": "f"}],
            "popular": [{"sku": "p"}],
            "recommendations": [{"sku": "r"}],
            "orders": [{"id": "o"}],
            "stale": [],
            "missing": [],
        })
    );
    assert_eq!(running.seen.count(), 5);
    assert_eq!(
        running.seen.last().headers["authorization"],
        running.customer
    );
    assert_eq!(running.ask("GET", "/home", &[]).await.status(), 401);
}

#[tokio::test]
async fn the_home_page_does_without_what_is_away_and_says_so() {
    let running = start(Given::default()).await;
    five(&running.seen);
    let token = [("authorization", running.customer.as_str())];
    running.ask("GET", "/home", &token).await;
    running.seen.fail();
    let page = running.ask("GET", "/home", &token).await;
    assert_eq!(page.status(), 200);
    assert_eq!(
        json(page).await,
        json!({
            "account": {"id": "a", "name": "Ada"},
            "featured": [{"sku": "f"}],
            "popular": [{"sku": "p"}],
            "recommendations": [],
            "orders": [],
            "stale": ["account", "featured", "popular"],
            "missing": ["recommendations", "orders"],
        })
    );
    let other = [("authorization", running.operator.as_str())];
    let page = json(running.ask("GET", "/home", &other).await).await;
    assert_eq!(
        page["account"],
        Value::Null,
        "nobody sees another's account"
    );
}

#[tokio::test]
async fn each_part_of_the_home_page_has_its_own_time() {
    let running = start(Given {
        behaviour: Behind::Silent,
        settings: &[
            ("HOME_TIMEOUT", "200ms"),
            ("ORDERS_TIMEOUT", "10m"),
            ("AUTH_TIMEOUT", "10m"),
            ("UPSTREAM_TIMEOUT", "10m"),
        ],
    })
    .await;
    let token = [("authorization", running.customer.as_str())];
    let asking = running.ask("GET", "/home", &token);
    let page = tokio::time::timeout(Duration::from_secs(60), asking).await;
    let page = json(page.expect("the page does not wait for the services")).await;
    let all = json!([
        "account",
        "featured",
        "popular",
        "recommendations",
        "orders"
    ]);
    assert_eq!(page["missing"], all);
}

#[tokio::test]
async fn seeded_without_fallbacks_what_is_away_makes_the_page_fail() {
    let settings = [PATIENT, &[("SEEDED_BUGS", "missing-fallback")]].concat();
    let running = start(Given {
        behaviour: Behind::Gone,
        settings: &settings,
    })
    .await;
    for path in ["/home", "/recommendations"] {
        let answer = running.as_operator("GET", path, "").await;
        assert_eq!(answer.status(), 503, "{path}");
    }
}

#[tokio::test]
async fn seeded_with_a_retry_storm_one_request_is_many() {
    let calm = start(Given::default()).await;
    calm.seen.fail();
    calm.as_operator("GET", "/orders", "").await;
    assert_eq!(calm.seen.count(), 1, "no budget is earned yet");
    let storm = start(Given {
        settings: &[("SEEDED_BUGS", "retry-storm")],
        ..Given::default()
    })
    .await;
    storm.seen.fail();
    storm.as_operator("GET", "/orders", "").await;
    assert!(storm.seen.count() > 10, "{}", storm.seen.count());
}

#[tokio::test]
async fn seeded_without_timeouts_silence_is_waited_for() {
    let settings = [IMPATIENT, &[("SEEDED_BUGS", "no-timeout")]].concat();
    let running = start(Given {
        behaviour: Behind::Silent,
        settings: &settings,
    })
    .await;
    let asking = running.as_operator("GET", "/orders", "");
    let waited = tokio::time::timeout(Duration::from_millis(800), asking).await;
    assert!(waited.is_err(), "it was given up");
}
