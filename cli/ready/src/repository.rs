//! Everything the checks look at, read once.

use std::path::{Path, PathBuf};

use msvc_machine::shutdown::Shutdown;
use msvc_system::files::Files;

use crate::compose::Compose;
use crate::context::Contexts;
use crate::git::{Git, GitError};
use crate::history::{Change, History, LeftOut};
use crate::tree::Tree;

/// A repository as the checks see it.
#[derive(Debug)]
pub struct Repository {
    /// The folder that was asked about: the repository, or a part of it.
    pub root: PathBuf,
    /// Its files.
    pub tree: Tree,
    /// Its history.
    pub history: History,
    /// Its Compose file.
    pub compose: Option<Compose>,
    /// Why the Compose file that is there cannot be read.
    pub compose_problem: Option<String>,
    /// Its parts.
    pub contexts: Contexts,
    /// Seconds since 1970, for "of the last year".
    pub now: i64,
}

impl Repository {
    /// What git tells of the repository that `folder` is, or lies in: the tracked files below
    /// `folder`, and their history.
    ///
    /// # Errors
    /// When it is none, git is missing or fails, or the user wants to end.
    pub async fn ask(
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        shutdown: &Shutdown,
    ) -> Result<(Vec<String>, History), GitError> {
        let git = Git::new(folder, environment, shutdown);
        git.root().await?;
        Ok((git.files().await?, git.history().await?))
    }

    /// Reads the files that git told of. It takes seconds where there are many.
    #[must_use]
    pub fn read(
        folder: &Path,
        (paths, history): (Vec<String>, History),
        files: &Files,
        now: i64,
    ) -> Self {
        let tree = Tree::read(folder, paths, files);
        Self::of(folder, tree, history, now)
    }

    /// Of what was read already.
    #[must_use]
    pub fn of(root: &Path, tree: Tree, history: History, now: i64) -> Self {
        let (compose, compose_problem) = match Compose::find(&tree) {
            None => (None, None),
            Some(Ok(compose)) => (Some(compose), None),
            Some(Err(why)) => (None, Some(why)),
        };
        let contexts = Contexts::find(&tree.paths, compose.as_ref());
        Self {
            root: root.to_path_buf(),
            tree,
            history,
            compose,
            compose_problem,
            contexts,
            now,
        }
    }

    /// The usable commits.
    #[must_use]
    pub fn changes(&self) -> (Vec<Change<'_>>, LeftOut) {
        self.history.usable(&self.contexts)
    }

    /// Why history tells nothing, when it has too few usable commits.
    #[must_use]
    pub fn too_short(&self, usable: usize, left_out: &LeftOut) -> Option<String> {
        if usable >= crate::history::FEWEST {
            return None;
        }
        let LeftOut {
            merges,
            bots,
            bulk,
            maintenance,
            elsewhere,
        } = left_out;
        let shallow = if self.history.shallow {
            "; the clone is shallow: `git fetch --unshallow` brings the rest"
        } else {
            ""
        };
        Some(format!(
            "{usable} of {} commits are usable, below {}: {merges} merges, {bots} by bots, {bulk} \
             bulk changes, {maintenance} of maintenance and {elsewhere} outside the parts were \
             left out{shallow}",
            self.history.commits.len(),
            crate::history::FEWEST,
        ))
    }
}
