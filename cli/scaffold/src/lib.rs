//! `msvc new`: a service from a template, wired into the system, written at once or not at all.
//!
//! What comes in: a template's name, a service's name, answers, and the loaded system with the
//! files to read. What leaves: a [`new::Plan`] (every file and the changed Compose file, in
//! memory), and, when that is carried out, files on disk. What must not enter: running anything
//! (no cargo, no git, no network), printing, asking; templates that are not part of the program.
//!
//! Layout
//! - [`template`]: the templates inside the program, their files and questions.
//! - [`names`]: what a service can be called.
//! - [`answers`]: what was asked and answered, checked.
//! - [`render`]: files in memory from template and answers.
//! - [`place`]: where the service goes; [`workspace`]: which Cargo workspace takes it.
//! - [`wire`]: the Compose file with the service in it, all else as it was; [`diff`] shows it.
//! - [`new`]: from a request to a plan.
//! - [`write`]: the plan on disk, or nothing of it.

pub mod answers;
pub mod diff;
pub mod error;
pub mod names;
pub mod new;
pub mod place;
pub mod render;
mod stage;
pub mod template;
pub mod wire;
pub mod workspace;
pub mod write;
