//! Reading the sources: the owners' lists through the gateway, with an operator's token; the
//! topics; the client's log. Lists are read whole, again at each reading: what an item says of how it
//! stands changes, and what it said before is to be noticed when it changes that. Of a topic only
//! what is new is read again. Nothing is decided here.

mod log;
mod topics;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shop::kafka::KafkaError;
use tokio::time::Instant;

use self::topics::Topics;
use crate::arguments::Request;
use crate::facts::{Facts, Movement};

/// Whose token reads the lists.
const OPERATOR: &str = "operator@shop.example";
/// Items of one page, the most that an owner gives.
const PAGE: usize = 1000;
/// How many items' levels are asked at once.
const AT_ONCE: usize = 8;
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a source that does not answer is asked again: as long as a service that was killed
/// takes to come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// There is no client.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    /// The operator cannot sign in.
    #[error(
        "{OPERATOR} cannot sign in at {gateway}: it answers {status}; is it the password that msvc made?"
    )]
    SignIn {
        /// The gateway.
        gateway: String,
        /// What it answers.
        status: StatusCode,
    },
    /// A route does not answer.
    #[error("{route} gives no answer: {said}")]
    Silent {
        /// The route.
        route: String,
        /// The last thing it said.
        said: String,
    },
    /// A route answers something else.
    #[error("GET {route} answers {status} instead of its list")]
    Refused {
        /// The route.
        route: String,
        /// What it answers.
        status: StatusCode,
    },
    /// A list is not what it should be.
    #[error("{route} answers something else than agreed: {why}")]
    Unreadable {
        /// The route.
        route: String,
        /// What is wrong.
        why: String,
    },
    /// A topic cannot be read.
    #[error("the broker at {brokers}: {source}")]
    Topic {
        /// Where it should be.
        brokers: String,
        /// What went wrong.
        source: KafkaError,
    },
    /// The client's log cannot be read.
    #[error("{path}{place}: {why}")]
    Log {
        /// The file.
        path: String,
        /// `:line`, where it is one line.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// Where everything is read.
#[derive(Debug)]
pub(crate) struct Sources {
    client: reqwest::Client,
    gateway: String,
    topics: Topics,
    password: String,
    sent: Option<std::path::PathBuf>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
}

#[derive(Deserialize)]
struct Level {
    available: i64,
}

impl Sources {
    /// The sources that `request` names.
    pub(crate) fn new(request: &Request) -> Result<Self, ReadError> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(ReadError::Client)?;
        Ok(Self {
            client,
            gateway: request.gateway.clone(),
            topics: Topics::at(&request.kafka),
            password: request.password.clone(),
            sent: request.sent.clone(),
        })
    }

    /// Reads all of them.
    pub(crate) async fn read(&self) -> Result<Facts, ReadError> {
        let token = self.sign_in().await?;
        let (orders, charges, movements, reservations, shipments, mails, events) = tokio::try_join!(
            self.list(&token, "/audit/orders"),
            self.list(&token, "/audit/charges"),
            self.list::<Movement>(&token, "/audit/stock"),
            self.list(&token, "/audit/reservations"),
            self.list(&token, "/audit/shipments"),
            self.list(&token, "/audit/mails"),
            self.topics.read(),
        )?;
        let levels = self.levels(&token, &movements).await?;
        let sent = self.sent.as_deref().map(log::read).transpose()?;
        Ok(Facts {
            orders,
            charges,
            movements,
            levels,
            reservations,
            shipments,
            mails,
            events,
            sent,
        })
    }

    async fn sign_in(&self) -> Result<String, ReadError> {
        let body = json!({"email": OPERATOR, "password": self.password});
        let url = format!("{}/tokens", self.gateway);
        let post = || self.client.post(&url).json(&body);
        let (status, body) = self.ask("POST /tokens", post).await?;
        if status != StatusCode::OK {
            let gateway = self.gateway.clone();
            return Err(ReadError::SignIn { gateway, status });
        }
        parsed::<Token>("POST /tokens", &body).map(|token| token.access_token)
    }

    /// All items of a list, page by page.
    async fn list<T: DeserializeOwned>(
        &self,
        token: &str,
        route: &str,
    ) -> Result<Vec<T>, ReadError> {
        let (mut items, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("{route}?after={after}&limit={PAGE}");
            let page: Page = self.get(token, &path).await?;
            let unreadable = |why: String| ReadError::Unreadable {
                route: path.clone(),
                why,
            };
            let full = page.items.len() >= PAGE;
            for item in page.items {
                let sequence = item.get("sequence").and_then(Value::as_i64);
                let Some(sequence) = sequence.filter(|sequence| *sequence > after) else {
                    return Err(unreadable(format!("no `sequence` above {after} in {item}")));
                };
                after = sequence;
                items.push(serde_json::from_value(item).map_err(|e| unreadable(e.to_string()))?);
            }
            if !full {
                return Ok(items);
            }
        }
    }

    /// What can be sold of each item that ever moved, as customers are told.
    async fn levels(
        &self,
        token: &str,
        movements: &[Movement],
    ) -> Result<BTreeMap<String, i64>, ReadError> {
        let items: std::collections::BTreeSet<_> = movements.iter().map(|it| &it.sku).collect();
        stream::iter(items)
            .map(|sku| async move {
                let level: Level = self.get(token, &format!("/items/{sku}/stock")).await?;
                Ok((sku.clone(), level.available))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn get<T: DeserializeOwned>(&self, token: &str, path: &str) -> Result<T, ReadError> {
        let url = format!("{}{path}", self.gateway);
        let get = || self.client.get(&url).bearer_auth(token);
        let (status, body) = self.ask(&format!("GET {path}"), get).await?;
        if status != StatusCode::OK {
            let route = path.to_owned();
            return Err(ReadError::Refused { route, status });
        }
        parsed(path, &body)
    }

    /// Asks until there is an answer that another try would not change, within reason.
    async fn ask(
        &self,
        route: &str,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Vec<u8>), ReadError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = match answer(request()).await {
                Ok((status, body)) if !passes(status) => return Ok((status, body)),
                Ok((status, _)) => format!("it answers {status}"),
                Err(error) => innermost(&error),
            };
            if Instant::now() + PAUSE > deadline {
                let route = route.to_owned();
                return Err(ReadError::Silent { route, said });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
    let answer = request.send().await?;
    Ok((answer.status(), answer.bytes().await?.to_vec()))
}

/// Whether a status is one that passes: too much at once, or a service that is away.
fn passes(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn parsed<T: DeserializeOwned>(route: &str, body: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(body).map_err(|error| ReadError::Unreadable {
        route: route.to_owned(),
        why: error.to_string(),
    })
}

/// The last cause, which names what happened; the ones above it only repeat the URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
