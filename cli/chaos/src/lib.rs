//! Breaking a system on purpose, and saying from evidence what held.
//!
//! What comes in: an experiment file or an order from the command line, and, as traits, what can
//! be broken ([`faults::Faults`]) and what is to hold meanwhile ([`probe::Journeys`]). What leaves:
//! a [`msvc_report::case::Case`], a [`journal::Journal`], events. What must not enter: Compose
//! files, how a system is booted, contracts, printing.
//!
//! Layout
//! - [`order`]: what is to be broken: a latency, a kill; durations as people write them.
//! - [`experiment`]: an experiment file (Chaos Toolkit's fields) as a value.
//! - [`faults`]: what the runs below need of the mesh and the runtime.
//! - [`live`]: the same over a running system's sessions.
//! - [`probe`]: what they need of journeys; the steady state, played.
//! - [`run`]: an experiment, from its steady state before to its rollbacks.
//! - [`inject`], [`kill`]: one fault from the command line.
//! - [`command`]: the user's command that runs meanwhile.
//! - [`recovery`]: the times of a kill.
//! - [`verdict`]: from what was found to a case and an exit code.
//! - [`journal`]: the record of a run, in Chaos Toolkit's form.

pub mod command;
pub mod experiment;
pub mod faults;
pub mod inject;
pub mod journal;
pub mod kill;
pub mod live;
pub mod order;
pub mod probe;
pub mod recovery;
pub mod run;
pub mod verdict;

#[cfg(test)]
mod fakes;
