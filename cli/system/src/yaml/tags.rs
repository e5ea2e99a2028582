//! What a tag says of the node that it stands at.

use granit_parser::Tag;

use super::scalar::{Kind, Said};

/// Where YAML's own types are named.
const YAML: &str = "tag:yaml.org,2002:";

/// What is said of a scalar by its tag, or by its quotes.
pub(super) fn said(tag: Option<&Tag>, is_plain: bool) -> Said {
    let Some(tag) = tag.filter(|tag| tag.to_string() != "!") else {
        return if is_plain { Said::Nothing } else { Said::Text };
    };
    let named = tag.suffix_in_namespace(YAML);
    match named.as_deref() {
        Some("null") => Said::Is(Kind::Null),
        Some("bool") => Said::Is(Kind::Bool),
        Some("int") => Said::Is(Kind::Int),
        Some("float") => Said::Is(Kind::Float),
        Some("timestamp") => Said::Is(Kind::Date),
        _ => Said::Text,
    }
}

/// The tag as written, unless it is one of YAML's own types, which only say what a value is.
pub(super) fn own(tag: &Tag) -> Option<Box<str>> {
    if tag.is_yaml_core_schema() || is_binary(tag) {
        return None;
    }
    let written = match tag.suffix_in_namespace(YAML) {
        Some(name) => format!("!!{name}"),
        None => tag.to_string(),
    };
    Some(written.into_boxed_str())
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
    let named = tag.suffix_in_namespace(YAML);
    named.is_some_and(|it| it == kind)
}
