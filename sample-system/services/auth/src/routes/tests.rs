//! Auth over real HTTP and a real database file.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use shop::clock::Clock;
use shop::metrics::Metrics;
use shop::outbox::Outbox;
use shop::serve::{self, Readiness};
use tokio_util::sync::CancellationToken;

use super::*;

mod rotation;
mod shedding;
mod strangers;

const PASSWORD: &str = "correct horse";
/// How long a password may wait to be hashed: longer than anything here takes.
const WAIT: Duration = Duration::from_secs(60);
const OPERATOR_PASSWORD: &str = "the operator's own";

struct Running {
    root: String,
    client: reqwest::Client,
    desk: Desk,
    folder: tempfile::TempDir,
}

async fn desk_in(folder: &Path, operator_password: &str) -> Desk {
    let (clock, random) = (Clock::system(), Random::system());
    let database = crate::open(folder).unwrap();
    let accounts = Accounts::new(database.clone(), Outbox::new(), clock.clone());
    let hasher = Hasher::new(random.clone(), 4, 256, WAIT, &Metrics::new()).unwrap();
    let secret = Secret::new(operator_password);
    operator::keep(&accounts, &hasher, secret).await.unwrap();
    let lifetime = Duration::from_secs(900);
    let opened = SigningKeys::open(database, clock.clone(), random.clone(), lifetime);
    crate::desk(accounts, opened.await.unwrap(), hasher, clock, random)
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk_in(folder.path(), OPERATOR_PASSWORD).await;
    start_at(desk, folder).await
}

async fn start_at(desk: Desk, folder: tempfile::TempDir) -> Running {
    shop::entry::install_tls();
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve::http(
        listener,
        routes(desk.clone()),
        Readiness::new(),
        CancellationToken::new(),
        Duration::from_secs(5),
    ));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        root,
        client,
        desk,
        folder,
    }
}

fn account(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Ada"})
}

impl Running {
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.root);
        let mut request = self.client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn sign_up(&self, key: &str, body: &Value) -> (u16, Value) {
        let headers = [("Idempotency-Key", key)];
        self.send("POST", "/accounts", &headers, Some(body)).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> (u16, Value) {
        let body = json!({"email": email, "password": password});
        self.send("POST", "/tokens", &[], Some(&body)).await
    }

    /// `Bearer` and a token of who signs in so.
    async fn bearer(&self, email: &str, password: &str) -> String {
        let (status, body) = self.sign_in(email, password).await;
        assert_eq!(status, 200, "{body}");
        format!("Bearer {}", body["access_token"].as_str().unwrap())
    }

    async fn me(&self, bearer: &str) -> (u16, Value) {
        let headers = [("Authorization", bearer)];
        self.send("GET", "/accounts/me", &headers, None).await
    }

    async fn change(&self, bearer: &str, key: &str, body: &Value) -> (u16, Value) {
        let headers = [("Authorization", bearer), ("Idempotency-Key", key)];
        self.send("PUT", "/accounts/me", &headers, Some(body)).await
    }

    /// The events in the outbox, oldest first, without their ids and times.
    fn events(&self) -> Vec<Value> {
        let connection =
            rusqlite::Connection::open(self.folder.path().join("auth.sqlite")).unwrap();
        let mut rows = connection
            .prepare("SELECT payload FROM outbox ORDER BY id")
            .unwrap();
        let payloads = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
        payloads
            .map(|payload| serde_json::from_str(&payload.unwrap()).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn who_signs_up_can_sign_in_and_see_their_account() {
    let running = start().await;
    let (status, made) = running.sign_up("k-1", &account(" Ada@Shop.example")).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["email"], "ada@shop.example");
    assert_eq!(made["role"], "customer");
    let (status, token) = running.sign_in("ADA@shop.example ", PASSWORD).await;
    assert_eq!(status, 200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 900);
    assert_eq!(token["account_id"], made["id"]);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(running.me(&bearer).await, (200, made));
    assert_eq!(running.me("Bearer a.b.c").await.0, 401);
}

#[tokio::test]
async fn signing_up_again_with_the_same_key_is_the_same_answer() {
    let running = start().await;
    let first = running.sign_up("k-1", &account("ada@shop.example")).await;
    assert_eq!(
        running.sign_up("k-1", &account("ADA@shop.example")).await,
        first
    );
    assert_eq!(first.0, 201);
    let with = |name: &str, value: &str| {
        let mut body = account("ada@shop.example");
        body[name] = value.into();
        body
    };
    assert_eq!(running.sign_up("k-1", &with("name", "Bob")).await.0, 422);
    assert_eq!(
        running
            .sign_up("k-1", &with("password", "another horse"))
            .await
            .0,
        422
    );
    assert_eq!(
        running.sign_up("k-2", &account("ada@shop.example")).await.0,
        409
    );
    // The key belongs to the address: another's is another key.
    assert_eq!(
        running.sign_up("k-1", &account("bob@shop.example")).await.0,
        201
    );
    assert_eq!(running.events().len(), 3);
}

#[tokio::test]
async fn one_key_twenty_times_at_once_is_one_account() {
    let running = start().await;
    let body = account("ada@shop.example");
    let each = (0..20).map(|_| running.sign_up("k-1", &body));
    let answers = futures_util::future::join_all(each).await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 201)
    );
    // One event of the operator and one of this account.
    assert_eq!(running.events().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_with_the_field() {
    let running = start().await;
    let long = "n".repeat(101);
    for (name, value) in [
        ("email", "ada"),
        ("email", "ada@shop.example\r\nx"),
        ("password", "1234567"),
        ("name", " "),
        ("name", "A\nB"),
        ("name", &long),
    ] {
        let mut body = account("ada@shop.example");
        body[name] = value.into();
        let (status, problem) = running.sign_up("k-1", &body).await;
        assert_eq!(status, 400, "{name} {value}");
        assert!(
            problem["detail"].as_str().unwrap().contains(name),
            "{problem}"
        );
    }
    let mut more = account("ada@shop.example");
    more["role"] = "operator".into();
    assert_eq!(running.sign_up("k-1", &more).await.0, 400);
    let body = account("ada@shop.example");
    assert_eq!(
        running.send("POST", "/accounts", &[], Some(&body)).await.0,
        400
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let running = start().await;
    running.sign_up("k-1", &account("ada@shop.example")).await;
    let wrong = running.sign_in("ada@shop.example", "wrong horse").await;
    let unknown = running.sign_in("nobody@shop.example", "wrong horse").await;
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn the_eleventh_guess_is_told_to_wait_also_for_an_address_that_nobody_has() {
    let running = start().await;
    running.sign_up("k-1", &account("ada@shop.example")).await;
    for email in ["ada@shop.example", "nobody@shop.example"] {
        for _ in 0..10 {
            assert_eq!(running.sign_in(email, "wrong horse").await.0, 401);
        }
        assert_eq!(running.sign_in(email, PASSWORD).await.0, 429, "{email}");
    }
    let operator = running.sign_in(operator::EMAIL, OPERATOR_PASSWORD).await;
    assert_eq!(operator.0, 200);
}

#[tokio::test]
async fn guesses_made_at_once_are_counted_one_by_one() {
    let running = start().await;
    let guesses = (0..60).map(|_| running.sign_in("ada@shop.example", "wrong horse"));
    let answers = futures_util::future::join_all(guesses).await;
    let guessed = answers.iter().filter(|(status, _)| *status == 401).count();
    // Four are compared at once here, so three may be under way when the tenth fails.
    assert!((10..=13).contains(&guessed), "{guessed}");
    assert!(
        answers
            .iter()
            .all(|(status, _)| [401, 429].contains(status))
    );
}

#[tokio::test]
async fn a_change_is_told_with_a_revision_that_grows_and_none_is_not() {
    let running = start().await;
    let (_, made) = running.sign_up("k-1", &account("ada@shop.example")).await;
    let bearer = running.bearer("ada@shop.example", PASSWORD).await;
    let new = json!({"email": "ada@home.example", "name": "Ada L"});
    let changed = running.change(&bearer, "c-1", &new).await;
    assert_eq!(changed.0, 200);
    assert_eq!(changed.1["email"], "ada@home.example");
    assert_eq!(running.change(&bearer, "c-1", &new).await, changed);
    assert_eq!(running.change(&bearer, "c-2", &new).await, changed);
    assert_eq!(running.me(&bearer).await, changed);
    let headers = [("Authorization", bearer.as_str())];
    let without_key = running.send("PUT", "/accounts/me", &headers, Some(&new));
    assert_eq!(without_key.await, changed);
    let other = json!({"email": "ada@home.example", "name": "Eve"});
    assert_eq!(running.change(&bearer, "c-1", &other).await.0, 422);

    let events = running.events();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event["account_id"] == made["id"])
        .map(|event| (&event["type"], &event["data"]))
        .collect();
    let data = |email: &str, name: &str, revision: u64| json!({"email": email, "name": name, "role": "customer", "revision": revision});
    assert_eq!(
        told,
        [
            (
                &json!("ACCOUNT_CHANGED"),
                &data("ada@shop.example", "Ada", 1)
            ),
            (
                &json!("ACCOUNT_CHANGED"),
                &data("ada@home.example", "Ada L", 2)
            ),
        ]
    );
    // The address is free again, and signing in goes by the new one.
    assert_eq!(running.sign_in("ada@shop.example", PASSWORD).await.0, 401);
    assert_eq!(running.sign_in("ada@home.example", PASSWORD).await.0, 200);
    assert_eq!(
        running.sign_up("k-9", &account("ada@shop.example")).await.0,
        201
    );
    let taken = json!({"email": "ada@shop.example", "name": "Ada L"});
    assert_eq!(running.change(&bearer, "c-3", &taken).await.0, 409);
}

#[tokio::test]
async fn the_operator_has_the_password_of_its_file_at_each_start_and_keeps_its_address() {
    let running = start().await;
    let old = running.bearer(operator::EMAIL, OPERATOR_PASSWORD).await;
    let moved = json!({"email": "eve@shop.example", "name": "Eve"});
    assert_eq!(running.change(&old, "c-1", &moved).await.0, 409);
    let renamed = json!({"email": operator::EMAIL, "name": "Eve"});
    assert_eq!(running.change(&old, "c-2", &renamed).await.0, 200);
    let impostor = account(operator::EMAIL);
    assert_eq!(running.sign_up("k-1", &impostor).await.0, 409);

    desk_in(running.folder.path(), "another password").await;
    assert_eq!(
        running.sign_in(operator::EMAIL, OPERATOR_PASSWORD).await.0,
        401
    );
    let again = running.bearer(operator::EMAIL, "another password").await;
    let (_, me) = running.me(&again).await;
    assert_eq!(
        (me["role"].as_str(), me["name"].as_str()),
        (Some("operator"), Some("Eve"))
    );
}
