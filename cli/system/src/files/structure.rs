//! Which files may be shown as they stand.
//!
//! What comes in: the name of a file. What leaves: whether its words have an end that can be seen. What must not
//! enter: what it holds.

use std::path::Path;

/// Whether the file is written in YAML or JSON, whose words have an end that can be seen. So is what
/// comes from standard input (`-`): nothing but Compose files does.
#[must_use]
pub fn has_structure(file: &Path) -> bool {
    if file.as_os_str() == "-" {
        return true;
    }
    let ending = file.extension().and_then(|it| it.to_str());
    ending.is_some_and(|it| {
        let known = ["yaml", "yml", "json"];
        known.iter().any(|known| it.eq_ignore_ascii_case(known))
    })
}
