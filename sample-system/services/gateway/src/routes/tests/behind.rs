//! The services behind the gateway, all of them one: notes what reaches it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use shop::inventory::v1::inventory_server::{Inventory, InventoryServer};
use shop::inventory::v1::{
    CheckReply, CheckRequest, CommitReply, CommitRequest, GetStockRequest, ReleaseReply,
    ReleaseRequest, ReserveReply, ReserveRequest, SetStockRequest, Stock,
};
use shop::serve;
use shop::trace_context::TraceContext;
use tokio::sync::Barrier;
use tonic::Status;

/// How the services behave.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Behind {
    #[default]
    Answering,
    Silent,
    Gone,
    /// Each answers only when so many ask at once.
    Together(usize),
}

/// A request that reached a service.
#[derive(Clone)]
pub(super) struct Request {
    /// `METHOD path?query body`, or the message of gRPC.
    pub(super) line: String,
    pub(super) headers: HeaderMap,
}

impl Request {
    pub(super) fn trace(&self) -> TraceContext {
        TraceContext::from_headers(&self.headers)
    }
}

/// What reached the services, and what they are told to answer.
#[derive(Clone, Default)]
pub(super) struct Seen {
    requests: Arc<Mutex<Vec<Request>>>,
    answers: Arc<Mutex<BTreeMap<String, Value>>>,
    failing: Arc<AtomicBool>,
}

impl Seen {
    fn note(&self, line: String, headers: HeaderMap) {
        self.requests
            .lock()
            .unwrap()
            .push(Request { line, headers });
    }

    pub(super) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> Request {
        let requests = self.requests.lock().unwrap();
        requests.last().expect("it reached a service").clone()
    }

    /// Lets a path that ends so be answered 200 with `value`.
    pub(super) fn answers(&self, path: &str, value: Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), value);
    }

    /// Lets everything be answered 500 from now on.
    pub(super) fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }

    fn answer(&self, path: &str) -> Response {
        if self.failing.load(Ordering::SeqCst) {
            // The status that is retried, were there a budget.
            let status = if path.ends_with("/orders") { 503 } else { 500 };
            return (StatusCode::from_u16(status).unwrap(), "{}").into_response();
        }
        let answers = self.answers.lock().unwrap();
        let found = answers.iter().find(|(end, _)| path.ends_with(*end));
        match found {
            Some((_, value)) => axum::Json(value.clone()).into_response(),
            None => {
                let headers = [
                    ("content-type", "application/problem+json"),
                    ("retry-after", "3"),
                    ("x-inside", "secret"),
                    ("set-cookie", "c=1"),
                ];
                (StatusCode::IM_A_TEAPOT, headers, r#"{"status":418}"#).into_response()
            }
        }
    }
}

pub(super) async fn behind(seen: Seen, behaviour: Behind) -> String {
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let together = match behaviour {
        Behind::Together(count) => Arc::new(Barrier::new(count)),
        _ => Arc::new(Barrier::new(1)),
    };
    let answer = async move |method: Method,
                             OriginalUri(uri): OriginalUri,
                             headers: HeaderMap,
                             body: Bytes| {
        let line = format!("{method} {uri} {}", String::from_utf8_lossy(&body));
        seen.note(line, headers);
        if behaviour == Behind::Silent {
            std::future::pending::<()>().await;
        }
        together.wait().await;
        seen.answer(uri.path())
    };
    tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap();
    });
    root
}

/// Inventory, which stocks what it is told and knows no level.
pub(super) async fn inventory(seen: Seen) -> String {
    let listener = serve::listen("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let warehouse = InventoryServer::new(Warehouse(seen));
    let server = tonic::transport::Server::builder().add_service(warehouse);
    tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
    url
}

struct Warehouse(Seen);

impl Warehouse {
    fn note<T: std::fmt::Debug>(&self, request: &tonic::Request<T>) {
        let line = format!("{:?}", request.get_ref());
        self.0.note(line, request.metadata().clone().into_headers());
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

    async fn get_stock(
        &self,
        request: tonic::Request<GetStockRequest>,
    ) -> Result<tonic::Response<Stock>, Status> {
        self.note(&request);
        Err(Status::not_found("item lamp was never stocked"))
    }

    async fn check(
        &self,
        _: tonic::Request<CheckRequest>,
    ) -> Result<tonic::Response<CheckReply>, Status> {
        Err(Status::unimplemented("the gateway never asks this"))
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
