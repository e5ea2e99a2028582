//! What a document costs once its aliases are expanded.

use super::{MAX_DEPTH, MAX_NODES, MAX_SCALAR, MAX_TEXT};
use crate::problem::Problem;

/// What a node costs with every alias under it expanded.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) nodes: usize,
    pub(super) text: usize,
    pub(super) depth: usize,
}

impl Cost {
    /// What is too much of it.
    pub(super) fn check(self) -> Result<(), Problem> {
        let what = if self.nodes > MAX_NODES {
            format!(
                "the document has more than {MAX_NODES} nodes, aliases expanded; it is not read further"
            )
        } else if self.text > MAX_TEXT {
            format!(
                "the document has more than {MAX_TEXT} bytes of text, aliases expanded; it is not read further"
            )
        } else if self.depth > MAX_DEPTH {
            return Err(Self::too_deep());
        } else {
            return Ok(());
        };
        Err(Problem::error(what).hint("use fewer aliases, or part it among several files"))
    }

    /// That one text has too many bytes.
    pub(super) fn too_large(bytes: usize) -> Problem {
        Problem::error(format!(
            "a text of {bytes} bytes; at most {MAX_SCALAR} are read"
        ))
        .hint("keep what is that large in a file of its own")
    }

    /// That a document goes too deep.
    pub(super) fn too_deep() -> Problem {
        Problem::error(format!(
            "the document is nested more than {MAX_DEPTH} levels deep, aliases expanded"
        ))
        .hint("nest less deeply, or use fewer aliases")
    }
}
