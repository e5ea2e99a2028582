//! What expressions can see at one moment of a play.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::message::{Request, Response};

/// The outputs of a step or workflow. One that could not be read keeps the reason: reading it
/// later says so, and one that nobody reads harms nobody.
pub type Outputs = IndexMap<String, Result<Value, String>>;

/// A workflow that has been played to its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finished {
    /// Whether it held.
    pub held: bool,
    /// What it was given.
    pub inputs: Map<String, Value>,
    /// What it left.
    pub outputs: Outputs,
}

/// What expressions can see.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The running workflow's inputs.
    pub inputs: &'a Map<String, Value>,
    /// The running workflow's own outputs so far; in a step that calls a workflow, that one's.
    pub outputs: &'a Outputs,
    /// The outputs of the running workflow's steps, by step id.
    pub steps: &'a IndexMap<String, Outputs>,
    /// Workflows played to their end, by id.
    pub workflows: &'a IndexMap<String, Finished>,
    /// Where each source description stands, by name.
    pub sources: &'a IndexMap<String, String>,
    /// The step's request, once it is made.
    pub request: Option<&'a Request>,
    /// The step's answer, once it is there.
    pub response: Option<&'a Response>,
}
