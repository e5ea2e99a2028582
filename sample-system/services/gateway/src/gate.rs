//! What happens to every request, in this order: who asks is found out, one is taken from their
//! bucket, what they may is checked, and then the route's own work is done.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use shop::bugs::{Bug, Bugs};
use shop::deadline::Deadline;
use shop::metrics::Metrics;
use shop::problem::Problem;
use shop::serve::Remote;
use shop::sku::Sku;
use shop::token::{Caller, Keys};
use shop::trace_context::TraceContext;

use crate::fallback::Fallbacks;
use crate::forward::RawBody;
use crate::rates::Rates;
use crate::table::{Does, Route, Who};
use crate::upstreams::Upstreams;
use crate::{forward, home, stock};

/// Characters that an id may have.
const LONGEST_ID: usize = 64;

/// What all routes share.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) upstreams: Upstreams,
    pub(crate) keys: Keys,
    pub(crate) rates: Rates,
    pub(crate) fallbacks: Fallbacks,
    pub(crate) home: home::Home,
    limited: shop::metrics::Counters,
}

/// A request once it may go on.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) trace: TraceContext,
    pub(crate) deadline: Deadline,
    pub(crate) caller: Option<Caller>,
    /// Names and values of the path's parameters, checked.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) query: Option<String>,
    pub(crate) body: Bytes,
}

impl Gate {
    /// The gate before `upstreams`.
    pub(crate) fn new(
        upstreams: Upstreams,
        keys: Keys,
        rates: Rates,
        home_timeout: std::time::Duration,
        bugs: &Bugs,
        metrics: &Metrics,
    ) -> Self {
        let on = !bugs.has(Bug::MissingFallback);
        let fallbacks = Fallbacks::new(on, metrics);
        Self {
            home: home::Home::new(upstreams.clone(), fallbacks.clone(), home_timeout),
            upstreams,
            keys,
            rates,
            fallbacks,
            limited: metrics.counters("rate_limited", "Requests of callers that ask too often"),
        }
    }

    /// Answers `request`, which matched `route`.
    pub(crate) async fn answer(self, route: &Route, request: Request) -> Response {
        let (result, caller) = self.work(route, request).await;
        let mut response = result.into_response();
        if let Some(caller) = caller {
            // For the access log.
            response.extensions_mut().insert(caller);
        }
        response
    }

    async fn work(
        &self,
        route: &Route,
        request: Request,
    ) -> (Result<Response, Problem>, Option<Caller>) {
        let from = remote(&request);
        let caller = self.caller(route.who, request.headers()).await;
        let known = caller.as_ref().ok().copied().flatten();
        if let Err(early) = self.rates.take(known.as_ref(), from) {
            let who = if known.is_some() {
                "account"
            } else {
                "address"
            };
            self.limited
                .get_or_create(&vec![("who", who.to_owned())])
                .inc();
            return (Err(early), known);
        }
        let result = async {
            let caller = caller?;
            let asked = Asked::read(route, request, caller).await?;
            match &route.does {
                Does::Forward { to, path, fallback } => {
                    forward::answer(self, route, asked, *to, path, *fallback).await
                }
                Does::Home => self.home.answer(&asked).await,
                Does::ShowStock => stock::show(&self.upstreams, &asked).await,
                Does::SetStock => stock::set(&self.upstreams, &asked).await,
            }
        };
        (result.await, known)
    }

    /// Who asks, where they say so; that they may.
    async fn caller(&self, who: Who, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        if who == Who::Anyone {
            if !headers.contains_key(header::AUTHORIZATION) {
                return Ok(None);
            }
            // A token that no longer holds is no reason to hide what anyone may see.
            return Ok(self.keys.caller(headers).await.ok());
        }
        let caller = self.keys.caller(headers).await?;
        match who {
            Who::Operator => Ok(Some(caller.operator()?.0)),
            Who::SignedIn | Who::Anyone => Ok(Some(caller)),
        }
    }
}

impl Asked {
    async fn read(
        route: &Route,
        request: Request,
        caller: Option<Caller>,
    ) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let deadline = Deadline::from_request_parts(&mut parts, &()).await?;
        let values = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|error| Problem::bad_request(error.to_string()))?;
        let values: Vec<_> = values.iter().map(|(_, value)| value.to_owned()).collect();
        let mut parameters = Vec::new();
        for (name, value) in route.parameters().zip(values) {
            check(name, &value)?;
            parameters.push((name.to_owned(), value));
        }
        let headers = parts.headers.clone();
        let query = parts.uri.query().map(str::to_owned);
        let RawBody(body) = RawBody::from_request(Request::from_parts(parts, body), &()).await?;
        Ok(Self {
            trace: TraceContext::from_headers(&headers),
            headers,
            deadline,
            caller,
            parameters,
            query,
            body,
        })
    }

    /// The value of the parameter `name`.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Where the connection came from.
fn remote(request: &Request) -> IpAddr {
    let info = request.extensions().get::<ConnectInfo<Remote>>();
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
        info.0.address.ip()
    })
}

/// Whether `value` is safe in a path as it is, and could be the name of something.
fn check(parameter: &str, value: &str) -> Result<(), Problem> {
    if parameter == "sku" {
        return Sku::try_from(value.to_owned())
            .map(drop)
            .map_err(|error| Problem::bad_request(error.to_string()));
    }
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if value.is_empty() || value.len() > LONGEST_ID || !value.bytes().all(allowed) {
        return Err(Problem::not_found("no such order"));
    }
    Ok(())
}
