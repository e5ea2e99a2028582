//! Everything the checks look at, read once.

use std::path::{Path, PathBuf};

use msvc_machine::shutdown::Shutdown;
use msvc_system::files::Files;

use crate::compose::{Compose, Service};
use crate::context::{Context, Contexts};
use crate::git::listing::Listing;
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
    ) -> Result<(Listing, History), GitError> {
        let git = Git::new(folder, environment, shutdown);
        git.root().await?;
        Ok((git.listing().await?, git.history().await?))
    }

    /// Reads the files that git told of. It takes seconds where there are many.
    #[must_use]
    pub fn read(
        folder: &Path,
        (listing, history): (Listing, History),
        files: &Files,
        now: i64,
    ) -> Self {
        let tree = Tree::read(folder, listing, files);
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

    /// Whether a service is one of the parts: built here, or called as one, or its image is.
    #[must_use]
    pub fn is_part(&self, service: &Service) -> bool {
        service.build.is_some() || self.contexts_of(service).next().is_some()
    }

    /// The contexts that a service, or its image, is called as.
    pub fn contexts_of<'a>(&'a self, service: &'a Service) -> impl Iterator<Item = &'a Context> {
        let kind = service.kind();
        let all = self.contexts.all.iter();
        all.filter(move |context| context.name == service.name || context.name == kind)
    }

    /// The usable commits.
    #[must_use]
    pub fn changes(&self) -> (Vec<Change<'_>>, LeftOut) {
        self.history.usable(&self.contexts)
    }

    /// Why history tells nothing, when it has too few usable commits.
    #[must_use]
    pub fn too_short(&self, usable: usize, left_out: &LeftOut) -> Option<String> {
        if self.history.without_files {
            let why = "what its commits touched is not on this machine, for it is a partial clone";
            return Some(why.to_owned());
        }
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
        let shallow = match self.history.shallow {
            true => "; the clone is shallow, so there may be more",
            false => "",
        };
        Some(format!(
            "{usable} of {} commits are usable, below {}: {merges} merges, {bots} by bots, {bulk} \
             bulk changes, {maintenance} of maintenance and {elsewhere} outside the parts were \
             left out{shallow}",
            self.history.commits.len(),
            crate::history::FEWEST,
        ))
    }

    /// What to do about a history that is too short: to bring the rest of it, where this clone has
    /// a part alone.
    #[must_use]
    pub fn lengthen<'a>(&self, otherwise: &'a str) -> &'a str {
        if self.history.without_files {
            "bring what the commits touched (`git fetch --refetch --filter=blob:none`), then run this again"
        } else if self.history.shallow && self.history.in_github {
            "bring the whole history (`fetch-depth: 0` at the step of `actions/checkout`), then run this again"
        } else if self.history.shallow {
            "bring the whole history (`git fetch --unshallow`), then run this again"
        } else {
            otherwise
        }
    }
}
