//! Keys that stand a level above or beside where they belong: most likely only their indentation is wrong.
//!
//! What comes in: a key that means nothing where it stands, and its value. What leaves: where it most likely
//! belongs, in words. What must not enter: keys that are misspelt.

use super::SERVICE;
use crate::yaml::Node;

/// Of a service that is none: its name is that of a field of services.
pub(super) fn in_services(name: &str) -> Option<String> {
    SERVICE.field(name)?;
    Some(format!(
        "`{name}` is a field: write it further to the right than the name of its service"
    ))
}

/// Of a key at the top that is no section.
pub(super) fn at_the_top(name: &str, value: &Node) -> Option<String> {
    let is_service = || ["image", "build"].iter().any(|it| value.get(it).is_some());
    if SERVICE.field(name).is_some() {
        return Some(format!(
            "`{name}` is a field: write it below its service, further to the right"
        ));
    }
    is_service().then(|| "a service: write it below `services:`, further to the right".to_owned())
}
