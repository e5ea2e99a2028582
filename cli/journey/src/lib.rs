//! Journeys.

pub mod criterion;
pub mod expression;
pub mod message;
pub(crate) mod shown;
pub mod template;
