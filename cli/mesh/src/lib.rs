//! The data plane: every edge of a system passes a proxy here, is counted, and can be broken.
//!
//! What comes in: edge specs ([`spec::EdgeSpec`]) and faults ([`fault::Fault`]), over
//! [`protocol`]. What leaves: counts, incidents, receipts. What must not enter: any knowledge of
//! a System or a Compose file: an edge is a listener, backends and an admission policy; names in
//! it are labels.
//!
//! Layout
//! - [`spec`]: what an edge is.
//! - [`fault`], [`receipt`]: what to break, and proof of what was touched.
//! - [`exchange`]: what passed an edge, and what went wrong on it.
//! - [`lease`]: how long a fault may live without its owner.
//! - [`protocol`]: the framed two-way protocol that msvc speaks to meshes and supervisors.

pub mod exchange;
pub mod fault;
pub mod lease;
pub mod protocol;
pub mod receipt;
pub mod spec;
