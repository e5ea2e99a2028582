//! Who uses the shop in a measurement: an operator who fills the shelves, and customers who order.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::Released;

/// A client that keeps its connections, as a browser or a load balancer does.
pub(crate) fn client() -> Client {
    msvc_machine::http_client::choose_tls_provider();
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only(Vec::new())
        .timeout(Duration::from_secs(30));
    client.build().unwrap()
}

/// Somebody with an account, signed in.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) account: String,
    token: String,
}

/// The shop's counter: where customers and operators come.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    pub(crate) client: Client,
    pub(crate) gateway: String,
}

impl Counter {
    /// The counter of a shop that is up.
    pub(crate) fn of(shop: &Released) -> Self {
        Self {
            client: client(),
            gateway: shop.url("gateway", 8080),
        }
    }

    /// Asks; the status and the body.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        by: Option<&Customer>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        let url = format!("{}/{path}", self.gateway);
        let mut request = self.client.request(method, url);
        if let Some(by) = by {
            request = request.bearer_auth(&by.token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The same, until `wanted`: a service that has just come up says 503 for a moment.
    async fn insist(
        &self,
        (method, path): (Method, &str),
        by: Option<&Customer>,
        key: Option<&str>,
        body: &Value,
        wanted: StatusCode,
    ) -> Value {
        let asking = async {
            loop {
                let asked = self.ask(method.clone(), path, by, key, Some(body)).await;
                match asked {
                    Ok((status, answer)) if status == wanted => return answer,
                    Ok((status, answer)) => assert!(
                        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
                        "{path}: {status} {answer}"
                    ),
                    Err(_) => {}
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let answer = tokio::time::timeout(Duration::from_secs(60), asking).await;
        answer.unwrap_or_else(|_| panic!("no {wanted} for {path}"))
    }

    async fn signed_in(&self, email: &str, password: &str) -> Customer {
        let body = json!({"email": email, "password": password});
        let tokens = (Method::POST, "tokens");
        let token = self.insist(tokens, None, None, &body, StatusCode::OK).await;
        let text = |name: &str| token[name].as_str().unwrap().to_owned();
        Customer {
            account: text("account_id"),
            token: text("access_token"),
        }
    }

    /// The shop's first operator.
    pub(crate) async fn operator(&self) -> Customer {
        let password = Released::password();
        self.signed_in("operator@shop.example", &password).await
    }

    /// Somebody new.
    pub(crate) async fn customer(&self, name: &str) -> Customer {
        let (email, password) = (format!("{name}@example.com"), "a long password");
        let body = json!({"email": email, "password": password, "name": name});
        let accounts = (Method::POST, "accounts");
        let key = format!("sign-up-{name}");
        self.insist(accounts, None, Some(&key), &body, StatusCode::CREATED)
            .await;
        self.signed_in(&email, password).await
    }

    /// Describes an item and puts so many units of it in stock.
    pub(crate) async fn stock(&self, operator: &Customer, sku: &str, units: u32) {
        let item = json!({"name": "Lamp", "price": {"amount": 4999, "currency": "USD"}});
        for (path, body) in [
            (format!("v1/items/{sku}"), item),
            (format!("items/{sku}/stock"), json!({ "units": units })),
        ] {
            let put = (Method::PUT, path.as_str());
            let key = path.replace('/', "-");
            self.insist(put, Some(operator), Some(&key), &body, StatusCode::OK)
                .await;
        }
    }

    /// Orders one unit of an item, once.
    pub(crate) async fn order(
        &self,
        customer: &Customer,
        sku: &str,
        key: &str,
    ) -> Result<(StatusCode, Value), reqwest::Error> {
        let address = json!({
            "name": "Ada Lovelace", "street": "1 Main Street", "postal_code": "02139",
            "city": "Cambridge", "country": "US",
        });
        let card = json!({"number": "4242424242424242"});
        let body = json!({"sku": sku, "quantity": 1, "card": card, "address": address});
        self.ask(
            Method::POST,
            "orders",
            Some(customer),
            Some(key),
            Some(&body),
        )
        .await
    }
}
