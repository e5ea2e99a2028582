//! For tests of this crate: files that exist only in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{LoadRequest, Loaded};
use crate::files::Files;

/// A request in `/system`.
pub(crate) fn request() -> LoadRequest {
    LoadRequest {
        directory: PathBuf::from("/system"),
        ..LoadRequest::default()
    }
}

/// Loads files of `/system`.
pub(crate) fn load_files(
    request: &LoadRequest,
    files: &[(&str, &str)],
) -> Result<Loaded, crate::problem::Problems> {
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .iter()
        .map(|(name, text)| {
            (
                PathBuf::from("/system").join(name),
                text.as_bytes().to_vec(),
            )
        })
        .collect();
    super::load(request, &Files::in_memory(files))
}

/// Loads one `compose.yaml` that must load.
pub(crate) fn load(text: &str) -> Loaded {
    load_files(&request(), &[("compose.yaml", text)])
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of one `compose.yaml` that must not load.
pub(crate) fn problems_of(text: &str) -> String {
    match load_files(&request(), &[("compose.yaml", text)]) {
        Ok(_) => panic!("must not load: {text}"),
        Err(problems) => problems.to_string(),
    }
}
