//! What tells that a program's file was changed, without reading it.

use std::path::Path;
use std::time::UNIX_EPOCH;

/// Size and time of change: cargo writes a binary only when it was linked anew, and reading some
/// hundred megabytes at every `up` would take longer than all else.
pub(super) fn of(file: &Path) -> Option<String> {
    let metadata = std::fs::metadata(file).ok().filter(|m| m.is_file())?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{}-{}", metadata.len(), modified.as_nanos()))
}

/// Of every word of a command that is a file in `directory`: a script is a program too.
pub(super) fn of_words(words: &[String], directory: &Path) -> Option<String> {
    let files: Vec<String> = words
        .iter()
        .filter(|word| !word.starts_with('-') && !word.is_empty())
        .filter_map(|word| of(&directory.join(word)))
        .collect();
    (!files.is_empty()).then(|| files.join(" "))
}
