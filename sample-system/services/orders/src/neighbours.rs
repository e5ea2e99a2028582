//! The three services around orders, for its tests: over real HTTP and gRPC, true to what they
//! promise, as simple as they can be. They note who called them under which trace.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use shop::calls::Limits;
use shop::draw::Draw;
use shop::inventory::v1::inventory_server::{Inventory, InventoryServer};
use shop::inventory::v1::reserve_reply::Outcome;
use shop::inventory::v1::{
    CheckReply, CheckRequest, CommitReply, CommitRequest, GetStockRequest, ReleaseReply,
    ReleaseRequest, ReserveReply, ReserveRequest, SetStockRequest, Stock,
};
use shop::metrics::Metrics;
use shop::trace_context::TraceContext;
use tonic::{Request, Response, Status};

use crate::catalog::Catalog;
use crate::executor::{How, Peers};
use crate::payments::Payments;

/// How payments behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it promises.
    #[default]
    Good,
    /// It does what it is asked, but its answer to a charge never comes.
    SilentAfterCharge,
    /// It does nothing and answers 500.
    Failing,
}

#[derive(Debug, Default)]
struct Town {
    calls: Vec<(String, TraceContext)>,
    available: u32,
    reservations: HashMap<String, (u32, &'static str)>,
    reservations_expire: bool,
    /// Orders whose units cannot be given back.
    poisoned: HashSet<String>,
    charges: HashMap<String, Value>,
    refunds_fail: bool,
    mood: Mood,
}

/// Calls as a service makes them by default.
pub(crate) fn how() -> How {
    How {
        limits: Limits::default(),
        metrics: Metrics::new(),
        draw: Draw::system(),
    }
}

/// The neighbours, running.
#[derive(Debug, Clone)]
pub(crate) struct Neighbours {
    town: Arc<Mutex<Town>>,
    root: String,
    inventory: String,
}

/// How long orders waits for what is meant to answer; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it waits for a charge that is meant to be given up.
const IMPATIENCE: Duration = Duration::from_millis(300);

impl Neighbours {
    /// Lets them move in; the item `lamp` costs $49.99 and there are 12 of it.
    pub(crate) async fn start() -> Self {
        shop::entry::install_tls();
        let town = Arc::new(Mutex::new(Town {
            available: 12,
            ..Town::default()
        }));
        let routes = Router::new()
            .route("/v1/items/{sku}", get(item))
            .route("/charges", get(charges).post(charge))
            .route("/charges/{id}/refund", post(refund))
            .with_state(town.clone());
        let listener = shop::serve::listen("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });

        let listener = shop::serve::listen("127.0.0.1:0").await.unwrap();
        let inventory = format!("http://{}", listener.local_addr().unwrap());
        let served = InventoryServer::new(Warehouse(town.clone()));
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_service(served);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        Self {
            town,
            root,
            inventory,
        }
    }

    /// How orders calls them.
    pub(crate) fn peers(&self) -> Peers {
        self.peers_as(&how())
    }

    /// How orders calls them, as `how` says.
    pub(crate) fn peers_as(&self, how: &How) -> Peers {
        let charge = match self.town().mood {
            Mood::SilentAfterCharge => IMPATIENCE,
            Mood::Good | Mood::Failing => PATIENCE,
        };
        Peers {
            stock: crate::stock::Stock::new(&self.inventory, PATIENCE, how).unwrap(),
            payments: Payments::new(&self.root, charge, PATIENCE, how).unwrap(),
        }
    }

    /// How orders calls catalog.
    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::new(&self.root, PATIENCE, &how()).unwrap()
    }

    fn town(&self) -> MutexGuard<'_, Town> {
        self.town.lock().unwrap()
    }

    /// Changes how payments behaves.
    pub(crate) fn payments_are(&self, mood: Mood) {
        self.town().mood = mood;
    }

    /// Lets inventory fail whenever the units of the order `id` are to be given back.
    pub(crate) fn poison(&self, id: impl ToString) {
        self.town().poisoned.insert(id.to_string());
    }

    /// Lets every order's units be given back again.
    pub(crate) fn heal(&self) {
        self.town().poisoned.clear();
    }

    /// Lets payments fail at every refund, and at nothing else.
    pub(crate) fn let_refunds_fail(&self) {
        self.town().refunds_fail = true;
    }

    /// Lets every reservation be gone when it is to be committed.
    pub(crate) fn let_reservations_expire(&self) {
        self.town().reservations_expire = true;
    }

    /// How many lamps can be sold.
    pub(crate) fn available(&self) -> u32 {
        self.town().available
    }

    /// The status of every charge there is or may never be.
    pub(crate) fn charges(&self) -> Vec<String> {
        let town = self.town();
        town.charges
            .values()
            .map(|charge| charge["status"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Which calls came, each with its trace, oldest first.
    pub(crate) fn calls(&self) -> Vec<(String, TraceContext)> {
        self.town().calls.clone()
    }
}

type Here = State<Arc<Mutex<Town>>>;

async fn item(
    State(town): Here,
    Path(sku): Path<String>,
    trace: TraceContext,
) -> (StatusCode, Json<Value>) {
    town.lock().unwrap().calls.push(("item".into(), trace));
    match sku.as_str() {
        "lamp" => {
            let price = json!({"amount": 4999, "currency": "USD"});
            (
                StatusCode::OK,
                Json(json!({"sku": sku, "name": "Lamp", "price": price})),
            )
        }
        "broken" => (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null)),
        _ => (StatusCode::NOT_FOUND, Json(Value::Null)),
    }
}

async fn charge(
    State(town): Here,
    trace: TraceContext,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let (answer, mood) = {
        let mut town = town.lock().unwrap();
        town.calls.push(("charge".into(), trace));
        if town.mood == Mood::Failing {
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null));
        }
        let id = request["charge_id"].as_str().unwrap().to_owned();
        let number = request["card"]["number"].as_str().unwrap();
        let status = if number.ends_with("0002") {
            "declined"
        } else {
            "charged"
        };
        let (amount, currency) = (&request["amount"], &request["currency"]);
        let fresh = json!({"id": id, "status": status, "order_id": request["order_id"],
                           "amount": amount, "currency": currency});
        (town.charges.entry(id).or_insert(fresh).clone(), town.mood)
    };
    if mood == Mood::SilentAfterCharge {
        std::future::pending::<()>().await;
    }
    let status = match answer["status"].as_str().unwrap() {
        "charged" => StatusCode::CREATED,
        "declined" => StatusCode::PAYMENT_REQUIRED,
        _ => StatusCode::CONFLICT,
    };
    (status, Json(answer))
}

async fn refund(
    State(town): Here,
    Path(id): Path<String>,
    trace: TraceContext,
) -> (StatusCode, Json<Value>) {
    let mut town = town.lock().unwrap();
    town.calls.push(("refund".into(), trace));
    if town.mood == Mood::Failing || town.refunds_fail {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null));
    }
    let refused = json!({"id": id, "status": "refused"});
    let charge = town.charges.entry(id).or_insert(refused);
    if charge["status"] == "charged" {
        charge["status"] = json!("refunded");
    }
    let known = charge["status"] != "refused";
    (
        if known {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        },
        Json(charge.clone()),
    )
}

async fn charges(
    State(town): Here,
    Query(query): Query<HashMap<String, String>>,
    trace: TraceContext,
) -> Json<Vec<Value>> {
    let mut town = town.lock().unwrap();
    town.calls.push(("charges".into(), trace));
    let of_order = |charge: &&Value| charge["order_id"] == json!(query["order_id"]);
    Json(town.charges.values().filter(of_order).cloned().collect())
}

#[derive(Debug)]
struct Warehouse(Arc<Mutex<Town>>);

impl Warehouse {
    fn called<T>(&self, name: &str, request: &Request<T>) -> MutexGuard<'_, Town> {
        let mut town = self.0.lock().unwrap();
        town.calls.push((
            name.to_owned(),
            TraceContext::from_metadata(request.metadata()),
        ));
        town
    }
}

#[tonic::async_trait]
impl Inventory for Warehouse {
    async fn set_stock(&self, _: Request<SetStockRequest>) -> Result<Response<Stock>, Status> {
        Err(Status::unimplemented("orders never sets a stock"))
    }

    async fn get_stock(&self, _: Request<GetStockRequest>) -> Result<Response<Stock>, Status> {
        Err(Status::unimplemented("orders never asks for a stock"))
    }

    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckReply>, Status> {
        let town = self.called("check", &request);
        Ok(Response::new(CheckReply {
            in_stock: request.into_inner().quantity <= town.available,
        }))
    }

    async fn reserve(
        &self,
        request: Request<ReserveRequest>,
    ) -> Result<Response<ReserveReply>, Status> {
        let mut town = self.called("reserve", &request);
        let ReserveRequest {
            order_id, quantity, ..
        } = request.into_inner();
        let outcome = match town.reservations.get(&order_id) {
            Some((_, "released")) => Outcome::Refused,
            Some(_) => Outcome::Reserved,
            None if quantity > town.available => Outcome::OutOfStock,
            None => {
                town.available -= quantity;
                town.reservations.insert(order_id, (quantity, "reserved"));
                Outcome::Reserved
            }
        };
        Ok(Response::new(ReserveReply {
            outcome: outcome.into(),
        }))
    }

    async fn commit(
        &self,
        request: Request<CommitRequest>,
    ) -> Result<Response<CommitReply>, Status> {
        let mut town = self.called("commit", &request);
        let id = request.into_inner().order_id;
        if town.reservations_expire {
            let (held, _) = town.reservations.remove(&id).unwrap_or_default();
            town.available += held;
        }
        let held = town.reservations.get_mut(&id);
        held.ok_or_else(|| Status::failed_precondition("nothing is held"))?
            .1 = "committed";
        Ok(Response::new(CommitReply {}))
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseReply>, Status> {
        let mut town = self.called("release", &request);
        let order_id = request.into_inner().order_id;
        if town.poisoned.contains(&order_id) {
            return Err(Status::internal("poisoned"));
        }
        let (held, state) = town
            .reservations
            .insert(order_id, (0, "released"))
            .unwrap_or((0, "none"));
        if state == "committed" {
            return Err(Status::failed_precondition("the units are gone"));
        }
        town.available += held;
        Ok(Response::new(ReleaseReply {}))
    }
}
