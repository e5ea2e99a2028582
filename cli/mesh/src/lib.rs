//! The data plane: every edge of a system passes a proxy here, is counted, and can be broken.
//!
//! What comes in: edge specs ([`spec::EdgeSpec`]) and faults ([`fault::Fault`]), over
//! [`protocol`]. What leaves: counts, incidents, receipts. What must not enter: any knowledge of
//! a System or a Compose file: an edge is a listener, backends and an admission policy; names in
//! it are labels.
//!
//! Layout
//! - [`spec`]: what an edge is.
//! - [`mesh`]: all edges, faults and leases of one mesh; [`error`]: what it refuses.
//! - `edge`, `gate`, `backends`, `listener`, `wire`, `link`: how a connection is carried.
//! - `datagrams`: how UDP is relayed beside.
//! - `refusals`: how connections that the kernel refused are recorded all the same.
//! - `speech`, `kafka`, `advertised`: what a connection speaks, and how Kafka is kept on its edges.
//! - `toxic`, `fault_table`, `ledger`: how it is broken, and how that is counted.
//! - [`fault`], [`receipt`]: what to break, and proof of what was touched.
//! - [`exchange`], [`record`]: what passed an edge and what went wrong on it, kept for readers.
//! - [`lease`]: how long a fault may live without its owner.
//! - [`control`], [`client`]: the mesh's methods over the protocol, from both sides.
//! - [`protocol`]: the framed two-way protocol that msvc speaks to meshes and supervisors.

pub mod client;
pub mod control;
pub mod error;
pub mod exchange;
pub mod fault;
pub mod fault_table;
pub mod lease;
pub mod mesh;
pub mod protocol;
pub mod receipt;
pub mod record;
pub mod spec;

mod advertised;
mod backends;
mod datagrams;
mod edge;
mod gate;
mod kafka;
mod last_word;
mod ledger;
mod link;
mod listener;
mod mesh_clock;
mod refusals;
mod speech;
mod toxic;
mod wire;

pub use mesh::Mesh;
