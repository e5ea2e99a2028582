//! Journeys: user flows with assertions, played against a running system. Workflows of an Arazzo
//! document, or any command whose exit status is the outcome.
//!
//! What comes in: what `x-msvc.journeys` names, a way to read files, and for each play an
//! [`entry::Entry`] (where to call, inputs, the run's id, the clock). What leaves: events while it
//! plays and an [`outcome::Outcome`] that turns into a case of the report. What must not enter:
//! the runtime and the mesh; a journey cannot tell on what the system runs, nor what is broken in
//! it. Several plays may run at once; they share nothing.
//!
//! What is read and how it is understood stands in `docs/reference/journeys.md`.
//!
//! Layout, each using what stands below it
//! - [`journey`]: loading and choosing. [`play`]: playing. [`command`]: command journeys.
//! - [`run`]: one play, deciding without I/O. [`step`]: one step's request and its worth.
//! - [`outcome`]: what a play came to. [`entry`]: what it is handed.
//! - [`document`]: Arazzo from positioned YAML. [`source`]: the operations that it calls.
//!   [`schema`]: the inputs that it takes.
//! - [`criterion`], [`template`], [`expression`]: conditions, values, runtime expressions.
//! - [`message`]: requests and answers as values.

pub mod command;
pub mod criterion;
pub mod document;
pub mod entry;
pub mod expression;
#[cfg(test)]
pub(crate) mod fixture;
pub mod journey;
pub mod message;
pub mod outcome;
pub mod play;
pub mod run;
pub mod schema;
pub(crate) mod shown;
pub mod source;
pub mod step;
pub mod template;

pub use entry::{Bases, CommandPlace, Entry, Limits};
pub use journey::{Journey, load, load_document, load_readable, select};
pub use outcome::Outcome;
pub use play::play;
