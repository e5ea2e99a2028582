//! The shop's public HTTP interface, `contracts/openapi/gateway.yaml`, as the routing table has it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::Method;
use shop::trace_context::{BAGGAGE, TRACEPARENT, TraceContext};
use uuid::Uuid;

use crate::gate::Gate;
use crate::table::Route;

/// The routes of `table` through `gate`; a request without a trace gets one from `draw`.
pub(crate) fn routes(table: Vec<Route>, gate: Gate, draw: fn() -> (u128, u64)) -> Router {
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
    router
        .with_state(gate)
        .layer(from_fn(move |request: Request, next: Next| {
            traced(request, next, draw)
        }))
}

/// A random trace id and span id.
pub(crate) fn draw_trace() -> (u128, u64) {
    let (trace, span) = (Uuid::new_v4(), Uuid::new_v4());
    (trace.as_u128(), span.as_u64_pair().1)
}

/// Lets every request have a `traceparent`, here and behind.
async fn traced(mut request: Request, next: Next, draw: fn() -> (u128, u64)) -> Response {
    let given = TraceContext::from_headers(request.headers());
    if given.traceparent.is_none() {
        let (trace, span) = draw();
        let fresh = given.or_fresh(trace, span);
        let shown = tracing::Span::current();
        shown.record("trace_id", fresh.trace_id());
        shown.record(TRACEPARENT, fresh.traceparent.as_deref());
        shown.record(BAGGAGE, fresh.baggage.as_deref());
        fresh.write_headers(request.headers_mut());
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;
