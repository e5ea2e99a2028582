//! What is asked over HTTP, and who may see it.

use shop::serve::{self, Readiness};
use shop::token::{Keys, Role, SEED, Signer};

use super::*;

pub(super) fn signer() -> Signer {
    Signer::from_seed(&[7; SEED]).unwrap()
}

/// The HTTP interface of a warehouse.
pub(super) struct Served {
    pub(super) root: String,
    pub(super) client: reqwest::Client,
}

impl Served {
    pub(super) async fn start(warehouse: &Warehouse) -> Self {
        shop::entry::install_tls();
        let listener = serve::listen("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let keys = Keys::of([&signer()], Clock::system());
        let routes = crate::routes::routes(warehouse.clone(), keys);
        let (never, grace) = (CancellationToken::new(), Duration::from_secs(5));
        tokio::spawn(serve::http(
            listener,
            routes,
            Readiness::new(),
            never,
            grace,
        ));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { root, client }
    }

    /// What is answered to somebody who is signed in.
    async fn asked(&self, path: &str, account: Uuid, role: Role) -> (u16, Value) {
        let now = Clock::system().now().timestamp();
        let token = signer().token(account, role, now, 60).unwrap();
        let request = self.client.get(format!("{}{path}", self.root));
        let response = request.bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_customer_sees_the_own_shipment_and_no_other_and_an_operator_sees_all() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    hear(&warehouse, &placed("e1", "o1", "DE")).await.unwrap();
    let served = Served::start(&warehouse).await;
    let bob = Uuid::from_u128(2);
    let shown = json!({"order_id": "o1", "status": "packing"});
    for path in ["/orders/o1/shipment", "/shipments?order_id=o1"] {
        let good = (200, shown.clone());
        assert_eq!(served.asked(path, ADA, Role::Customer).await, good);
        assert_eq!(served.asked(path, bob, Role::Operator).await, good);
        let others = served.asked(path, bob, Role::Customer).await;
        let missing = path.replace("o1", "o2");
        let none = served.asked(&missing, bob, Role::Customer).await;
        assert_eq!(others, none);
        assert_eq!(others.0, 404);
        let anonymous = served.client.get(format!("{}{path}", served.root));
        assert_eq!(anonymous.send().await.unwrap().status(), 401);
    }
    assert_eq!(served.asked("/shipments", ADA, Role::Customer).await.0, 400);
    let packing = Packing::start(&warehouse);
    all_ended(&warehouse).await;
    packing.stop().await;
    let (_, shown) = served
        .asked("/orders/o1/shipment", ADA, Role::Customer)
        .await;
    assert_eq!(shown["status"], "shipped");
    assert!(shown["tracking"].as_str().unwrap().starts_with("SHOP"));
}

#[tokio::test]
async fn every_shipment_is_listed_page_by_page_to_operators_alone() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = warehouse(&folder);
    for order in ["o1", "o2"] {
        hear(&warehouse, &placed(&format!("e-{order}"), order, "DE"))
            .await
            .unwrap();
    }
    let served = Served::start(&warehouse).await;
    let path = "/audit/shipments";
    let (status, first) = served
        .asked(&format!("{path}?limit=1"), ADA, Role::Operator)
        .await;
    assert_eq!(status, 200);
    assert_eq!(first["items"][0]["order_id"], "o1");
    assert_eq!(first["items"].as_array().unwrap().len(), 1);
    let after = &first["items"][0]["sequence"];
    let (_, rest) = served
        .asked(&format!("{path}?after={after}"), ADA, Role::Operator)
        .await;
    assert_eq!(rest["items"][0]["order_id"], "o2");
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(served.asked(path, ADA, Role::Customer).await.0, 403);
    let bad = served.asked("/audit/shipments?after=x", ADA, Role::Operator);
    assert_eq!(bad.await.0, 400);
}
