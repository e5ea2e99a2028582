//! The gateway over real HTTP, before services that note what reaches them.

mod behind;

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use shop::bugs::{Bug, Bugs};
use shop::calls::Limits;
use shop::clock::Clock;
use shop::config::Settings;
use shop::draw::Draw;
use shop::metrics::Metrics;
use shop::serve::queue::QueueLimits;
use shop::serve::{self, Readiness, Serving};
use shop::token::{Keys, Role, Signer};
use tokio_util::sync::CancellationToken;

use self::behind::{Behind, Seen, behind, inventory};
use super::*;
use crate::config::{BUGS, Config};
use crate::rates::Rates;
use crate::table;
use crate::upstreams::{Service, Upstreams};

struct Running {
    root: String,
    client: reqwest::Client,
    seen: Seen,
    customer: String,
    operator: String,
}

/// How a gateway under test differs from the default.
#[derive(Default)]
struct Given<'s> {
    behaviour: Behind,
    settings: &'s [(&'s str, &'s str)],
}

fn signer() -> Signer {
    Signer::from_seed(&[7; shop::token::SEED]).unwrap()
}

fn token(role: Role) -> String {
    let account = Uuid::from_u128(match role {
        Role::Operator => 1,
        Role::Customer => 2,
    });
    let token = signer().token(account, role, Clock::system().now().timestamp(), 900);
    format!("Bearer {}", token.unwrap())
}

fn read(web: &str, grpc: &str, given: &Given<'_>) -> Config {
    let mut pairs = vec![
        ("LISTEN".to_owned(), "127.0.0.1:1".to_owned()),
        ("LISTEN_TLS".to_owned(), "127.0.0.1:1".to_owned()),
        ("INVENTORY_URL".to_owned(), grpc.to_owned()),
        ("TEST_MODE".to_owned(), "on".to_owned()),
    ];
    for service in Service::ALL {
        // A path of its own, so that what is seen says whom it reached.
        let url = format!("{web}/{}", service.name());
        pairs.push((service.setting().to_owned(), url));
    }
    for (name, value) in given.settings {
        pairs.push(((*name).to_owned(), (*value).to_owned()));
    }
    let mut settings = Settings::new(pairs);
    let config = Config::read(&mut settings);
    settings.finish(config).unwrap()
}

async fn start(given: Given<'_>) -> Running {
    shop::entry::install_tls();
    let seen = Seen::default();
    let (mut web, mut grpc) = (
        behind(seen.clone(), given.behaviour).await,
        inventory(seen.clone()).await,
    );
    if given.behaviour == Behind::Gone {
        let free = serve::listen("127.0.0.1:0").await.unwrap().local_addr();
        web = format!("http://{}", free.unwrap());
        grpc.clone_from(&web);
    }
    let config = read(&web, &grpc, &given);
    let metrics = Metrics::new();
    let draw = Draw::from_fn(|| 0);
    let upstreams = Upstreams::new(&config, &metrics, &draw).unwrap();
    let gate = Gate::new(
        upstreams,
        Keys::of([&signer()], Clock::system()),
        Rates::new(config.rates),
        config.home_timeout,
        &config.bugs,
        &metrics,
    );
    let table = table::read("routes.toml", table::PACKED).unwrap();
    let routes = routes(table, gate, || (7, 9));
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let serving = Serving::new(Readiness::new(), metrics)
        .within(config.queue)
        .bodies_up_to(config.body_limit);
    let never = CancellationToken::new();
    let grace = Duration::from_secs(5);
    tokio::spawn(serve::http(listener, routes, serving, never, grace));
    Running {
        root,
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        seen,
        customer: token(Role::Customer),
        operator: token(Role::Operator),
    }
}

fn behaving(behaviour: Behind) -> Given<'static> {
    Given {
        behaviour,
        settings: &[],
    }
}

/// Silence is given up soon; everything else answers at once, however busy the machine is.
const IMPATIENT: &[(&str, &str)] = &[
    ("ORDERS_TIMEOUT", "200ms"),
    ("AUTH_TIMEOUT", "200ms"),
    ("UPSTREAM_TIMEOUT", "200ms"),
    ("HOME_TIMEOUT", "200ms"),
];

/// Every route that leads on: how it is asked, and what then reaches which service.
const ROUTES: [(&str, &str, &str, &str); 29] = [
    ("POST", "/accounts", r#"{"email":"a"}"#, "/auth/accounts"),
    ("GET", "/accounts/me", "", "/auth/accounts/me"),
    (
        "PUT",
        "/accounts/me",
        r#"{"name":"A"}"#,
        "/auth/accounts/me",
    ),
    ("POST", "/tokens", r#"{"email":"a"}"#, "/auth/tokens"),
    ("POST", "/keys/rotate", "", "/auth/keys/rotate"),
    (
        "GET",
        "/.well-known/jwks.json",
        "",
        "/auth/.well-known/jwks.json",
    ),
    ("GET", "/v1/items/lamp", "", "/catalog/v1/items/lamp"),
    (
        "PUT",
        "/v1/items/lamp",
        r#"{"name":"L"}"#,
        "/catalog/v1/items/lamp",
    ),
    ("GET", "/v2/items?limit=3", "", "/catalog/v2/items?limit=3"),
    ("GET", "/v2/items/lamp", "", "/catalog/v2/items/lamp"),
    (
        "PUT",
        "/v2/items/lamp",
        r#"{"title":"L"}"#,
        "/catalog/v2/items/lamp",
    ),
    (
        "GET",
        "/search?q=a%2Bb%20c",
        "",
        "/search/search?q=a%2Bb%20c",
    ),
    ("GET", "/search/popular", "", "/search/search/popular"),
    (
        "GET",
        "/recommendations",
        "",
        "/recommendations/recommendations",
    ),
    ("GET", "/items/lamp/stock", "", "GetStockRequest"),
    (
        "PUT",
        "/items/lamp/stock",
        r#"{"units":12}"#,
        "SetStockRequest",
    ),
    ("POST", "/orders", r#"{"sku":"lamp"}"#, "/orders/orders"),
    ("GET", "/orders?limit=2", "", "/orders/orders?limit=2"),
    ("GET", "/orders/o-1", "", "/orders/orders/o-1"),
    ("GET", "/orders/o-1/events", "", "/orders/orders/o-1/events"),
    (
        "GET",
        "/orders/o-1/charges?order_id=o-2",
        "",
        "/payments/charges?order_id=o-1",
    ),
    (
        "GET",
        "/orders/o-1/shipment",
        "",
        "/shipping/orders/o-1/shipment",
    ),
    (
        "GET",
        "/mails?to=ada%2B1@shop.example",
        "",
        "/mailbox/mails?to=ada%2B1@shop.example",
    ),
    (
        "GET",
        "/audit/orders?after=7",
        "",
        "/orders/audit/orders?after=7",
    ),
    ("GET", "/audit/charges", "", "/payments/audit/charges"),
    ("GET", "/audit/stock", "", "/inventory/audit/stock"),
    (
        "GET",
        "/audit/reservations",
        "",
        "/inventory/audit/reservations",
    ),
    ("GET", "/audit/shipments", "", "/shipping/audit/shipments"),
    ("GET", "/audit/mails", "", "/mailbox/audit/mails"),
];

impl Running {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        self.ask_with(method, path, "", headers).await
    }

    async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> reqwest::Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.root));
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Asks as an operator, who may ask for all.
    async fn as_operator(&self, method: &str, path: &str, body: &str) -> reqwest::Response {
        let token = [("authorization", self.operator.as_str())];
        self.ask_with(method, path, body, &token).await
    }

    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.root);
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }
}

async fn json(response: reqwest::Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test]
async fn every_route_leads_to_the_service_that_owns_it_with_the_callers_trace_and_token() {
    let running = start(Given::default()).await;
    let trace = [("traceparent", "00-aa-bb-01"), ("baggage", "m=r.1, a = b")];
    let headers = [
        trace[0],
        trace[1],
        ("authorization", running.operator.as_str()),
        ("idempotency-key", "k1"),
    ];
    for (method, path, body, reached) in ROUTES {
        let answer = running.ask_with(method, path, body, &headers).await;
        assert!(
            answer.status().as_u16() < 500,
            "{path}: {}",
            answer.status()
        );
        let seen = running.seen.last();
        assert!(
            seen.line == format!("{method} {reached} {body}") || seen.line.starts_with(reached),
            "{path}: {}",
            seen.line
        );
        assert_eq!(seen.trace(), TraceContext::from_pairs(trace), "{path}");
        assert_eq!(seen.headers["authorization"], running.operator, "{path}");
        assert_eq!(seen.headers["idempotency-key"], "k1", "{path}");
        let left = ["request-timeout-ms", "grpc-timeout"];
        assert!(
            left.iter().any(|left| seen.headers.contains_key(*left)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_trace_gets_a_fresh_one() {
    let running = start(Given::default()).await;
    for (method, path, body, _) in ROUTES {
        running.as_operator(method, path, body).await;
        let fresh = TraceContext::default().or_fresh(7, 9);
        assert_eq!(running.seen.last().trace(), fresh, "{path}");
    }
}

#[tokio::test]
async fn each_route_is_open_to_whom_the_table_says_and_nothing_leaves_for_others() {
    let running = start(Given::default()).await;
    let table = table::read("routes.toml", table::PACKED).unwrap();
    for (method, path, body, _) in ROUTES {
        let shape = path.split('?').next().unwrap();
        let shape = shape.replace("lamp", "{sku}").replace("o-1", "{id}");
        let route = table
            .iter()
            .find(|route| route.path == shape && route.method == *method)
            .unwrap();
        let (nobody, customer) = match route.who {
            table::Who::Anyone => (true, true),
            table::Who::SignedIn => (false, true),
            table::Who::Operator => (false, false),
        };
        let before = running.seen.count();
        let answer = running.ask_with(method, path, body, &[]).await;
        assert_eq!(running.seen.count() > before, nobody, "{method} {path}");
        if !nobody {
            assert_eq!(answer.status(), 401, "{path}");
            assert!(answer.headers().contains_key("www-authenticate"), "{path}");
            assert_eq!(json(answer).await["status"], 401, "{path}");
        }
        let before = running.seen.count();
        let token = [("authorization", running.customer.as_str())];
        let answer = running.ask_with(method, path, body, &token).await;
        assert_eq!(running.seen.count() > before, customer, "{method} {path}");
        if !customer {
            assert_eq!(answer.status(), 403, "{path}");
        }
        let forged = format!("{}x", running.operator);
        let answer = running
            .ask_with(method, path, body, &[("authorization", forged.as_str())])
            .await;
        assert_eq!(answer.status() == 401, !nobody, "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are_but_for_what_is_of_one_connection() {
    let running = start(Given::default()).await;
    let headers = [
        ("authorization", running.customer.as_str()),
        ("Idempotency-Key", "k1"),
        ("X-Test-Halt-Before", "charged"),
        ("accept-language", "de"),
        ("cookie", "c=1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("te", "trailers"),
        ("connection", "close, x-test-halt-before"),
        ("request-timeout-ms", "5000"),
    ];
    let body = r#"{"sku": "lamp"}"#;
    let answer = running.ask_with("POST", "/orders", body, &headers).await;
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["retry-after"], "3");
    for hidden in ["x-inside", "set-cookie"] {
        assert!(!answer.headers().contains_key(hidden), "{hidden}");
    }
    assert_eq!(json(answer).await, json!({"status": 418}));
    let seen = running.seen.last();
    assert_eq!(seen.headers["accept-language"], "de");
    assert_eq!(seen.headers["content-type"], "application/json");
    for dropped in ["cookie", "x-forwarded-for", "te", "x-test-halt-before"] {
        assert!(!seen.headers.contains_key(dropped), "{dropped}");
    }
    let left: u64 = seen.headers["request-timeout-ms"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(left <= 5000, "{left}");
    let halting = [headers[0], headers[2]];
    running.ask_with("POST", "/orders", body, &halting).await;
    assert_eq!(running.seen.last().headers["x-test-halt-before"], "charged");
}

#[tokio::test]
async fn stock_is_http_here_and_grpc_behind() {
    let running = start(Given::default()).await;
    let path = "/items/lamp/stock";
    let set = running.as_operator("PUT", path, r#"{"units":12}"#).await;
    assert_eq!(set.status(), 200);
    assert_eq!(json(set).await, json!({"sku": "lamp", "available": 12}));
    let shown = running.ask("GET", path, &[]).await;
    assert_eq!(shown.status(), 404);
    assert_eq!(json(shown).await["detail"], "item lamp was never stocked");
    for bad in [r#"{"units":-1}"#, r#"{"units":1.5}"#, "{}", "12"] {
        let answer = running.as_operator("PUT", path, bad).await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
    let bare = running.as_operator("PUT", path, "").await;
    assert_eq!(bare.status(), 415);
}

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
        assert_eq!(json(answer).await["status"], 503, "{path}");
        if !path.ends_with("/stock") {
            let answer = silent.as_operator(method, path, body).await;
            assert_eq!(answer.status(), 504, "{path}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_here() {
    let running = start(Given::default()).await;
    let large = format!("\"{}\"", "x".repeat(70_000));
    for (method, path, body, status) in [
        ("POST", "/orders", large.as_str(), 413),
        ("GET", "/v1/items/..%2Fsecret", "", 400),
        ("GET", "/orders/..%2F..%2Fsecret", "", 404),
        ("GET", "/orders/a%3Fb/charges", "", 404),
        ("GET", "/orders/a%26order_id=b/charges", "", 404),
        ("GET", "/nowhere", "", 404),
        ("GET", "/charges", "", 404),
        ("DELETE", "/orders", "", 405),
    ] {
        let answer = running.as_operator(method, path, body).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(json(answer).await["status"], status, "{path}");
    }
    assert_eq!(running.seen.count(), 0);
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_again() {
    let running = start(Given {
        settings: &[
            ("ACCOUNT_RATE", "1"),
            ("ACCOUNT_BURST", "2"),
            ("ANONYMOUS_RATE", "1"),
            ("ANONYMOUS_BURST", "1"),
        ],
        ..Given::default()
    })
    .await;
    let token = [("authorization", running.customer.as_str())];
    // A second may pass while this runs, on a machine that is busy: a third or fourth may get in.
    let mut refused = None;
    for _ in 0..20 {
        let answer = running.ask("GET", "/orders", &token).await;
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("one is refused");
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(json(refused).await["status"], 429);
    let before = running.seen.count();
    let answer = running.as_operator("GET", "/orders", "").await;
    assert_ne!(answer.status(), 429, "an operator has a bucket of its own");
    assert_eq!(running.seen.count(), before + 1);
    let text = running.metrics().await;
    assert!(
        text.contains(r#"rate_limited_total{who="account"} 1"#),
        "{text}"
    );
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
    let running = start(Given {
        behaviour: Behind::Gone,
        settings: &[("SEEDED_BUGS", "missing-fallback")],
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

#[test]
fn the_table_and_the_contract_tell_of_the_same_routes_and_of_who_may_ask() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../contracts/openapi/gateway.yaml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let contract: Value = serde_yaml::from_str(&text).unwrap();
    let mut told = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" || operation["tags"] == json!(["health"]) {
                continue;
            }
            let who = match &operation["responses"] {
                answers if answers.get("403").is_some() => table::Who::Operator,
                _ if operation.get("security").is_some() => table::Who::SignedIn,
                _ => table::Who::Anyone,
            };
            told.push(format!("{} {path} {who:?}", method.to_uppercase()));
        }
    }
    let routes = table::read("routes.toml", table::PACKED).unwrap();
    let line = |route: &Route| format!("{} {} {:?}", route.method, route.path, route.who);
    let mut routed: Vec<_> = routes.iter().map(line).collect();
    told.sort();
    routed.sort();
    assert_eq!(routed, told);
}

#[test]
fn the_limits_as_shipped_are_the_default_ones() {
    let config = read("http://a", "http://b", &Given::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.queue, QueueLimits::default());
    assert_eq!(config.bugs, Bugs::none());
    assert_eq!(
        BUGS,
        [Bug::MissingFallback, Bug::RetryStorm, Bug::NoTimeout]
    );
}
