//! The shop's public HTTP interface, `contracts/openapi/gateway.yaml`, as the routing table has it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};
use http::Method;

use crate::gate::Gate;
use crate::table::Route;

/// The routes of `table` through `gate`.
pub(crate) fn routes(table: Vec<Route>, gate: Gate) -> Router {
    let mut router = Router::new();
    for route in table {
        let method = if route.method == Method::GET {
            MethodFilter::GET
        } else if route.method == Method::PUT {
            MethodFilter::PUT
        } else {
            MethodFilter::POST
        };
        let path = route.path.clone();
        let route = Arc::new(route);
        let handler = async move |State(gate): State<Gate>, request: Request| {
            gate.answer(&route, request).await
        };
        router = router.route(&path, on(method, handler));
    }
    router.with_state(gate)
}

#[cfg(test)]
mod tests;
