//! The runtime of containers: a system in an engine that speaks Docker's API, 1.41 or later. The
//! only place that names the engine's client library.
//!
//! What comes in: steps over [`InstanceSpec`](crate::instance::InstanceSpec)s that are resolved to
//! the last setting. What leaves: events, logs, containers that outlive msvc. What must not enter:
//! Compose files beyond `want`, printing.
//!
//! Beside the engine little is remembered: which one it is, and which jobs are known to be done,
//! which an engine forgets. Labels are the state. Any command finds by them what runs, as `docker
//! compose` finds it by its own.
//!
//! Layout, from the ground up
//! - [`engine`]: where it is, and what it could not do. `labels`: the state.
//! - [`image`]: the image of each service. [`want`]: a lane as it is wanted, pure.
//! - `network`, `volume`, `container`, `files`, `beside`: one thing of the engine each.
//! - `subnets`, `mesh_container`: where the mesh listens, and its container; [`aboard`] is the main
//!   inside it.
//! - `strangers`: what is not the project's own. `given`: what the files take for given; `host_addresses`, of the host. `displaced`: who no longer stands
//!   where it was put; `unmeshed`: whose mesh does not run.
//! - `endings`: who ended by itself, and who was stopped.
//! - `held`: what a lane's containers hold already. `remembered`: which engine it is.
//! - [`keeper`]: who keeps a killed service down.
//! - `readiness`, `logs`, `events`: what is seen of containers.
//! - `clear`: all of a project, gone.

pub mod engine;
pub mod image;
pub mod want;

pub mod aboard;
pub mod boot;

mod beside;
mod clear;
mod container;
mod displaced;
mod endings;
mod events;
mod files;
mod given;
mod guests;
mod held;
mod hooks;
mod host_addresses;
pub mod keeper;
mod labels;
mod listeners;
mod logs;
mod mesh_container;
mod network;
pub mod published;
mod readiness;
mod remembered;
mod runtime;
mod strangers;
mod subnets;
mod unmeshed;
mod volume;

pub use clear::{data, down, undo};
pub use container::fields_meant;
pub use engine::{Engine, EngineError, Questions};
pub use remembered::Remembered;
pub use runtime::{DockerRuntime, RUNTIME};
