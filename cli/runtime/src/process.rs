//! The process runtime: a system as supervised host processes, with no engine.
//!
//! What comes in: steps over [`InstanceSpec`](crate::instance::InstanceSpec)s that are resolved
//! to the last setting. What leaves: events, logs, records. What must not enter: Compose files,
//! planning, printing.
//!
//! Three processes take part. The **guardian** is the parent of the **supervisor**, which is the
//! mesh and keeps the instances; **clients** speak to it through its socket. However the
//! supervisor ends, the guardian ends all that is left. How and why: `docs/design/supervision.md`.
//!
//! Layout, from the ground up
//! - `home`, `records`: the files of a project. `mark`: whose a process is.
//! - `logs`, `log_file`, `log_reader`, `events`: what is written down while it runs.
//! - `signals`: their names.
//! - `child`, `beside`: one start of an instance, and a command beside it.
//! - `readiness`, `restart`, `keeper`, `awaiting`: one replica over all its starts.
//! - `edges`, `shared`, `supervisor`, `settled`: all replicas, and their edges.
//! - `news`, `holds`, `readers`, `messages`, `control`: the door, and what is told there.
//! - `orphans`, `supervise`: the supervisor's main, and who falls to it.
//! - `guardian`: the guardian's main.
//! - `launch`, `clear`, `client`: the clients' side.

mod additions;
mod awaiting;
mod beside;
mod child;
mod clear;
mod client;
mod control;
mod edges;
mod events;
mod guardian;
mod holds;
mod home;
mod hooks;
mod keeper;
mod kept_lines;
mod launch;
mod log_file;
mod log_reader;
mod logs;
mod mark;
pub(crate) mod messages;
mod news;
mod orphans;
mod readers;
mod readiness;
mod records;
mod restart;
mod settled;
mod shared;
mod signals;
mod supervise;
mod supervisor;

pub use clear::{Down, down, down_in_turn};
pub use client::ProcessRuntime;
pub use guardian::{GuardianOptions, guardian_main};
pub use home::ProjectHome;
pub use kept_lines::keep_lines;
pub use launch::Launcher;
pub use log_reader::read_logs;
pub use mark::{MARK, RunMark};
pub use msvc_machine::process_table::ProcessIdentity;
pub use records::{EndRecord, FaultRecord, InstanceRecord, Leases, State, last_end, seen_end};
pub use supervise::{SupervisorOptions, supervisor_main};
pub use supervisor::RUNTIME;
