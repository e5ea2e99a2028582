//! What a condition of a pipeline comes to: true, false, or not to be known. Read as GitHub's
//! expressions, GitLab's rules and Azure's functions write them.

use std::cmp::Ordering;

/// What is known of the run that a condition is asked in.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    /// The event.
    pub(super) event: Option<String>,
    /// How the reference begins: `refs/heads/`, or all of it.
    pub(super) begins: Option<&'static str>,
}

/// A value, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    /// A text of which only the beginning is known.
    Begins(&'static str),
    Unknown,
}

impl Value {
    fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) => Some(!text.is_empty()),
            Self::Number(number) => Some(*number != 0.0),
            Self::Bool(is) => Some(*is),
            Self::Null => Some(false),
            Self::Begins(_) => Some(true),
            Self::Unknown => None,
        }
    }

    fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => None,
            (Self::Begins(begin), Self::Text(text)) | (Self::Text(text), Self::Begins(begin)) => {
                (!text.starts_with(begin)).then_some(false)
            }
            (Self::Begins(_), _) | (_, Self::Begins(_)) => None,
            (Self::Text(a), Self::Text(b)) => Some(a.eq_ignore_ascii_case(b)),
            (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => Some(a == b),
            // Kinds that differ are compared as numbers by some and as texts by others.
            _ => None,
        }
    }
}

/// Whether a condition holds in this run; `None` when that cannot be known.
pub(super) fn holds(condition: &str, run: &Run) -> Option<bool> {
    let condition = condition.trim();
    let bare = condition
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .unwrap_or(condition);
    // Of what stands between other signs only GitHub's own expression is one.
    let bare = bare.replace("${{", "(").replace("}}", ")");
    let mut reader = Reader {
        rest: &bare,
        run,
        deep: 0,
    };
    let value = reader.any()?;
    reader.rest.trim().is_empty().then(|| value.truth())?
}

struct Reader<'a> {
    rest: &'a str,
    run: &'a Run,
    deep: u32,
}

/// Parentheses deeper than this are not followed.
const DEEPEST: u32 = 50;

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(after) = rest.strip_prefix(sign) else {
            return false;
        };
        self.rest = self
            .rest
            .get(self.rest.len() - after.len()..)
            .unwrap_or_default();
        true
    }

    /// What `||` joins. `None` when it is no condition that is understood.
    fn any(&mut self) -> Option<Value> {
        let mut value = self.all()?;
        while self.take("||") {
            let other = self.all()?;
            value = match (value.truth(), other.truth()) {
                (Some(true), _) => value,
                (Some(false), _) => other,
                (None, Some(true)) => Value::Bool(true),
                (None, _) => Value::Unknown,
            };
        }
        Some(value)
    }

    fn all(&mut self) -> Option<Value> {
        let mut value = self.compared()?;
        while self.take("&&") {
            let other = self.compared()?;
            value = match (value.truth(), other.truth()) {
                (Some(false), _) => value,
                (Some(true), _) => other,
                (None, Some(false)) => Value::Bool(false),
                (None, _) => Value::Unknown,
            };
        }
        Some(value)
    }

    fn compared(&mut self) -> Option<Value> {
        let left = self.one()?;
        for sign in ["==", "!=", "=~", "!~", "<=", ">=", "<", ">"] {
            if !self.take(sign) {
                continue;
            }
            if sign.ends_with('~') {
                let rest = self.rest.trim_start().strip_prefix('/')?;
                let end = rest.find('/')?;
                self.rest = self.rest.get(self.rest.len() - rest.len() + end + 1..)?;
                return Some(Value::Unknown);
            }
            let right = self.one()?;
            let is = match sign {
                "==" => left.equals(&right),
                "!=" => left.equals(&right).map(|is| !is),
                _ => ordered(&left, &right).map(|order| match sign {
                    "<=" => order != Ordering::Greater,
                    ">=" => order != Ordering::Less,
                    "<" => order == Ordering::Less,
                    _ => order == Ordering::Greater,
                }),
            };
            return Some(is.map_or(Value::Unknown, Value::Bool));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Value> {
        self.deep += 1;
        if self.deep > DEEPEST {
            return None;
        }
        let value = self.value();
        self.deep -= 1;
        value
    }

    fn value(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start();
        if self.take("!") {
            let is = self.one()?.truth();
            return Some(is.map_or(Value::Unknown, |is| Value::Bool(!is)));
        }
        if self.take("(") {
            let value = self.any()?;
            return self.take(")").then_some(value);
        }
        if let Some(quote @ ('\'' | '"')) = self.rest.chars().next() {
            let inside = self.rest.get(1..)?;
            let end = inside.find(quote)?;
            let text = inside.get(..end)?.to_owned();
            self.rest = inside.get(end + 1..)?;
            return Some(Value::Text(text));
        }
        let is_name = |it: char| it.is_alphanumeric() || "_-.$*".contains(it);
        let end = self.rest.find(|it| !is_name(it)).unwrap_or(self.rest.len());
        let name = self
            .rest
            .get(..end)
            .filter(|name| !name.is_empty())?
            .to_owned();
        self.rest = self.rest.get(end..)?;
        let indexed = self.rest.starts_with('[');
        while self.rest.starts_with('[') {
            let close = self.rest.find(']')?;
            self.rest = self.rest.get(close + 1..)?;
            let more = self.rest.find(|it| !is_name(it));
            self.rest = self.rest.get(more.unwrap_or(self.rest.len())..)?;
        }
        if indexed {
            return Some(Value::Unknown);
        }
        if self.take("(") {
            let mut given = Vec::new();
            while !self.take(")") {
                given.push(self.any()?);
                let _ = self.take(",");
            }
            return Some(self.called(&name.to_lowercase(), &given));
        }
        Some(self.named(&name))
    }

    fn named(&self, name: &str) -> Value {
        match name.to_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "github.event_name" => self.run.event.clone().map_or(Value::Unknown, Value::Text),
            "github.ref" => self.run.begins.map_or(Value::Unknown, Value::Begins),
            "github.ref_type" => match self.run.begins {
                Some("refs/heads/") => Value::Text("branch".to_owned()),
                Some("refs/tags/") => Value::Text("tag".to_owned()),
                _ => Value::Unknown,
            },
            number => number.parse().map_or(Value::Unknown, Value::Number),
        }
    }

    /// What a function of GitHub's or Azure's gives, on a run in which all went well before.
    fn called(&self, name: &str, given: &[Value]) -> Value {
        let known = |is: Option<bool>| is.map_or(Value::Unknown, Value::Bool);
        let truths = || given.iter().map(Value::truth);
        match (name, given) {
            ("success" | "always" | "succeeded" | "succeededorfailed", _) => Value::Bool(true),
            ("failure" | "cancelled" | "failed" | "canceled" | "never", _) => Value::Bool(false),
            ("eq", [a, b]) => known(a.equals(b)),
            ("ne", [a, b]) => known(a.equals(b).map(|is| !is)),
            ("not", [a]) => known(a.truth().map(|is| !is)),
            ("and", _) if truths().any(|it| it == Some(false)) => Value::Bool(false),
            ("or", _) if !given.is_empty() && truths().all(|it| it == Some(false)) => {
                Value::Bool(false)
            }
            ("startswith", [Value::Begins(begin), Value::Text(text)]) => {
                if begin.starts_with(text.as_str()) {
                    Value::Bool(true)
                } else if text.starts_with(begin) {
                    Value::Unknown
                } else {
                    Value::Bool(false)
                }
            }
            ("startswith", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.starts_with(b)),
            ("endswith", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.ends_with(b)),
            ("contains", [Value::Text(a), Value::Text(b)]) => Value::Bool(a.contains(b.as_str())),
            _ => Value::Unknown,
        }
    }
}

fn ordered(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_condition_comes_to_is_told_as_far_as_it_is_known() {
        let run = Run {
            event: Some("push".to_owned()),
            begins: Some("refs/heads/"),
        };
        for (condition, wanted) in [
            ("false", Some(false)),
            ("${{ false }}", Some(false)),
            ("0", Some(false)),
            ("''", Some(false)),
            ("false && a", Some(false)),
            ("a && ${{ false }} && false", Some(false)),
            ("1 == 2", Some(false)),
            ("github.event_name != 'push'", Some(false)),
            ("github.event_name == 'never'", Some(false)),
            ("github.event_name == 'push' && x", None),
            ("startsWith(github.ref, 'refs/tags/')", Some(false)),
            ("github.ref == 'refs/heads/main'", None),
            ("github.ref == 'refs/tags/v1'", Some(false)),
            ("failure()", Some(false)),
            ("failure() || success()", Some(true)),
            ("${{ !always() }}", Some(false)),
            ("(a || false) && cancelled()", Some(false)),
            ("\"a\" == \"b\"", Some(false)),
            ("$CI_COMMIT_TAG =~ /^v/", None),
            ("and(succeeded(), eq(variables['Build.Reason'], 'x'))", None),
            ("and(succeeded(), eq('a', 'b'))", Some(false)),
            ("needs.a.outputs.b == 'true'", None),
            ("a[0].b['c'] == 'x' && false", Some(false)),
            ("", None),
            ("a b", None),
            ("((", None),
        ] {
            assert_eq!(holds(condition, &run), wanted, "{condition}");
        }
        assert_eq!(holds("github.event_name == 'push'", &Run::default()), None);
        assert_eq!(holds(&"(".repeat(10_000), &run), None);
    }
}
