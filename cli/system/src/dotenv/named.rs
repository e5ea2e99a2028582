//! What of a line of settings may be told: a value never, a name where it is one.

use crate::yaml::shorten;

/// Whether what stands before the sign of a setting may be told. What is written of other signs than a
/// name may be the line of a key that goes over several: a secret, not a name.
#[must_use]
pub fn may_be_told(name: &str) -> bool {
    let is_of_names = |c: char| c.is_alphanumeric() || "_.- \t".contains(c);
    name.chars().all(is_of_names) && !name.trim().is_empty()
}

/// A name that is none, as it may be told: without a value after it, it may be no name at all.
pub(super) fn named(name: &str, has_value: bool) -> String {
    match has_value && may_be_told(name) {
        true => format!("`{}`", shorten(name)),
        false => "what stands here".to_owned(),
    }
}
