//! Keys that rotate under whoever is signed in.

use std::sync::Mutex;

use super::*;

#[tokio::test]
async fn only_an_operator_rotates_keys() {
    let running = start().await;
    running.sign_up("k-1", &account("ada@shop.example")).await;
    let customer = running.bearer("ada@shop.example", PASSWORD).await;
    let operator = running.bearer(operator::EMAIL, OPERATOR_PASSWORD).await;
    let rotate = async |bearer: &str, key: &str| {
        let headers = [("Authorization", bearer), ("Idempotency-Key", key)];
        running.send("POST", "/keys/rotate", &headers, None).await
    };
    assert_eq!(rotate("Bearer", "r-1").await.0, 401);
    assert_eq!(rotate(&customer, "r-1").await.0, 403);
    let (status, rotated) = rotate(&operator, "r-1").await;
    assert_eq!(status, 200);
    assert_eq!(rotate(&operator, "r-1").await.1, rotated);
    let (_, set) = running.send("GET", JWKS_PATH, &[], None).await;
    let kids: Vec<_> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["kid"])
        .collect();
    assert!(kids.len() == 3 && kids.contains(&&rotated["kid"]), "{set}");
    // A token of before goes on holding.
    assert_eq!(running.me(&customer).await.0, 200);
}

#[tokio::test]
async fn a_rotation_says_nothing_and_its_key_stands_for_that() {
    let running = start().await;
    let operator = running.bearer(operator::EMAIL, OPERATOR_PASSWORD).await;
    let rotate = async |key: &str, body: Option<&Value>| {
        let headers = [("Authorization", &*operator), ("Idempotency-Key", key)];
        running.send("POST", "/keys/rotate", &headers, body).await
    };
    let (status, rotated) = rotate("r-1", None).await;
    assert_eq!(status, 200);
    assert_eq!(rotate("r-1", Some(&json!({}))).await, (200, rotated));
    assert_eq!(rotate("r-1", Some(&json!({"a": 1}))).await.0, 422);
    assert_eq!(rotate("r-2", Some(&json!({"a": 1}))).await.0, 400);
    let published = running.desk.signing.published().keys.len();
    assert_eq!(published, 3, "one rotation");
    assert_eq!(rotate("r-2", None).await.0, 200);
}

/// A service of the shop that checks tokens with what auth publishes over HTTP.
async fn checker(auth: &str) -> String {
    let peer = shop::http_client::Peer::new("auth", auth, Duration::from_secs(2)).unwrap();
    let keys = Keys::new(peer, Clock::system());
    let routes = Router::new()
        .route("/me", get(async |me: Caller| me.account_id.to_string()))
        .with_state(Checker(keys));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    root
}

#[derive(Clone)]
struct Checker(Keys);

impl FromRef<Checker> for Keys {
    fn from_ref(checker: &Checker) -> Self {
        checker.0.clone()
    }
}

#[tokio::test]
async fn two_hundred_requests_while_keys_rotate_and_none_fails() {
    let running = start().await;
    running.sign_up("k-1", &account("ada@shop.example")).await;
    let checker = checker(&running.root).await;
    let rotations = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            running.desk.signing.rotate(None).await.unwrap();
        }
    };
    let failures = Mutex::new(Vec::new());
    let requests = async {
        for number in 0..50 {
            let four = (0..4).map(|_| async {
                let bearer = running.bearer("ada@shop.example", PASSWORD).await;
                let url = format!("{checker}/me");
                let request = running.client.get(url).header("Authorization", bearer);
                let status = request.send().await.unwrap().status();
                if status != StatusCode::OK {
                    failures.lock().unwrap().push((number, status));
                }
            });
            futures_util::future::join_all(four).await;
        }
    };
    tokio::join!(rotations, requests);
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(running.desk.signing.published().keys.len(), 7);
}

#[tokio::test]
async fn whoever_rotates_too_often_is_told_when_to_come_again_and_stays_signed_in() {
    let running = start().await;
    let operator = running.bearer(operator::EMAIL, OPERATOR_PASSWORD).await;
    let rotate = async |key: &str| {
        let headers = [("Authorization", &*operator), ("Idempotency-Key", key)];
        running.send("POST", "/keys/rotate", &headers, None).await
    };
    let mut last = json!(null);
    for at in 0..16 {
        let (status, rotated) = rotate(&format!("r-{at}")).await;
        assert_eq!(status, 200);
        last = rotated;
    }
    let (status, problem) = rotate("r-16").await;
    assert_eq!(status, 429, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("retired lately: try again in"), "{detail}");
    assert_eq!(rotate("r-15").await, (200, last), "it changes nothing");
    assert_eq!(running.me(&operator).await.0, 200);
}
