//! Runtimes: a system and what is observed become a plan, the plan is executed, the runtime
//! keeps it alive.
//!
//! What comes in: a [`msvc_system::model::System`], what runs already, and the effects of
//! `machine`. What leaves: events, and a running system that every later command finds. What
//! must not enter: journeys, contracts, experiments, printing.
//!
//! Layout
//! - [`instance`]: what one instance is and runs.
//! - [`observed`]: what a runtime says is there.
//! - [`build`]: what is out of date is built, once for each Cargo workspace.
//! - [`names`], [`ports`]: names in settings become addresses, addresses are chosen and kept.
//! - [`lane`]: what is wanted: instances and edges, resolved to the last setting.
//! - `fields`: what becomes of each field of the Compose file in either runtime.
//! - [`plan`]: the steps, as data with a text form; deciding does no I/O.
//! - [`executor`]: carries a plan out; [`up`] is all of it in one call.
//! - [`contract`]: the trait that both runtimes fulfil.
//! - `lines`: what services write, cut into lines.
//! - [`process`]: the runtime of host processes. [`docker`]: the runtime of containers.
//! - [`provision`]: networks and volumes, which containers need before they start.
//! - [`service_fault`]: kills under a lease, and what became of them.

pub mod build;
pub mod contract;
pub mod docker;
pub mod executor;
mod fields;
pub mod instance;
pub mod lane;
mod lines;
pub mod names;
pub mod observed;
pub mod plan;
pub mod ports;
pub mod process;
pub mod provision;
pub mod service_fault;
pub mod turn;
pub mod up;

#[cfg(test)]
mod every_field;
