//! Readiness: is this code base ready to be split into services, told from evidence in its own
//! repository.
//!
//! What comes in: a git repository (its history, its tracked files). What leaves: one
//! [`finding::Finding`] for each check, with file and line, commits and figures, and a report over
//! them. What must not enter: runtimes, meshes, anything that runs; opinions without evidence.
//!
//! Layout
//! - [`git`]: the only effect: history and file list, through the git program.
//! - [`history`]: commits, which of them are usable, and what changes together.
//! - [`tree`]: the tracked text files, and the search in them.
//! - [`compose`]: what a Compose file in the repository says, as far as checks need it.
//! - [`shell`], [`delivery`]: which commands of a script may run, and whether they deliver.
//! - [`pipeline`]: what starts a pipeline, and what its steps really do.
//! - [`tables`]: the tables of a database that a source file names.
//! - [`context`]: the parts that would become services.
//! - [`finding`]: what a check says.
//! - [`check`]: one file for each check.
//! - [`checklist`]: all of them, what decides the exit code, and what comes first.

pub mod check;
pub mod checklist;
pub mod code;
pub mod compose;
pub mod context;
pub mod delivery;
pub mod finding;
pub mod git;
pub mod history;
pub mod pipeline;
pub mod repository;
pub mod shell;
pub mod tables;
pub mod tree;
