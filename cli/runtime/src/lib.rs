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
//! - [`plan`]: the steps, as data with a text form; deciding does no I/O.
//! - [`contract`]: the trait that both runtimes fulfil.
//! - [`process`]: the runtime of host processes.
//! - [`service_fault`]: kills under a lease, and what became of them.

pub mod contract;
pub mod instance;
pub mod names;
pub mod observed;
pub mod plan;
pub mod ports;
pub mod process;
pub mod service_fault;
