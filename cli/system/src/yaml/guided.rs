//! The texts of a document's scalars as they are, whatever they look like: what each node is, text, list or
//! mapping, the first pass knows already.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::marks::{Mark, Marks, Shape};
use super::value::Value;

/// Reads a node at a mark.
#[derive(Clone, Copy)]
pub(super) struct Guided<'m> {
    marks: &'m Marks,
    mark: Option<&'m Mark>,
}

impl<'m> Guided<'m> {
    /// The whole of a document.
    pub(super) fn by(marks: &'m Marks) -> Self {
        let mark = marks.root();
        Self { marks, mark }
    }

    fn at(self, index: usize) -> Self {
        let mark = self.marks.get(index);
        Self { mark, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Guided<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.mark.map(|mark| &mark.shape) {
            Some(Shape::Seq(_)) => deserializer.deserialize_seq(self),
            Some(Shape::Map(_)) => deserializer.deserialize_map(self),
            _ => deserializer.deserialize_str(self),
        }
    }
}

impl<'de> Visitor<'de> for Guided<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was read before")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        if let Some(Shape::Seq(children)) = self.mark.map(|mark| &mark.shape) {
            for child in children {
                all.extend(items.next_element_seed(self.at(*child))?);
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Seq(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        if let Some(Shape::Map(pairs)) = self.mark.map(|mark| &mark.shape) {
            for (key, value) in pairs {
                let (key, value) = (self.at(*key), self.at(*value));
                all.extend(entries.next_entry_seed(key, value)?);
            }
        }
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Map(all))
    }
}
