//! What a document costs once its aliases are expanded, and why the first pass gave it up.

use super::{MAX_DEPTH, MAX_NODES};
use crate::problem::{Problem, Problems};

/// What a node costs with every alias under it expanded.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) nodes: usize,
    pub(super) text: usize,
    pub(super) depth: usize,
}

/// Why there are no marks.
pub(super) struct Refused {
    pub(super) problems: Problems,
    /// The byte that the parser stopped at.
    pub(super) offset: Option<usize>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problems: problem.into(),
            offset: None,
        }
    }
}

impl From<Refused> for Problems {
    fn from(refused: Refused) -> Self {
        refused.problems
    }
}

/// That a document has too many nodes.
pub(super) fn too_many_nodes() -> Problem {
    Problem::error(format!(
        "the document has more than {MAX_NODES} nodes, aliases expanded; it is not read further"
    ))
}

/// That a document goes too deep.
pub(super) fn too_deep() -> Problem {
    Problem::error(format!(
        "the document is nested more than {MAX_DEPTH} levels deep, aliases expanded"
    ))
}
