//! A tree as YAML can say it: with dates, and numbers that have no end or are none, for which JSON has no
//! word.
//!
//! What comes in: JSON, or what was read of a file. What leaves: the tree. What must not enter: how a text
//! is written ([`super::text`]).

use indexmap::IndexMap;
use serde_json::{Number, Value};

use super::order;
use crate::yaml::{Node, NodeValue};

/// A mapping of such trees.
pub(crate) type Fields = IndexMap<String, Tree>;

/// A tree to be written in YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that JSON has too.
    Number(Number),
    /// A number that is infinite or none.
    Endless(f64),
    /// A moment, as it is written.
    Date(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in the order in which it is written.
    Map(Fields),
}

impl Tree {
    /// What somebody wrote where no field is known: sorted by its keys, as Docker Compose prints it.
    pub(crate) fn own(node: &Node) -> Self {
        match &node.value {
            NodeValue::Float(number) if !number.is_finite() => Self::Endless(*number),
            NodeValue::Float(number) => Self::Number(whole_where_it_is(*number)),
            NodeValue::Date(date) => Self::Date(date.clone()),
            NodeValue::Seq(items) => Self::List(items.iter().map(Self::own).collect()),
            NodeValue::Map(entries) => {
                let entries = entries.iter();
                let mut all: Fields = entries
                    .map(|(key, value)| (key.text.clone(), Self::own(value)))
                    .collect();
                order::sort(&mut all);
                Self::Map(all)
            }
            NodeValue::Null => Self::Null,
            NodeValue::Bool(flag) => Self::Bool(*flag),
            NodeValue::Int(number) => Self::Number((*number).into()),
            NodeValue::Large(number) => Self::Number((*number).into()),
            NodeValue::String(text) => Self::Text(text.clone()),
        }
    }

    /// The fields of a mapping; `None` for anything else.
    pub(super) fn fields_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Self::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items_mut(&mut self) -> &mut [Self] {
        match self {
            Self::List(items) => items,
            _ => &mut [],
        }
    }

    /// Dollar signs doubled in every text, so that nothing is interpolated again. Keys stay: nobody looks
    /// for variables there.
    #[must_use]
    pub fn escaped(mut self) -> Self {
        self.escape();
        self
    }

    fn escape(&mut self) {
        match self {
            Self::Text(text) if text.contains('$') => *text = text.replace('$', "$$"),
            Self::List(items) => items.iter_mut().for_each(Self::escape),
            Self::Map(entries) => entries.values_mut().for_each(Self::escape),
            _ => {}
        }
    }

    /// Puts in what JSON had no word for where `node`, of which this was made, says it.
    pub(crate) fn restore(&mut self, node: &Node) {
        match (self, &node.value) {
            (this @ Self::Text(_), NodeValue::Date(_) | NodeValue::Float(_)) => {
                *this = Self::own(node)
            }
            (Self::List(items), NodeValue::Seq(nodes)) => {
                for (item, node) in items.iter_mut().zip(nodes) {
                    item.restore(node);
                }
            }
            (Self::Map(entries), NodeValue::Map(nodes)) => {
                for (key, node) in nodes {
                    if let Some(value) = entries.get_mut(&key.text) {
                        value.restore(node);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A number as Docker Compose prints it: `1.0` and `1e3` are whole.
fn whole_where_it_is(number: f64) -> Number {
    let whole = number.to_string().parse::<i64>().map(Number::from);
    // What has an end can always be said.
    whole.unwrap_or_else(|_| Number::from_f64(number).unwrap_or_else(|| 0.into()))
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => {
                let fields = fields.into_iter();
                Self::Map(fields.map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}
