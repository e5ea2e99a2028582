//! The gateway over real HTTP, before services that note what reaches them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};
use shop::inventory::v1::inventory_server::{Inventory, InventoryServer};
use shop::inventory::v1::{
    CheckReply, CheckRequest, CommitReply, CommitRequest, GetStockRequest, ReleaseReply,
    ReleaseRequest, ReserveReply, ReserveRequest, SetStockRequest, Stock,
};
use shop::serve::{self, Readiness};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::*;

/// What reached a service: `METHOD path?query body`, under which trace, with which headers.
type Seen = Arc<Mutex<Vec<(String, TraceContext, HeaderMap)>>>;

struct Running {
    root: String,
    client: reqwest::Client,
    seen: Seen,
}

/// How the services behind the gateway behave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    Answering,
    Silent,
    Gone,
}

async fn behind(seen: Seen, silent: bool) -> String {
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |method: Method,
                       OriginalUri(uri): OriginalUri,
                       headers: HeaderMap,
                       body: Bytes| async move {
        let trace = TraceContext::from_headers(&headers);
        let line = format!("{method} {uri} {}", String::from_utf8_lossy(&body));
        seen.lock().unwrap().push((line, trace, headers));
        if silent {
            std::future::pending::<()>().await;
        }
        if uri.path() == "/charges" {
            let charge = json!({"id": "c", "order_id": "o", "status": "declined", "amount": 1,
                                "currency": "USD", "reason": "card_declined"});
            return axum::Json(json!([charge])).into_response();
        }
        let kind = [("content-type", "application/problem+json")];
        (StatusCode::IM_A_TEAPOT, kind, r#"{"status":418}"#).into_response()
    };
    tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap();
    });
    root
}

struct Warehouse(Seen);

impl Warehouse {
    fn note<T: std::fmt::Debug>(&self, request: &tonic::Request<T>) {
        let trace = TraceContext::from_metadata(request.metadata());
        let line = format!("{:?}", request.get_ref());
        self.0.lock().unwrap().push((line, trace, HeaderMap::new()));
    }
}

#[tonic::async_trait]
impl Inventory for Warehouse {
    async fn set_stock(
        &self,
        request: tonic::Request<SetStockRequest>,
    ) -> Result<tonic::Response<Stock>, Status> {
        self.note(&request);
        let SetStockRequest { sku, units } = request.into_inner();
        Ok(tonic::Response::new(Stock {
            sku,
            available: units,
        }))
    }

    async fn check(
        &self,
        _: tonic::Request<CheckRequest>,
    ) -> Result<tonic::Response<CheckReply>, Status> {
        Err(Status::unimplemented("the gateway never asks this"))
    }

    async fn get_stock(
        &self,
        request: tonic::Request<GetStockRequest>,
    ) -> Result<tonic::Response<Stock>, Status> {
        self.note(&request);
        Err(Status::not_found("item lamp was never stocked"))
    }

    async fn reserve(
        &self,
        _: tonic::Request<ReserveRequest>,
    ) -> Result<tonic::Response<ReserveReply>, Status> {
        Err(Status::unimplemented("the gateway never reserves"))
    }

    async fn commit(
        &self,
        _: tonic::Request<CommitRequest>,
    ) -> Result<tonic::Response<CommitReply>, Status> {
        Err(Status::unimplemented("the gateway never commits"))
    }

    async fn release(
        &self,
        _: tonic::Request<ReleaseRequest>,
    ) -> Result<tonic::Response<ReleaseReply>, Status> {
        Err(Status::unimplemented("the gateway never releases"))
    }
}

async fn inventory(seen: Seen) -> String {
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server =
        tonic::transport::Server::builder().add_service(InventoryServer::new(Warehouse(seen)));
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
    url
}

async fn start(behaviour: Behind) -> Running {
    shop::entry::install_tls();
    let seen = Seen::default();
    let (mut web, mut grpc) = (
        behind(seen.clone(), behaviour == Behind::Silent).await,
        inventory(seen.clone()).await,
    );
    if behaviour == Behind::Gone {
        let free = serve::listen("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        web = format!("http://{free}");
        grpc.clone_from(&web);
    }
    // Silence is given up soon; everything else answers at once, however busy the machine is.
    let patience = if behaviour == Behind::Silent {
        200
    } else {
        20_000
    };
    let timeout = Duration::from_millis(patience);
    let config = Config {
        listen: String::new(),
        grace: Duration::from_secs(5),
        catalog_url: web.clone(),
        inventory_url: grpc,
        orders_url: web.clone(),
        payments_url: web.clone(),
        mailbox_url: web,
        orders_timeout: timeout,
        upstream_timeout: timeout,
    };
    let routes = routes(Upstreams::new(&config).unwrap(), || (7, 9));
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let never = CancellationToken::new();
    let grace = Duration::from_secs(5);
    tokio::spawn(serve::http(
        listener,
        routes,
        Readiness::new(),
        never,
        grace,
    ));
    Running {
        root,
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        seen,
    }
}

/// Every route that leads on, with a body where it takes one.
const ROUTES: [(&str, &str, &str); 9] = [
    ("GET", "/items/lamp", ""),
    ("PUT", "/items/lamp", r#"{"name":"Lamp"}"#),
    ("GET", "/items/lamp/stock", ""),
    ("PUT", "/items/lamp/stock", r#"{"units":12}"#),
    ("POST", "/orders", r#"{"sku":"lamp"}"#),
    ("GET", "/orders/o-1", ""),
    ("GET", "/orders/o-1/events", ""),
    ("GET", "/orders/o-1/charges", ""),
    ("GET", "/mails?to=ada%2B1@example.com", ""),
];

impl Running {
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.root));
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn last(&self) -> (String, TraceContext, HeaderMap) {
        self.seen
            .lock()
            .unwrap()
            .pop()
            .expect("it reached a service")
    }
}

#[tokio::test]
async fn every_route_carries_the_callers_trace_on_unchanged() {
    let running = start(Behind::Answering).await;
    let given = [
        ("traceparent", "00-aa-bb-01"),
        ("baggage", "msvc=r.s.1, a = b"),
    ];
    for (method, path, body) in ROUTES {
        running.send(method, path, body, &given).await;
        let (line, trace, _) = running.last();
        assert_eq!(trace, TraceContext::from_pairs(given), "{line}");
    }
}

#[tokio::test]
async fn every_route_gives_a_request_without_a_trace_a_fresh_one() {
    let running = start(Behind::Answering).await;
    for (method, path, body) in ROUTES {
        running.send(method, path, body, &[]).await;
        let (line, trace, _) = running.last();
        assert_eq!(trace, TraceContext::default().or_fresh(7, 9), "{line}");
    }
}

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are() {
    let running = start(Behind::Answering).await;
    let headers = [
        ("Idempotency-Key", "k1"),
        ("X-Test-Halt-Before", "charged"),
        ("cookie", "c=1"),
    ];
    let answer = running
        .send("POST", "/orders", r#"{"sku": "lamp"}"#, &headers)
        .await;
    assert_eq!(answer, (418, json!({"status": 418})));
    let (line, _, passed) = running.last();
    assert_eq!(line, r#"POST /orders {"sku": "lamp"}"#);
    assert_eq!(passed["idempotency-key"], "k1");
    assert_eq!(passed["x-test-halt-before"], "charged");
    assert_eq!(passed.get("cookie"), None);
    running
        .send("GET", "/mails?to=ada%2B1@example.com", "", &[])
        .await;
    assert_eq!(running.last().0, "GET /mails?to=ada%2B1%40example.com ");
}

#[tokio::test]
async fn stock_is_http_here_and_grpc_behind() {
    let running = start(Behind::Answering).await;
    let set = running
        .send("PUT", "/items/lamp/stock", r#"{"units":12}"#, &[])
        .await;
    assert_eq!(set, (200, json!({"sku": "lamp", "available": 12})));
    let (status, problem) = running.send("GET", "/items/lamp/stock", "", &[]).await;
    assert_eq!(
        (status, &problem["detail"]),
        (404, &json!("item lamp was never stocked"))
    );
    for bad in [r#"{"units":-1}"#, r#"{"units":1.5}"#, "{}", "12"] {
        assert_eq!(
            running.send("PUT", "/items/lamp/stock", bad, &[]).await.0,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_charge_is_shown_with_what_customers_need_of_it() {
    let running = start(Behind::Answering).await;
    let charge = json!({"id": "c", "status": "declined", "amount": 1, "currency": "USD"});
    let shown = running.send("GET", "/orders/o-1/charges", "", &[]).await;
    assert_eq!(shown, (200, json!([charge])));
    assert_eq!(running.last().0, "GET /charges?order_id=o-1 ");
}

#[tokio::test]
async fn a_service_that_is_gone_is_503_and_one_that_is_silent_504() {
    let gone = start(Behind::Gone).await;
    for (method, path, body) in ROUTES {
        let (status, problem) = gone.send(method, path, body, &[]).await;
        assert_eq!(
            (status, problem["status"].as_u64()),
            (503, Some(503)),
            "{path}"
        );
    }
    let silent = start(Behind::Silent).await;
    let web = ROUTES
        .iter()
        .filter(|(_, path, _)| !path.ends_with("/stock"));
    for (method, path, body) in web {
        let (status, problem) = silent.send(method, path, body, &[]).await;
        assert_eq!(
            (status, problem["status"].as_u64()),
            (504, Some(504)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_here() {
    let running = start(Behind::Answering).await;
    let large = "x".repeat(70_000);
    for (method, path, body, status) in [
        ("POST", "/orders", large.as_str(), 413),
        ("GET", "/items/..%2Fsecret", "", 400),
        ("GET", "/orders/..%2F..%2Fsecret", "", 404),
        ("GET", "/orders/a%3Fb/charges", "", 404),
        ("GET", "/mails", "", 400),
        ("GET", "/nowhere", "", 404),
        ("DELETE", "/orders", "", 405),
    ] {
        let (answered, problem) = running.send(method, path, body, &[]).await;
        assert_eq!(
            (answered, problem["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{path}"
        );
    }
    assert!(running.seen.lock().unwrap().is_empty());
}
