//! A mesh between real sockets on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "what helps the tests may fail as loudly as they"
)]

mod control;
mod datagrams;
mod edges;
mod faults;
mod kafka;
mod passing;
mod refusals;
mod rig;
