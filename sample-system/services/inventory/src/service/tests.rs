//! Inventory over real gRPC and a real database file.

use std::sync::Arc;

use chrono::TimeDelta;
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::outbox::Outbox;
use shop::serve::Readiness;
use shop::serve::patience::Patience;
use shop::token::{Role, SEED, Signer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tonic::Code;
use uuid::Uuid;

use super::*;

mod strangers;

/// Longer than anything here has in hand at its end.
const GRACE: Duration = Duration::from_secs(5);

struct Running {
    client: shop::inventory::Client,
    address: String,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    _folder: Arc<tempfile::TempDir>,
}

fn room(folder: &std::path::Path) -> StockRoom {
    let (kept, clock) = (TimeDelta::minutes(15), Clock::system());
    StockRoom::open(folder, kept, clock, Outbox::new(), &Bugs::none()).unwrap()
}

async fn start_on(folder: Arc<tempfile::TempDir>) -> Running {
    start_with(folder, Serving::from(Readiness::new())).await
}

async fn start_with(folder: Arc<tempfile::TempDir>, serving: Serving) -> Running {
    let room = room(folder.path());
    let listener = shop::serve::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let served = tokio::spawn(async move {
        let keys = Keys::of([&signer()], Clock::system());
        serve(listener, room, keys, &serving, token, GRACE)
            .await
            .unwrap();
    });
    let url = format!("http://{address}");
    let client = shop::inventory::connect(&url, Duration::from_secs(5)).unwrap();
    Running {
        client,
        address,
        shutdown,
        served,
        _folder: folder,
    }
}

fn signer() -> Signer {
    Signer::from_seed(&[7; SEED]).unwrap()
}

/// A request by somebody of that role.
fn by<T>(role: Role, message: T) -> Request<T> {
    let now = Clock::system().now().timestamp();
    let token = signer().token(Uuid::nil(), role, now, 60).unwrap();
    let mut request = Request::new(message);
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

async fn start() -> Running {
    let running = start_on(Arc::new(tempfile::tempdir().unwrap())).await;
    running.set("lamp", 12).await;
    running
}

impl Running {
    async fn set(&self, sku: &str, units: u32) {
        let request = SetStockRequest {
            sku: sku.into(),
            units,
        };
        let request = by(Role::Operator, request);
        self.client.clone().set_stock(request).await.unwrap();
    }

    async fn available(&self) -> u32 {
        let request = GetStockRequest { sku: "lamp".into() };
        self.client
            .clone()
            .get_stock(request)
            .await
            .unwrap()
            .into_inner()
            .available
    }

    async fn reserve(&self, order: &str, quantity: u32) -> Result<Outcome, Code> {
        let request = ReserveRequest {
            order_id: order.into(),
            sku: "lamp".into(),
            quantity,
        };
        let reply = self.client.clone().reserve(request).await;
        reply
            .map(|reply| reply.into_inner().outcome())
            .map_err(|status| status.code())
    }

    async fn commit(&self, order: &str) -> Result<(), Code> {
        let request = CommitRequest {
            order_id: order.into(),
        };
        self.client
            .clone()
            .commit(request)
            .await
            .map(|_| ())
            .map_err(|s| s.code())
    }

    async fn release(&self, order: &str) -> Result<(), Code> {
        let request = ReleaseRequest {
            order_id: order.into(),
        };
        self.client
            .clone()
            .release(request)
            .await
            .map(|_| ())
            .map_err(|s| s.code())
    }
}

/// How long the limits are is in the library's tests.
#[tokio::test]
async fn who_connects_and_asks_nothing_is_ended() {
    let patience = Patience {
        head: Duration::from_millis(50),
        ..Patience::default()
    };
    let serving = Serving::from(Readiness::new()).patient(patience);
    let metrics = serving.metrics().clone();
    let running = start_with(Arc::new(tempfile::tempdir().unwrap()), serving).await;
    let mut silent = TcpStream::connect(&running.address).await.unwrap();
    silent.read_to_end(&mut Vec::new()).await.unwrap();
    let ended = "connections_ended_total{why=\"head\"} 1";
    assert!(metrics.text().contains(ended), "{}", metrics.text());
}

#[tokio::test]
async fn the_same_reservation_twice_takes_its_units_once() {
    let running = start().await;
    assert_eq!(running.reserve("o1", 2).await, Ok(Outcome::Reserved));
    assert_eq!(running.reserve("o1", 2).await, Ok(Outcome::Reserved));
    assert_eq!(running.available().await, 10);
    assert_eq!(running.reserve("o1", 3).await, Err(Code::AlreadyExists));
}

#[tokio::test]
async fn more_than_there_is_takes_nothing() {
    let running = start().await;
    assert_eq!(running.reserve("o1", 13).await, Ok(Outcome::OutOfStock));
    assert_eq!(running.available().await, 12);
}

#[tokio::test]
async fn a_release_puts_the_units_back_once_however_often_it_comes() {
    let running = start().await;
    running.reserve("o1", 2).await.unwrap();
    assert_eq!(running.release("o1").await, Ok(()));
    assert_eq!(running.release("o1").await, Ok(()));
    assert_eq!(running.available().await, 12);
    assert_eq!(running.commit("o1").await, Err(Code::FailedPrecondition));
}

#[tokio::test]
async fn a_release_before_its_reservation_makes_the_reservation_refused() {
    let running = start().await;
    assert_eq!(running.release("o1").await, Ok(()));
    assert_eq!(running.reserve("o1", 2).await, Ok(Outcome::Refused));
    assert_eq!(running.available().await, 12);
}

#[tokio::test]
async fn committed_units_cannot_come_back() {
    let running = start().await;
    running.reserve("o1", 2).await.unwrap();
    assert_eq!(running.commit("o1").await, Ok(()));
    assert_eq!(running.commit("o1").await, Ok(()));
    assert_eq!(running.release("o1").await, Err(Code::FailedPrecondition));
    assert_eq!(running.available().await, 10);
}

#[tokio::test]
async fn twenty_orders_at_once_never_sell_a_unit_twice() {
    let running = start().await;
    let orders = (0..20).map(|n| {
        let order = format!("o{n}");
        let running = &running;
        async move { running.reserve(&order, 1).await.unwrap() }
    });
    let mut reserved = 0;
    for outcome in futures_util::future::join_all(orders).await {
        reserved += u32::from(outcome == Outcome::Reserved);
    }
    assert_eq!((reserved, running.available().await), (12, 0));
}

#[tokio::test]
async fn stock_and_reservations_are_there_after_a_restart() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let first = start_on(folder.clone()).await;
    first.set("lamp", 12).await;
    first.reserve("o1", 2).await.unwrap();
    first.shutdown.cancel();
    first.served.await.unwrap();
    let second = start_on(folder).await;
    assert_eq!(second.available().await, 10);
    second.release("o1").await.unwrap();
    assert_eq!(second.available().await, 12);
}

#[tokio::test]
async fn an_item_never_stocked_is_not_found_and_a_bad_request_is_named() {
    let running = start().await;
    let mut client = running.client.clone();
    let unknown = GetStockRequest { sku: "sofa".into() };
    assert_eq!(
        client.get_stock(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
    let bad = SetStockRequest {
        sku: "a/b".into(),
        units: 1,
    };
    assert_eq!(
        client
            .set_stock(by(Role::Operator, bad))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
    assert_eq!(running.reserve("o1", 0).await, Err(Code::InvalidArgument));
    assert_eq!(running.release("").await, Err(Code::InvalidArgument));
}

#[tokio::test]
async fn its_own_healthcheck_finds_it_serving() {
    let running = start().await;
    let asked = running.address.clone();
    let ask = move || shop::healthcheck::ask(shop::healthcheck::Kind::Grpc, &asked);
    tokio::task::spawn_blocking(ask).await.unwrap().unwrap();
}

#[tokio::test]
async fn only_an_operator_sets_stock() {
    let running = start().await;
    let mut client = running.client.clone();
    let wanted = || SetStockRequest {
        sku: "lamp".into(),
        units: 1,
    };
    let anonymous = client.set_stock(wanted()).await.unwrap_err();
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    let customer = client.set_stock(by(Role::Customer, wanted())).await;
    assert_eq!(customer.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(running.available().await, 12);
}

#[tokio::test]
async fn a_key_is_good_for_one_level_and_its_repeat_undoes_no_later_one() {
    let running = start().await;
    let mut client = running.client.clone();
    let mut set = async |key: &'static str, units: u32| {
        let level = SetStockRequest {
            sku: "lamp".into(),
            units,
        };
        let mut request = by(Role::Operator, level);
        let key = key.parse().unwrap();
        request.metadata_mut().insert(IDEMPOTENCY_KEY, key);
        client.set_stock(request).await
    };
    assert_eq!(set("k1", 5).await.unwrap().into_inner().available, 5);
    assert_eq!(set("k2", 7).await.unwrap().into_inner().available, 7);
    assert_eq!(set("k1", 5).await.unwrap().into_inner().available, 5);
    assert_eq!(running.available().await, 7);
    let other = set("k1", 6).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    let malformed = set("two words", 6).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert_eq!(running.available().await, 7);
}

#[tokio::test]
async fn a_level_above_the_largest_is_refused_by_name_and_the_largest_is_not() {
    let running = start().await;
    let set = |units| {
        let sku = "lamp".to_owned();
        let request = by(Role::Operator, SetStockRequest { sku, units });
        let mut client = running.client.clone();
        async move { client.set_stock(request).await }
    };
    let refused = set(LARGEST_LEVEL + 1).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("1000000000"), "{refused}");
    set(LARGEST_LEVEL).await.unwrap();
}
