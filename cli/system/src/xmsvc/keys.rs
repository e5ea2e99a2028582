//! Every key of `x-msvc`, mapping by mapping. What the loader takes and what the JSON Schema
//! describes are both held to these.

/// On a service.
pub(crate) const SERVICE: &[&str] = &[
    "owner", "context", "process", "calls", "probe", "contract", "ca",
];
/// An entry of `calls` in its long form.
pub(crate) const CALL: &[&str] = &["service", "port", "key"];
/// `contract`.
pub(crate) const CONTRACT: &[&str] = &["states", "environment", "consumer_test"];
/// `process`.
pub(crate) const PROCESS: &[&str] = &["build", "command", "working_dir", "environment", "port"];
/// `process.build` in its long form.
pub(crate) const BUILD: &[&str] = &["cargo", "command", "path", "image"];
/// At top level.
pub(crate) const SYSTEM: &[&str] = &["contracts", "journeys", "experiments", "inputs"];
/// A journey that is a command.
pub(crate) const JOURNEY: &[&str] = &["name", "command"];
/// An input out of a secret.
pub(crate) const INPUT: &[&str] = &["secret"];
/// On a top-level secret.
pub(crate) const SECRET: &[&str] = &["generate"];
/// `generate` in its long form.
pub(crate) const GENERATE: &[&str] = &["bytes"];
