//! The checks, one file each. Each takes the repository and says what it found; none knows
//! another.

pub mod api_gateway;
pub mod bounded_contexts;
pub mod independent_delivery;
pub mod message_broker;
pub mod observability;
pub mod operational_overhead;
pub mod should_you;
pub mod team_alignment;
