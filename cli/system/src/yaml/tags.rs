//! What a tag says of the node that it stands at.

use granit_parser::Tag;

/// The tag as written, unless it is one of YAML's own types, which only say what a value is.
pub(super) fn own(tag: &Tag) -> Option<Box<str>> {
    if tag.is_yaml_core_schema() || is_binary(tag) {
        return None;
    }
    Some(tag.to_string().into_boxed_str())
}

/// Whether a scalar with that tag is read as one without it.
pub(super) fn says_nothing(tag: &Tag) -> bool {
    is_of_yaml(tag, "timestamp") || tag.to_string() == "!"
}

/// Whether a text is written in base64.
pub(super) fn is_binary(tag: &Tag) -> bool {
    is_of_yaml(tag, "binary")
}

/// Whether a text is what `<<` is without a tag.
pub(super) fn is_merge(tag: &Tag) -> bool {
    is_of_yaml(tag, "merge")
}

/// Whether a tag names one of YAML's own types.
fn is_of_yaml(tag: &Tag, kind: &str) -> bool {
    let named = tag.suffix_in_namespace("tag:yaml.org,2002:");
    named.is_some_and(|it| it == kind)
}
