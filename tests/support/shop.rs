//! The sample shop as its customers and its operators use it: at the gateway, signed in.

use std::process::Command;

use serde_json::{Value, json};

use super::http::http;
use super::running::finish;
use super::runtime::Runtime;
use super::system::System;
use super::{at_once, read, until};

/// A running shop, with an operator signed in.
pub struct Shop {
    pub system: System,
    pub gateway: String,
    operator: String,
}

/// Somebody with an account, signed in.
pub struct Customer {
    pub email: String,
    /// The account's id.
    pub account: String,
    token: String,
    gateway: String,
}

/// A card that is good, one that is declined, and one whose bank never answers (in test mode).
pub const GOOD: &str = "4242424242424242";
pub const DECLINED: &str = "4000000000000002";
pub const SILENT: &str = "4000000000000009";

/// An address that shipping serves.
pub fn address() -> Value {
    json!({"name": "Ada Lovelace", "street": "1 Main Street", "postal_code": "02139", "city": "Cambridge", "country": "US"})
}

/// The order of `quantity` units of an item, paid with a card.
pub fn order(sku: &str, quantity: u32, card: &str) -> Value {
    json!({"sku": sku, "quantity": quantity, "card": {"number": card}, "address": address()})
}

/// Signs in, and says what auth answered; waits while auth is not there yet, or has too much to do.
fn sign_in(gateway: &str, email: &str, password: &str) -> Value {
    let body = json!({"email": email, "password": password});
    until(&format!("{email} to be signed in"), || {
        let (status, token) = http(
            "POST",
            &format!("{gateway}/tokens"),
            &[],
            Some(body.clone()),
        );
        assert!(!matches!(status, 400..=428), "{token}");
        (status == 200).then_some(token)
    })
}

/// A text of what was answered.
fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap().to_owned()
}

impl Shop {
    /// Boots the shop with `more` over its services, in a runtime.
    pub fn boot(system: System) -> Self {
        system.up();
        Self::of(system)
    }

    /// A shop that runs.
    pub fn of(system: System) -> Self {
        let gateway = system.url("gateway");
        let password = read(&system.directory.join("secrets/operator-password"));
        let operator = sign_in(&gateway, "operator@shop.example", &password);
        Self {
            operator: text(&operator, "access_token"),
            system,
            gateway,
        }
    }

    /// The URL of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.gateway)
    }

    /// The URL at which the mesh itself hears the gateway's clients. In containers it is reached from
    /// the machine that runs them alone.
    pub fn door(&self) -> String {
        if self.system.runtime() == Runtime::Processes {
            return self.gateway.clone();
        }
        let ps = self.system.ps();
        let mut edges = ps["edges"].as_array().unwrap().iter();
        let edge = edges.find(|it| it["edge"] == "client->gateway:8080");
        let listen = edge.and_then(|it| it["listen"].as_str()).unwrap();
        let (_, port) = listen.rsplit_once(':').unwrap();
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}\n{{end}}";
        let mesh = format!("{}-msvc-mesh-1", self.system.project);
        let mut inspect = Command::new("docker");
        inspect.args(["inspect", "--format", format, &mesh]);
        let said = finish(inspect).expect(0).stdout;
        format!("http://{}:{port}", said.lines().next().unwrap().trim())
    }

    /// Asks as an operator.
    pub fn get(&self, path: &str) -> Value {
        asked("GET", &self.at(path), &self.operator, &[], None).1
    }

    /// Posts as an operator, under a key.
    pub fn post(&self, path: &str, key: &str) -> (u16, Value) {
        let headers = [("Idempotency-Key", key)];
        asked("POST", &self.at(path), &self.operator, &headers, None)
    }

    /// All that a route for auditors lists.
    #[track_caller]
    pub fn audit(&self, what: &str) -> Vec<Value> {
        self.audit_if_there(what)
            .unwrap_or_else(|page| panic!("no items of {what} in {page}"))
    }

    /// The same, or what was answered where whoever lists it is away.
    pub fn audit_if_there(&self, what: &str) -> Result<Vec<Value>, Value> {
        let mut all = Vec::new();
        let mut after = json!(0);
        loop {
            let page = self.get(&format!("audit/{what}?after={after}&limit=1000"));
            let Some(items) = page["items"].as_array() else {
                return Err(page);
            };
            all.extend_from_slice(items);
            match items.last() {
                Some(last) if items.len() == 1000 => after = last["sequence"].clone(),
                _ => return Ok(all),
            }
        }
    }

    /// Puts as an operator, under a key of its own each time.
    #[track_caller]
    pub fn put(&self, path: &str, headers: &[(&str, &str)], body: Value) {
        let key = format!("put-{path}-{body}").replace(' ', "");
        let key: String = key.chars().take(200).collect();
        let headers = [headers, &[("Idempotency-Key", key.as_str())]].concat();
        // A service that has just come up may not have auth's keys yet, and says so.
        let (status, said) = until("a service that checks tokens", || {
            let url = self.at(path);
            let answer = asked("PUT", &url, &self.operator, &headers, Some(body.clone()));
            (answer.0 != 503).then_some(answer)
        });
        assert_eq!(status, 200, "{path}: {said}");
    }

    /// So many units of an item for 49.99 are in stock.
    #[track_caller]
    pub fn stock(&self, sku: &str, units: u32) {
        self.stock_with(sku, units, &[]);
    }

    /// The same, with headers of the test's own.
    #[track_caller]
    pub fn stock_with(&self, sku: &str, units: u32, headers: &[(&str, &str)]) {
        let item = json!({"name": "Lamp", "price": {"amount": 4999, "currency": "USD"}});
        self.put(&format!("v1/items/{sku}"), headers, item);
        self.put(
            &format!("items/{sku}/stock"),
            headers,
            json!({"units": units}),
        );
    }

    /// The units of an item that can be sold.
    pub fn available(&self, sku: &str) -> Value {
        self.get(&format!("items/{sku}/stock"))["available"].clone()
    }

    /// The charges of an order.
    pub fn charges(&self, order: &str) -> Value {
        self.get(&format!("orders/{order}/charges"))
    }

    /// All orders of an account, as orders lists them for the auditor.
    pub fn orders_of(&self, customer: &Customer) -> Vec<Value> {
        let (_, account) = customer.get("accounts/me");
        let mut all = self.audit_if_there("orders").unwrap_or_default();
        all.retain(|it| it["account_id"] == account["id"]);
        all
    }

    /// The mails of a kind to an address.
    pub fn mails(&self, to: &str, kind: &str) -> Value {
        self.get(&format!("mails?to={to}&kind={kind}"))
    }

    /// So many who are not known yet sign up and in, `NAME-1` and so on.
    pub fn customers(&self, name: &str, count: usize) -> Vec<Customer> {
        let names: Vec<String> = (1..=count).map(|n| format!("{name}-{n}")).collect();
        // More at once would wait for each other's passwords anyway.
        let turns = names.chunks(20);
        turns
            .flat_map(|names| at_once(names, |name| self.customer(name)))
            .collect()
    }

    /// Somebody who is not known yet signs up and in.
    pub fn customer(&self, name: &str) -> Customer {
        let (email, password) = (format!("{name}@example.com"), "a long password");
        let body = json!({"email": email, "password": password, "name": name});
        let key = format!("sign-up-{name}");
        let headers = [("Idempotency-Key", key.as_str())];
        until(&format!("{email} to have an account"), || {
            let (status, said) = http("POST", &self.at("accounts"), &headers, Some(body.clone()));
            assert!(!matches!(status, 400..=428), "{said}");
            (status == 201).then_some(())
        });
        let signed_in = sign_in(&self.gateway, &email, password);
        Customer {
            token: text(&signed_in, "access_token"),
            account: text(&signed_in, "account_id"),
            email,
            gateway: self.gateway.clone(),
        }
    }
}

impl Customer {
    /// The value of the header `Authorization`.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Where it orders.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Asks as this customer.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}/{path}", self.gateway);
        asked("GET", &url, &self.token, &[], None)
    }

    /// Sends an order under a key.
    pub fn orders(&self, key: &str, order: &Value, headers: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/orders", self.gateway);
        let headers = [headers, &[("Idempotency-Key", key)]].concat();
        asked("POST", &url, &self.token, &headers, Some(order.clone()))
    }
}

fn asked(
    method: &str,
    url: &str,
    token: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> (u16, Value) {
    let bearer = format!("Bearer {token}");
    let headers = [headers, &[("Authorization", bearer.as_str())]].concat();
    http(method, url, &headers, body)
}
