//! The gateway over real HTTP, before services that note what reaches them.

mod away;
mod behind;
mod passing;
mod patience;
mod strangers;

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
use shop::serve::{self, HeaderLimits, Readiness, Serving};
use shop::token::{Keys, Role, Signer};
use shop::trace_context::TraceContext;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
        ("DATA_DIR".to_owned(), "/nowhere".to_owned()),
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
    let routes = routes(table, gate);
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let serving = Serving::new(Readiness::new(), metrics)
        .within(config.queue)
        .patient(config.patience)
        .headers_within(HeaderLimits::AT_THE_DOOR)
        .bodies_up_to(config.body_limit)
        .drawing(Draw::from_fn(|| 7));
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
        settings: PATIENT,
    }
}

impl Default for Given<'_> {
    fn default() -> Self {
        behaving(Behind::default())
    }
}

/// Who answers or refuses has as long for it as a busy machine takes.
const PATIENT: &[(&str, &str)] = &[
    ("ORDERS_TIMEOUT", "10m"),
    ("AUTH_TIMEOUT", "10m"),
    ("UPSTREAM_TIMEOUT", "10m"),
    ("HOME_TIMEOUT", "10m"),
];

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
        "/orders/o-1/charges",
        "",
        "/payments/orders/o-1/charges",
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
