//! Who may see and do what, asked at the running shop's gateway on every route that it has.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use serde_json::{Value, json};
use support::shop::{GOOD, order};
use support::{Customer, Runtime, Shop, System, http, read, root, until};

support::in_both! {
    each_route_is_closed_to_whoever_it_is_not_meant_for,
}

/// A line of the gateway's routing table: method, path, who may ask.
struct Route {
    method: String,
    path: String,
    who: String,
}

/// The routes as the gateway has them.
fn routes() -> Vec<Route> {
    let text = read(&root().join("sample-system/services/gateway/routes.toml"));
    let rows = text.lines().filter(|line| line.contains("{ on = "));
    let routes: Vec<_> = rows
        .map(|row| {
            let quoted: Vec<&str> = row.split('"').skip(1).step_by(2).collect();
            let (method, path) = quoted[0].split_once(' ').unwrap();
            Route {
                method: method.to_owned(),
                path: path.to_owned(),
                who: quoted[1].to_owned(),
            }
        })
        .collect();
    assert!(routes.len() >= 30, "{}", routes.len());
    routes
}

impl Route {
    /// The answer to `who`, or to nobody in particular; with `id` and an item in the path.
    fn ask(&self, shop: &Shop, who: Option<&Customer>, id: &str) -> (u16, Value) {
        let path = self.path.replace("{id}", id).replace("{sku}", "roles");
        let bearer = who.map(Customer::bearer);
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()))
            .collect();
        http(&self.method, &shop.at(&path[1..]), &headers, None)
    }
}

fn each_route_is_closed_to_whoever_it_is_not_meant_for(runtime: Runtime) {
    let shop = Shop::boot(System::shop("roles", "").on(runtime));
    let (ada, eve) = (shop.customer("ada"), shop.customer("eve"));
    shop.stock("roles", 5);
    let (status, placed) = ada.orders("roles-1", &order("roles", 1, GOOD), &[]);
    assert_eq!(status, 201, "{placed}");
    let id = placed["id"].as_str().unwrap();
    let missing = "5d7a9e35-6f0b-5c41-8a5e-2b9d13c7e046";

    let (mut of_an_order, mut for_operators) = (0, 0);
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        let refused = |answer: (u16, Value), status: u16| {
            assert_eq!(
                (answer.0, &answer.1["status"]),
                (status, &json!(status)),
                "{name}: {}",
                answer.1
            );
        };
        if route.who != "anyone" {
            refused(route.ask(&shop, None, id), 401);
        }
        if route.who == "operator" {
            refused(route.ask(&shop, Some(&eve), id), 403);
            for_operators += 1;
        }
        if route.path.contains("{id}") {
            until(&format!("{name} to show the order to its owner"), || {
                (route.ask(&shop, Some(&ada), id).0 == 200).then_some(())
            });
            let others = route.ask(&shop, Some(&eve), id);
            assert_eq!(others, route.ask(&shop, Some(&eve), missing), "{name}");
            refused(others, 404);
            let shown = shop.get(&route.path[1..].replace("{id}", id));
            assert!(shown.get("detail").is_none(), "{name}: {shown}");
            of_an_order += 1;
        }
    }
    assert_eq!((of_an_order, for_operators), (4, 11));
    // What a customer lists is their own.
    assert_eq!(eve.get("orders"), (200, json!({"items": []})));
    assert_eq!(ada.get("orders").1["items"][0]["id"], json!(id));
}
