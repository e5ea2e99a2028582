//! What to load, and which steps are left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The working directory, or `-C`; absolute.
    pub directory: PathBuf,
    /// The folder from which places name files, absolute; `directory` where not given.
    pub shown_from: Option<PathBuf>,
    /// `-f`, in order; empty to look for Compose's own names.
    pub files: Vec<PathBuf>,
    /// `--project-directory`: where relative paths of the files start, absolute; else the first
    /// file's folder.
    pub project_directory: Option<PathBuf>,
    /// `--env-file`, in order, instead of `.env`.
    pub env_files: Vec<PathBuf>,
    /// `-p`.
    pub project: Option<String>,
    /// `--profile`; `*` is all of them.
    pub profiles: Vec<String>,
    /// Services that are asked for by name: they run whatever their profiles.
    pub named: Vec<String>,
    /// A system of which no service runs is one too: each needs a profile, or there is none yet.
    pub may_be_empty: bool,
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
    /// Unknown keys are warnings.
    pub lenient: bool,
    /// Steps that are left out.
    pub without: Without,
    /// `compose.msvc.yaml` (or `.yml`) is not read, and every `x-msvc` is left out.
    pub without_msvc: bool,
}

/// Steps that are left out, for who wants to see what a file says before them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Without {
    /// Variables stay as they are written.
    pub interpolation: bool,
    /// Relative paths stay as they are written.
    pub paths: bool,
    /// What is not written is not added.
    pub normalization: bool,
    /// Files of `env_file` are not read.
    pub settings: bool,
    /// What contradicts itself passes.
    pub consistency: bool,
}

impl LoadRequest {
    /// The folder in which Compose's own names are looked for.
    pub(super) fn looked_in(&self) -> &Path {
        let project = self.project_directory.as_deref();
        project.unwrap_or(&self.directory)
    }

    /// The folder from which places name files.
    pub(super) fn shown_from(&self) -> &Path {
        self.shown_from.as_deref().unwrap_or(&self.directory)
    }
}
