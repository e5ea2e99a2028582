//! Tokens from both sides: minted with a signer, believed or not by a checker.

mod keys;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;

const NOW: i64 = 1_795_000_000;
const ACCOUNT: Uuid = Uuid::from_u128(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);

fn signer(number: u8) -> Signer {
    Signer::from_seed(&[number; SEED]).unwrap()
}

fn at(seconds: i64) -> Clock {
    let time = DateTime::from_timestamp(seconds, 0).unwrap();
    Clock::from_fn(move || time)
}

fn token() -> String {
    signer(1).token(ACCOUNT, Role::Customer, NOW, 900).unwrap()
}

fn checked_at(token: &str, seconds: i64) -> Result<Claims, Refusal> {
    let keys = Keys::of([&signer(1)], at(seconds));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(keys.check(token))
}

/// A token of these parts, signed by the first signer.
fn forged(header: &Value, claims: &Value) -> String {
    let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", text(header), text(claims));
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[1; SEED]).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": signer(1).kid(), "typ": "JWT"})
}

fn claims() -> Value {
    json!({"iss": "auth", "aud": "shop", "sub": ACCOUNT, "role": "customer",
           "iat": NOW, "exp": NOW + 900})
}

#[test]
fn a_token_tells_its_account_and_role() {
    let said = checked_at(&token(), NOW).unwrap();
    assert_eq!((said.sub, said.role), (ACCOUNT, Role::Customer));
    assert_eq!(
        checked_at(&forged(&header(), &claims()), NOW).unwrap(),
        said
    );
}

#[test]
fn a_token_holds_until_half_a_minute_after_its_end() {
    assert!(checked_at(&token(), NOW + 929).is_ok());
    assert_eq!(checked_at(&token(), NOW + 930), Err(Refusal::Expired));
    assert!(checked_at(&token(), NOW - 30).is_ok());
    assert!(checked_at(&token(), NOW - 31).is_err());
}

#[test]
fn a_header_that_is_not_ours_is_refused_although_the_signature_fits() {
    let kid = signer(1).kid().to_owned();
    for header in [
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "HS256", "kid": kid}),
        json!({"alg": "eddsa", "kid": kid}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": ""}),
        json!({"alg": "EdDSA", "kid": "k".repeat(65)}),
        json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "kid": kid, "crit": ["exp"]}),
        json!({"alg": "EdDSA", "kid": kid, "jwk": {"kty": "OKP"}}),
        json!(["EdDSA", kid]),
    ] {
        let refused = checked_at(&forged(&header, &claims()), NOW).unwrap_err();
        assert!(
            matches!(refused, Refusal::Malformed(_)),
            "{header}: {refused}"
        );
    }
}

#[test]
fn claims_that_are_not_ours_are_refused_although_the_signature_fits() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().shift_remove(name);
        claims
    };
    for claims in [
        with("iss", json!("someone")),
        with("aud", json!("bank")),
        with("aud", json!(["shop"])),
        with("sub", json!("me")),
        with("role", json!("root")),
        with("exp", json!("later")),
        with("iat", json!(NOW + 31)),
        with("nbf", json!(NOW + 31)),
        without("iss"),
        without("aud"),
        without("sub"),
        without("role"),
        without("iat"),
        without("exp"),
    ] {
        let refused = checked_at(&forged(&header(), &claims), NOW).unwrap_err();
        assert!(
            matches!(refused, Refusal::Malformed(_)),
            "{claims}: {refused}"
        );
    }
    assert!(checked_at(&forged(&header(), &with("name", json!("x"))), NOW).is_ok());
}

#[test]
fn a_token_signed_with_another_key_of_the_same_name_is_refused() {
    let other = signer(2).token(ACCOUNT, Role::Operator, NOW, 900).unwrap();
    assert_eq!(checked_at(&other, NOW), Err(Refusal::UnknownKey));
    let (signed, _) = token()
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    let mixed = format!("{signed}.{signature}");
    assert_eq!(checked_at(&mixed, NOW), Err(Refusal::Signature));
}

proptest! {
    #[test]
    fn no_text_from_outside_makes_the_reader_panic_or_believe(text in ".{0,300}") {
        prop_assert!(checked_at(&text, NOW).is_err());
    }

    #[test]
    fn no_three_parts_make_the_reader_panic_or_believe(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..5),
    ) {
        let text: Vec<_> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        prop_assert!(checked_at(&text.join("."), NOW).is_err());
    }

    #[test]
    fn a_token_with_one_character_changed_added_or_cut_is_refused(
        place in 0usize..10_000, character in "[ -~]", way in 0..3,
    ) {
        let token = token();
        let place = place % token.len();
        let (before, after) = token.split_at(place);
        let text = match way {
            0 => format!("{before}{character}{}", &after[1..]),
            1 => format!("{before}{character}{after}"),
            _ => format!("{before}{}", &after[1..]),
        };
        prop_assume!(text != token);
        prop_assert!(checked_at(&text, NOW).is_err(), "{}", text);
    }

    #[test]
    fn no_set_of_keys_makes_the_reader_panic(x in ".{0,60}", kid in ".{0,5}") {
        let jwk: Jwk = serde_json::from_value(
            json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid}),
        ).unwrap();
        let _usable = jwk.public();
    }
}

#[derive(Clone)]
struct Shop(Keys);

impl FromRef<Shop> for Keys {
    fn from_ref(shop: &Shop) -> Self {
        shop.0.clone()
    }
}

/// A service with a route for anyone signed in and one for operators, whose keys come from `auth`.
async fn service(auth: &str) -> String {
    crate::entry::install_tls();
    let auth = crate::http_client::Peer::new("auth", auth, Duration::from_secs(2)).unwrap();
    let routes = Router::new()
        .route("/me", get(async |me: Caller| me.account_id.to_string()))
        .route("/all", get(async |_: Operator| "all"))
        .with_state(Shop(Keys::new(auth, at(NOW))));
    serve(routes).await
}

async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    root
}

async fn ask(url: String, authorization: Option<&str>) -> (u16, Option<String>, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(url);
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    let challenge = answer.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
    (
        answer.status().as_u16(),
        challenge,
        answer.text().await.unwrap(),
    )
}

#[tokio::test]
async fn a_handler_is_handed_its_caller_and_others_are_told_why_not() {
    let set = JwkSet {
        keys: vec![signer(1).public().clone()],
    };
    let published = serde_json::to_value(set).unwrap();
    let auth = Router::new().route(JWKS_PATH, get(async move || axum::Json(published.clone())));
    let root = service(&serve(auth).await).await;
    let customer = format!("Bearer {}", token());
    let operator = signer(1).token(ACCOUNT, Role::Operator, NOW, 900).unwrap();
    let operator = format!("bearer {operator}");

    let (status, _, body) = ask(format!("{root}/me"), Some(&customer)).await;
    assert_eq!((status, body), (200, ACCOUNT.to_string()));
    let (status, challenge, body) = ask(format!("{root}/all"), Some(&customer)).await;
    assert_eq!(status, 403);
    assert!(challenge.unwrap().contains("insufficient_scope"));
    assert!(body.contains("operators"), "{body}");
    assert_eq!(ask(format!("{root}/all"), Some(&operator)).await.0, 200);

    let (status, challenge, _) = ask(format!("{root}/me"), None).await;
    assert_eq!(
        (status, challenge.as_deref()),
        (401, Some("Bearer realm=\"shop\""))
    );
    for bad in ["Basic bWU6bWU=", "Bearer", "Bearer ", "Bearer a.b.c"] {
        let (status, challenge, body) = ask(format!("{root}/me"), Some(bad)).await;
        assert_eq!(status, 401, "{bad}");
        assert!(
            challenge.is_some() && body.contains("\"status\":401"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn without_auth_and_its_keys_a_token_is_answered_503_and_later_200() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let root = service(&format!("http://{address}")).await;
    let customer = format!("Bearer {}", token());
    assert_eq!(ask(format!("{root}/me"), Some(&customer)).await.0, 503);
    // Whoever sent none is told so without any key.
    assert_eq!(ask(format!("{root}/me"), None).await.0, 401);

    let published = serde_json::to_value(JwkSet {
        keys: vec![signer(1).public().clone()],
    })
    .unwrap();
    let auth = Router::new().route(JWKS_PATH, get(async move || axum::Json(published.clone())));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, auth).await });
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while ask(format!("{root}/me"), Some(&customer)).await.0 != 200 {
        assert!(std::time::Instant::now() < deadline, "the keys never came");
    }
}

#[tokio::test]
async fn a_grpc_request_has_its_caller_in_its_metadata() {
    let keys = Keys::of([&signer(1)], at(NOW));
    let mut metadata = tonic::metadata::MetadataMap::new();
    let refused = keys.operator_of(&metadata).await.unwrap_err();
    assert_eq!(
        tonic::Status::from(refused).code(),
        tonic::Code::Unauthenticated
    );
    metadata.insert(
        "authorization",
        format!("Bearer {}", token()).parse().unwrap(),
    );
    assert_eq!(keys.caller_of(&metadata).await.unwrap().account_id, ACCOUNT);
    let refused = keys.operator_of(&metadata).await.unwrap_err();
    assert_eq!(
        tonic::Status::from(refused).code(),
        tonic::Code::PermissionDenied
    );
}

#[test]
fn keys_are_named_and_published_as_the_rfc_has_it() {
    // RFC 8037, appendix A: the key, its public half and its thumbprint.
    let seed = URL_SAFE_NO_PAD
        .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
        .unwrap();
    let signer = Signer::from_seed(&seed.try_into().unwrap()).unwrap();
    assert_eq!(
        signer.public().x,
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    );
    assert_eq!(signer.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_signer_shows_its_name_and_never_its_key() {
    assert_eq!(
        format!("{:?}", signer(1)),
        format!("Signer({})", signer(1).kid())
    );
}
