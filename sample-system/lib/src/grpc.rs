//! What every gRPC call and every gRPC server of the shop has, whatever they talk about.
//!
//! # Layout
//! * [`client`]: a channel whose calls pass a [`Guard`](crate::calls::Guard), within a timeout and
//!   the caller's deadline
//! * [`server`]: a layer that counts requests, limits how many wait, and begins nothing that nobody
//!   waits for

pub mod client;
pub mod server;

use http::HeaderMap;
use tonic::Code;

/// Name of the header (or trailer) that carries the code of an answer.
const GRPC_STATUS: &str = "grpc-status";

/// The code of an answer whose headers are these. One that has none there goes well, as far as a
/// call with one message can tell before its message is read.
fn code(headers: &HeaderMap) -> Code {
    headers
        .get(GRPC_STATUS)
        .map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}

#[cfg(test)]
mod tests;
