//! What stands where a service is to go: what a run that was killed left, and what belongs to somebody.

use std::path::{Path, PathBuf};

use super::{Draft, Home, Request, known};
use crate::answers::FOLDER;
use crate::error::ScaffoldError;
use crate::place;
use crate::render;
use crate::stage;

impl Draft {
    /// Why the target is taken: where no service of the system is built there, with all of a service of
    /// that name that is there.
    pub(super) fn of_target(&self, error: ScaffoldError) -> ScaffoldError {
        match error {
            ScaffoldError::Exists { path }
                if path.is_dir() && known::is_built_nowhere_at(&self.home, &path) =>
            {
                let beside = self.pacts_there(&path).unwrap_or_default();
                ScaffoldError::Unwired { path, beside }
            }
            other => other,
        }
    }

    /// The pacts of a service of that name that are there.
    fn pacts_there(&self, target: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
        let contracts = self.contracts(target)?;
        let facts = self.facts(target, &contracts, false);
        let pacts = render::files(&self.template, "pacts", &facts)?;
        let pacts = pacts.iter().map(|pact| contracts.join(&pact.path));
        Ok(pacts.filter(|path| place::is_free(path).is_err()).collect())
    }
}

/// Clears away what killed runs left in the folder that the service's is to be in, as far as that is
/// known before anything is asked.
pub(super) fn clear_leftovers(request: &Request, home: &Home, root: &Path, boundary: &Path) {
    let given = request.set.iter().rev().find(|(key, _)| key == FOLDER);
    let folder = given.map_or_else(|| known::usual_folder(home, root), |(_, it)| it.clone());
    if let Ok(parent) = place::folder(root, Path::new(&folder), boundary) {
        stage::clear(&parent);
    }
}

/// What is no folder as an answer that does not fit.
pub(super) fn no_folder(error: ScaffoldError, answer: &str) -> ScaffoldError {
    match error {
        ScaffoldError::NoFolder { path } => ScaffoldError::Answer {
            key: FOLDER.to_owned(),
            value: answer.to_owned(),
            why: format!("{} is no folder", path.display()),
        },
        other => other,
    }
}

/// A pact that is there, told as one.
pub(super) fn of_pact(error: ScaffoldError) -> ScaffoldError {
    match error {
        ScaffoldError::Exists { path } => ScaffoldError::Pact { path },
        other => other,
    }
}
