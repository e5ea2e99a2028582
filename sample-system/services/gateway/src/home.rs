//! `GET /home`: five services are asked at once, each within its own time and with its own
//! fallback. The answer says which parts are old and which are missing; no part that fails makes
//! the page fail.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use shop::fallback::{Answer, LastGood};
use shop::http_client::CallError;
use shop::problem::Problem;
use uuid::Uuid;

use crate::fallback::Fallbacks;
use crate::forward::{unreachable, with_headers};
use crate::gate::Asked;
use crate::upstreams::{Service, Upstreams};

/// Parts of pages that are kept: two of the shop's own, and one for each of so many customers.
const KEPT: usize = 1000;

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Account,
    Featured,
    Popular,
    Recommendations,
    Orders,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Featured => "featured",
            Self::Popular => "popular",
            Self::Recommendations => "recommendations",
            Self::Orders => "orders",
        }
    }

    fn asks(self) -> (Service, &'static str) {
        match self {
            Self::Account => (Service::Auth, "/accounts/me"),
            Self::Featured => (Service::Catalog, "/v2/items?featured=true&limit=10"),
            Self::Popular => (Service::Search, "/search/popular?limit=10"),
            Self::Recommendations => (Service::Recommendations, "/recommendations?limit=10"),
            Self::Orders => (Service::Orders, "/orders?limit=5"),
        }
    }

    /// Under whose name the last good answer is kept, where one may stand in: an account's for
    /// itself, the shelves for all. Recommendations are an empty shelf instead, and an old list of
    /// orders would say of money and parcels what is no longer so.
    fn kept_for(self, account: Uuid) -> Option<Option<Uuid>> {
        match self {
            Self::Account => Some(Some(account)),
            Self::Featured | Self::Popular => Some(None),
            Self::Recommendations | Self::Orders => None,
        }
    }
}

/// The page.
#[derive(Debug, Default, Serialize)]
struct Page {
    account: Value,
    featured: Value,
    popular: Value,
    recommendations: Value,
    orders: Value,
    /// Parts that are as they last were.
    stale: Vec<&'static str>,
    /// Parts that could not be had at all.
    missing: Vec<&'static str>,
}

/// Puts pages together. Clones share what is kept.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    upstreams: Upstreams,
    fallbacks: Fallbacks,
    timeout: Duration,
    kept: LastGood<(Part, Option<Uuid>), Value>,
}

impl Home {
    /// Pages from `upstreams`, each part given `timeout`.
    pub(crate) fn new(upstreams: Upstreams, fallbacks: Fallbacks, timeout: Duration) -> Self {
        Self {
            upstreams,
            fallbacks,
            timeout,
            kept: LastGood::new(KEPT),
        }
    }

    /// The page of whoever asks.
    pub(crate) async fn answer(&self, asked: &Asked) -> Result<Response, Problem> {
        let (account, featured, popular, recommendations, orders) = tokio::join!(
            self.part(Part::Account, asked),
            self.part(Part::Featured, asked),
            self.part(Part::Popular, asked),
            self.part(Part::Recommendations, asked),
            self.part(Part::Orders, asked),
        );
        let mut page = Page::default();
        page.account = page.put(Part::Account, account?, Value::Null);
        page.featured = page.put(Part::Featured, featured?, nothing());
        page.popular = page.put(Part::Popular, popular?, nothing());
        page.recommendations = page.put(Part::Recommendations, recommendations?, nothing());
        page.orders = page.put(Part::Orders, orders?, nothing());
        Ok(Json(page).into_response())
    }

    async fn part(&self, part: Part, asked: &Asked) -> Result<Answer<Value>, Problem> {
        let account = asked.caller.map(|caller| caller.account_id);
        let kept_for = part.kept_for(account.unwrap_or_default());
        let result = self.ask(part, asked).await;
        if let Err(error) = &result {
            if !self.fallbacks.are_on() {
                return Err(unreachable(error));
            }
            tracing::warn!(%error, part = part.name(), "the home page does without");
            self.fallbacks.count(&format!("/home {}", part.name()));
        }
        Ok(match (kept_for, result) {
            (Some(whose), result) => self.kept.answer((part, whose), result),
            (None, Ok(value)) => Answer::Fresh(value),
            (None, Err(_)) => Answer::Missing,
        })
    }

    async fn ask(&self, part: Part, asked: &Asked) -> Result<Value, CallError> {
        let (service, path) = part.asks();
        let peer = self.upstreams.peer(service);
        let request = peer.request(Method::GET, path, &asked.trace);
        let request = with_headers(request, &asked.headers);
        let request = match service {
            // Slow for a page is not slow for an order or a password: the breaker that stands
            // before those is not told.
            Service::Orders | Service::Auth => request.before(asked.deadline.at_most(self.timeout)),
            _ => request.within(self.timeout).before(asked.deadline),
        };
        let answer = request.send().await?;
        match answer.status {
            StatusCode::OK => answer.json().map(items),
            _ => Err(answer.unreadable("wanted 200")),
        }
    }
}

impl Page {
    fn put(&mut self, part: Part, answer: Answer<Value>, nothing: Value) -> Value {
        match &answer {
            Answer::Fresh(_) => {}
            Answer::Stale(_) => self.stale.push(part.name()),
            Answer::Missing => self.missing.push(part.name()),
        }
        answer.value().unwrap_or(nothing)
    }
}

fn nothing() -> Value {
    Value::Array(Vec::new())
}

/// The items of a list, without the envelope that one comes in.
fn items(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => match fields.remove("items") {
            Some(items @ Value::Array(_)) => items,
            _ => Value::Object(fields),
        },
        other => other,
    }
}
