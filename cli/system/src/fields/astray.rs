//! Keys that stand a level above or beside where they belong: most likely only their indentation is wrong.
//!
//! What comes in: a key that means nothing where it stands, and its value. What leaves: where it most likely
//! belongs, in words. What must not enter: keys that are misspelt.

use super::SERVICE;
use crate::problem::Problem;
use crate::yaml::{Node, NodeValue, in_line, shorten};

/// Signs of a path that a hint repeats.
const MOST: usize = 60;

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

/// Of an item `./a: /b`, which a space makes a mapping where a mount or device is meant.
pub(super) fn path_and_path(item: &Node) -> Option<Problem> {
    let Some([(key, value)]) = item.as_map() else {
        return None;
    };
    let is_path = key.text.starts_with(['.', '/', '~']);
    let other = value.as_str().filter(|_| is_path && !value.replaced)?;
    let what = format!(
        "`{}` is a key to YAML, since a space follows its colon",
        shorten(&key.text)
    );
    let meant = NodeValue::String(format!("{}:{other}", key.text));
    let meant = in_line(&Node::new(item.place.clone(), meant));
    let hint = match meant.filter(|meant| meant.len() <= MOST) {
        Some(meant) => format!("write `{meant}`"),
        None => "take the space away".to_owned(),
    };
    Some(Problem::error(what).at(key.place.clone()).hint(hint))
}
