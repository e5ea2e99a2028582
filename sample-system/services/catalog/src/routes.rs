//! Catalog's HTTP interface: `contracts/openapi/catalog.yaml`.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use shop::problem::{Body, Problem};
use shop::sku::Sku;

use crate::items::{Description, Item, Items};

/// Characters that an item's name may have.
const LONGEST_NAME: usize = 200;

/// The routes over `items`.
pub(crate) fn routes(items: Items) -> Router {
    Router::new()
        .route("/items/{sku}", get(show).put(put))
        .with_state(items)
}

async fn show(State(items): State<Items>, Path(sku): Path<String>) -> Result<Json<Item>, Problem> {
    let sku = Sku::try_from(sku).map_err(|error| Problem::bad_request(error.to_string()))?;
    let missing = format!("no item {sku}: add it with PUT /items/{sku}");
    let item = items
        .get(sku)
        .await
        .map_err(|error| Problem::internal(&error))?;
    item.map(Json).ok_or_else(|| Problem::not_found(missing))
}

async fn put(
    State(items): State<Items>,
    Path(sku): Path<String>,
    Body(description): Body<Description>,
) -> Result<Json<Item>, Problem> {
    let sku = Sku::try_from(sku).map_err(|error| Problem::bad_request(error.to_string()))?;
    let length = description.name.trim().chars().count();
    let control = description.name.chars().any(char::is_control);
    if length == 0 || length > LONGEST_NAME || control {
        let detail = format!("name: give 1 to {LONGEST_NAME} characters in one line");
        return Err(Problem::bad_request(detail));
    }
    if description.price.amount() == 0 {
        return Err(Problem::bad_request(
            "price.amount: give 1 or more, nothing is free here",
        ));
    }
    let item = items.put(Item { sku, description }).await;
    item.map(Json).map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use shop::serve::{self, Readiness};
    use tokio_util::sync::CancellationToken;

    use super::*;

    struct Running {
        root: String,
        client: reqwest::Client,
        shutdown: CancellationToken,
        served: tokio::task::JoinHandle<()>,
        _folder: tempfile::TempDir,
    }

    async fn start() -> Running {
        shop::entry::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let items = Items::open(folder.path()).unwrap();
        let listener = serve::listen("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (routes, token) = (routes(items), shutdown.clone());
        let served = tokio::spawn(async move {
            let grace = Duration::from_secs(5);
            serve::http(listener, routes, Readiness::new(), token, grace)
                .await
                .unwrap();
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Running {
            root,
            client,
            shutdown,
            served,
            _folder: folder,
        }
    }

    impl Running {
        async fn put(&self, path: &str, body: &str) -> (u16, Value) {
            let request = self.client.put(format!("{}{path}", self.root));
            let request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
            read(request.send().await.unwrap()).await
        }

        async fn get(&self, path: &str) -> (u16, Value) {
            read(
                self.client
                    .get(format!("{}{path}", self.root))
                    .send()
                    .await
                    .unwrap(),
            )
            .await
        }
    }

    async fn read(response: reqwest::Response) -> (u16, Value) {
        let status = response.status();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            kind == "application/problem+json",
            !status.is_success(),
            "{kind}"
        );
        (status.as_u16(), response.json().await.unwrap())
    }

    const LAMP: &str = r#"{"name":"Lamp","price":{"amount":4999,"currency":"USD"}}"#;

    #[tokio::test]
    async fn an_item_is_shown_as_it_was_put_last() {
        let running = start().await;
        running.put("/items/4521", LAMP).await;
        let (status, item) = running
            .put("/items/4521", &LAMP.replace("4999", "5099"))
            .await;
        assert_eq!(status, 200);
        let price = json!({"amount": 5099, "currency": "USD"});
        assert_eq!(item, json!({"sku": "4521", "name": "Lamp", "price": price}));
        assert_eq!(running.get("/items/4521").await, (200, item));
    }

    #[tokio::test]
    async fn an_unknown_item_is_404() {
        assert_eq!(start().await.get("/items/nothing").await.0, 404);
    }

    #[tokio::test]
    async fn a_bad_item_is_refused_with_the_reason_and_stores_nothing() {
        let running = start().await;
        for bad in [
            "{",
            "{}",
            &LAMP.replace("4999", "-1"),
            &LAMP.replace("4999", "0"),
            &LAMP.replace("4999", "49.99"),
            &LAMP.replace("USD", "dollars"),
            &LAMP.replace("Lamp", " "),
            &LAMP.replace("Lamp", "two\\nlines"),
            &LAMP.replace("\"name\"", "\"colour\":1,\"name\""),
        ] {
            let (status, problem) = running.put("/items/4521", bad).await;
            assert_eq!(status, 400, "{bad}");
            assert!(
                problem["detail"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            );
        }
        assert_eq!(running.put("/items/a%2Fb", LAMP).await.0, 400);
        assert_eq!(running.get("/items/4521").await.0, 404);
        let large = LAMP.replace("Lamp", &"x".repeat(70_000));
        assert_eq!(running.put("/items/4521", &large).await.0, 413);
        assert_eq!(running.get("/nowhere").await.0, 404);
    }

    #[tokio::test]
    async fn it_is_ready_while_it_serves_and_ends_when_asked() {
        let running = start().await;
        for probe in ["/healthz", "/readyz"] {
            let url = format!("{}{probe}", running.root);
            assert_eq!(running.client.get(url).send().await.unwrap().status(), 200);
        }
        running.shutdown.cancel();
        running.served.await.unwrap();
    }
}
