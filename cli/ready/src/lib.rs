//! Readiness: is this code base ready to be split into services, told from evidence in its own
//! repository.
//!
//! What comes in: a git repository (its history, its tracked files). What leaves: one
//! [`finding::Finding`] for each check, with file and line, commits and figures, and a report over
//! them. What must not enter: runtimes, meshes, anything that runs; opinions without evidence.
//!
//! Layout
//! - [`git`]: the only effect: history and file list, through the git program.
//! - [`glob`]: patterns of paths.
//! - [`history`]: commits, which of them are usable, and what changes together.
//! - [`tree`]: the tracked text files, and the search in them.
//! - [`compose`]: what a Compose file in the repository says, as far as checks need it.
//! - [`shell`], [`delivery`]: which commands of a script may run, and whether they deliver.
//! - [`pipeline`]: what starts a pipeline, and what its steps really do.
//! - [`kubernetes`]: what documents for Kubernetes lead to, run and ask.
//! - [`decision`]: decisions that were written down.
//! - [`broker`]: brokers that run.
//! - [`client`]: clients of brokers, by the words of their source.
//! - [`agent`]: what traces a part from outside of its source.
//! - [`collector`]: what collects logs and traces.
//! - [`alert`], [`runbook`]: who is told when it breaks, and what to do then.
//! - [`owner`]: whose the parts are, as files declare it.
//! - [`tables`]: the tables of a database that a source file names.
//! - [`database`]: which database a part is told to use.
//! - [`sharing`]: the tables that several parts use.
//! - [`context`]: the parts that would become services.
//! - [`finding`]: what a check says.
//! - [`check`]: one file for each check.
//! - [`absent`]: what becomes of a verdict that rests on files which are not here.
//! - [`checklist`]: all of them, what decides the exit code, and what comes first.

pub mod absent;
pub mod agent;
pub mod alert;
pub mod broker;
pub mod check;
pub mod checklist;
pub mod client;
pub mod code;
pub mod collector;
pub mod compose;
pub mod context;
pub mod database;
pub mod decision;
pub mod delivery;
pub mod finding;
pub mod git;
pub mod glob;
pub mod history;
pub mod kubernetes;
pub mod owner;
pub mod pipeline;
pub mod repository;
pub mod runbook;
pub mod sharing;
pub mod shell;
pub mod tables;
pub mod tree;
