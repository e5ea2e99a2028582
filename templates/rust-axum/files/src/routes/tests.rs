//! The interface, asked without a network.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::database::Database;

const LAMP: &str = r#"{"name":"Lamp","quantity":3}"#;

struct Interface {
    routes: Router,
    _folder: tempfile::TempDir,
}

fn interface() -> Interface {
    let folder = tempfile::tempdir().unwrap();
    let items = Items::new(Database::open(folder.path()).unwrap());
    Interface {
        routes: routes(items),
        _folder: folder,
    }
}

impl Interface {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1_000_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, "").await
    }

    async fn put(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask(Method::PUT, path, body).await
    }
}

#[tokio::test]
async fn an_item_is_shown_as_it_was_put_last() {
    let interface = interface();
    let lamp = json!({"id": "lamp", "name": "Lamp", "quantity": 3});
    assert_eq!(interface.put("/items/lamp", LAMP).await, (201, lamp));
    let (status, item) = interface.put("/items/lamp", &LAMP.replace('3', "4")).await;
    assert_eq!((status, &item["quantity"]), (200, &json!(4)));
    assert_eq!(interface.get("/items/lamp").await, (200, item));
}

#[tokio::test]
async fn a_deleted_item_is_gone_and_may_be_deleted_again() {
    let interface = interface();
    interface.put("/items/lamp", LAMP).await;
    for _ in 0..2 {
        let (status, _) = interface.ask(Method::DELETE, "/items/lamp", "").await;
        assert_eq!(status, 204);
    }
    assert_eq!(interface.get("/items/lamp").await.0, 404);
}

#[tokio::test]
async fn a_list_is_as_long_as_asked_and_goes_on_after_an_id() {
    let interface = interface();
    for id in ["a", "b", "c"] {
        interface.put(&format!("/items/{id}"), LAMP).await;
    }
    let (_, first) = interface.get("/items?limit=2").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let (_, rest) = interface.get("/items?after=b").await;
    assert_eq!(rest["items"][0]["id"], "c");
    for bad in ["limit=0", "limit=1001", "limit=x", "colour=red"] {
        assert_eq!(
            interface.get(&format!("/items?{bad}")).await.0,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_bad_item_is_refused_with_the_reason_and_stores_nothing() {
    let interface = interface();
    for bad in [
        "{",
        "{}",
        r#"["Lamp", 3]"#,
        &LAMP.replace('3', "-1"),
        &LAMP.replace('3', "1.5"),
        &LAMP.replace("Lamp", " "),
        &LAMP.replace("\"name\"", "\"colour\":1,\"name\""),
    ] {
        let (status, problem) = interface.put("/items/lamp", bad).await;
        assert_eq!(status, 400, "{bad}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|why| !why.is_empty())
        );
    }
    for no_id in ["a%2Fb", "%ff"] {
        let (status, problem) = interface.put(&format!("/items/{no_id}"), LAMP).await;
        assert_eq!(status, 400, "{no_id}");
        assert!(problem["detail"].is_string(), "{no_id}: {problem}");
    }
    assert_eq!(interface.get("/items/lamp").await.0, 404);
}
