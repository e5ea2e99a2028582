//! The inputs of a workflow: what its JSON Schema says of their types, bounds and defaults.
//!
//! A keyword that is not checked here is a problem when the document is read, never a check left
//! out in silence.

use fancy_regex::Regex;
use indexmap::IndexMap;
use serde_json::Value;

mod fill;
mod read;

pub(crate) use read::{read, read_inputs};

/// The input that msvc fills with the id of the run when the caller gives none.
pub const RUN: &str = "run";

/// What a workflow takes.
#[derive(Debug, Clone, Default)]
pub struct InputSchema {
    /// The declared inputs.
    properties: IndexMap<String, Schema>,
    required: Vec<String>,
    /// Whether others are taken too.
    pub(crate) open: bool,
}

/// What one value must be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    /// Any of these; none means any type.
    types: Vec<Type>,
    default: Option<Value>,
    one_of: Option<Vec<Value>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    items: Option<Box<Schema>>,
    members: Option<Box<InputSchema>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    const ALL: [(&'static str, Self); 7] = [
        ("null", Self::Null),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("string", Self::String),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(word, _)| word)
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

impl InputSchema {
    /// The declared inputs.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.properties.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
