//! Values into a schema: defaults put in, types and bounds checked.

use serde_json::{Map, Value};

use super::{InputSchema, RUN, Schema, Type};
use crate::shown;

impl InputSchema {
    /// The inputs of one play: what is declared of `given`, `run` under its name where none is
    /// given, defaults for the rest. A text given for a number or boolean is read as one, because
    /// a command line has only texts.
    ///
    /// # Errors
    /// With everything that is missing or not as declared, a sentence each.
    pub(crate) fn fill(
        &self,
        given: &Map<String, Value>,
        run: &str,
    ) -> Result<Map<String, Value>, Vec<String>> {
        let mut filled = Map::new();
        let mut wrong = Vec::new();
        for (name, schema) in &self.properties {
            let value = match given.get(name) {
                Some(value) => Some(schema.read_text(value)),
                None if name == RUN && schema.takes_text() => Some(Value::from(run)),
                None => schema.default.clone(),
            };
            if let Some(value) = value {
                schema.check(&format!("input `{name}`"), &value, &mut wrong);
                filled.insert(name.clone(), value);
            }
        }
        if self.open {
            for (name, value) in given {
                if !filled.contains_key(name) {
                    filled.insert(name.clone(), value.clone());
                }
            }
        }
        for name in &self.required {
            if !filled.contains_key(name) {
                wrong.push(format!("input `{name}` is required and not given"));
            }
        }
        if wrong.is_empty() {
            Ok(filled)
        } else {
            Err(wrong)
        }
    }

    fn check(&self, what: &str, members: &Map<String, Value>, wrong: &mut Vec<String>) {
        for (name, value) in members {
            match self.properties.get(name) {
                Some(schema) => schema.check(&format!("{what}, `{name}`"), value, wrong),
                None if self.open => {}
                None => wrong.push(format!("{what} may not have `{name}`")),
            }
        }
        for name in &self.required {
            if !members.contains_key(name) {
                wrong.push(format!("{what} must have `{name}`"));
            }
        }
    }
}

impl Schema {
    fn takes_text(&self) -> bool {
        self.types.is_empty() || self.types.contains(&Type::String)
    }

    /// A text as the number or boolean that it spells, where no text is taken.
    fn read_text(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if !self.takes_text() => {
                serde_json::from_str(text).unwrap_or_else(|_| value.clone())
            }
            _ => value.clone(),
        }
    }

    fn check(&self, what: &str, value: &Value, wrong: &mut Vec<String>) {
        let seen = shown::value(value);
        if !self.types.is_empty() && !self.types.iter().any(|kind| kind.fits(value)) {
            let words: Vec<_> = self.types.iter().map(|kind| kind.word()).collect();
            let words = words.join(" or ");
            wrong.push(format!("{what} must be of type {words}, not {seen}"));
            return;
        }
        if let Some(allowed) = &self.one_of
            && !allowed.contains(value)
        {
            let allowed: Vec<_> = allowed.iter().map(shown::value).collect();
            let allowed = allowed.join(", ");
            wrong.push(format!("{what} must be one of {allowed}, not {seen}"));
        }
        match value {
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                let words = self.broken_bounds(number);
                wrong.extend(words.map(|bound| format!("{what} must be {bound}, not {seen}")));
            }
            Value::String(text) => self.check_text(what, text, wrong),
            Value::Array(values) => {
                for (number, value) in values.iter().enumerate() {
                    if let Some(items) = &self.items {
                        items.check(&format!("{what}, item {number}"), value, wrong);
                    }
                }
            }
            Value::Object(values) => {
                if let Some(members) = &self.members {
                    members.check(what, values, wrong);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn broken_bounds(&self, number: f64) -> impl Iterator<Item = String> {
        [
            ("at least", self.minimum.filter(|least| number < *least)),
            ("at most", self.maximum.filter(|most| number > *most)),
            ("above", self.above.filter(|least| number <= *least)),
            ("below", self.below.filter(|most| number >= *most)),
        ]
        .into_iter()
        .filter_map(|(word, bound)| bound.map(|bound| format!("{word} {bound}")))
    }

    fn check_text(&self, what: &str, text: &str, wrong: &mut Vec<String>) {
        let length = text.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            wrong.push(format!(
                "{what} must have at least {least} characters, not {length}"
            ));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            wrong.push(format!(
                "{what} must have at most {most} characters, not {length}"
            ));
        }
        if let Some(pattern) = &self.pattern
            && !pattern.is_match(text).unwrap_or(false)
        {
            let seen = shown::text(text);
            wrong.push(format!(
                "{what} must match `{}`, not `{seen}`",
                pattern.as_str()
            ));
        }
    }
}
