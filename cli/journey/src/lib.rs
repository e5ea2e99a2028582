//! Journeys.

pub mod criterion;
pub mod document;
pub mod entry;
pub mod expression;
pub mod message;
pub mod outcome;
pub mod run;
pub mod schema;
pub(crate) mod shown;
pub mod source;
pub mod step;
pub mod template;
