//! Secrets that a play is given: kept out of everything that it says. A criterion may compare one,
//! a service may answer one, a command may print one; who reads the report sees `***`.

use std::borrow::Cow;
use std::fmt;

use msvc_report::case::Evidence;
use serde_json::Value;

use crate::outcome::{Attempt, Outcome};
use crate::step::percent_encoded;

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// The shortest line of a secret of several lines that is looked for by itself.
const LEAST_LINE: usize = 6;

/// Texts that are not shown, in each spelling that a play may give them.
#[derive(Clone, Default)]
pub struct Masked {
    /// The longest first: one may begin with another.
    texts: Vec<String>,
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({})", self.texts.len())
    }
}

impl Masked {
    /// These texts, also as JSON and URLs spell them, and line by line.
    #[must_use]
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts = Vec::new();
        for secret in secrets {
            let lines = secret.lines().map(str::trim);
            let lines = lines.filter(|line| line.len() >= LEAST_LINE);
            for part in std::iter::once(secret).chain(lines) {
                let json = Value::from(part).to_string();
                let inner = json.trim_start_matches('"').trim_end_matches('"');
                texts.extend([part.to_owned(), inner.to_owned(), percent_encoded(part)]);
                // A text of JSON within JSON, as where a body is shown that quotes another.
                let twice = Value::from(inner).to_string();
                texts.push(twice.trim_matches('"').to_owned());
            }
        }
        texts.retain(|text| !text.is_empty());
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self { texts }
    }

    /// The text without them; also without the beginning of one where the text was cut in it.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.texts.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let met = self.texts.iter().find(|it| rest.starts_with(it.as_str()));
            if let Some(behind) = met.and_then(|it| rest.get(it.len()..)) {
                shown.push_str(MASK);
                rest = behind;
            } else if let Some(behind) = self.cut(rest) {
                shown.push_str(MASK);
                rest = behind;
            } else {
                shown.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        Cow::Owned(shown)
    }

    /// What stands behind the beginning of a secret that `rest` begins with, where it is cut there.
    fn cut<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let (head, _) = rest.split_once(crate::shown::CUT)?;
        let begins = !head.is_empty() && self.texts.iter().any(|it| it.starts_with(head));
        begins.then(|| rest.get(head.len()..))?
    }

    /// The value without them, in its texts and keys.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (self.text(key).into_owned(), self.value(value)))
                .collect(),
            other => other.clone(),
        }
    }

    /// Takes them out of all that an outcome says.
    pub(crate) fn outcome(&self, outcome: &mut Outcome) {
        if self.texts.is_empty() {
            return;
        }
        self.evidence(&mut outcome.evidence);
        for step in &mut outcome.steps {
            step.last.iter_mut().for_each(|it| self.attempt(it));
        }
        for value in outcome.outputs.values_mut() {
            *value = self.value(value);
        }
    }

    fn attempt(&self, attempt: &mut Attempt) {
        self.replace(&mut attempt.call);
        attempt.body.iter_mut().for_each(|body| self.replace(body));
        if let Some((error, _)) = &mut attempt.error {
            self.replace(error);
        }
        self.evidence(&mut attempt.inner);
        for judged in &mut attempt.criteria {
            self.replace(&mut judged.condition);
            judged.reason.iter_mut().for_each(|why| self.replace(why));
        }
    }

    fn evidence(&self, all: &mut [Evidence]) {
        for evidence in all {
            self.replace(&mut evidence.what);
        }
    }

    fn replace(&self, text: &mut String) {
        *text = self.text(text).into_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_masked_however_it_is_spelled() {
        let masked = Masked::of(["p\"ss wörd", "abc", "abcdef"]);
        for (text, shown) in [
            (r#"is p"ss wörd, not abc"#, "is ***, not ***"),
            (r#"{"password":"p\"ss wörd"}"#, r#"{"password":"***"}"#),
            (r#""{\"p\":\"p\\\"ss wörd\"}""#, r#""{\"p\":\"***\"}""#),
            (
                "GET http://h/?p=p%22ss%20w%C3%B6rd&q=1",
                "GET http://h/?p=***&q=1",
            ),
            ("abcdefabcx", "******x"),
            ("nothing of it: ab", "nothing of it: ab"),
        ] {
            assert_eq!(masked.text(text), shown);
        }
        let value = json!({"abc": ["x abc", 1], "n": {"p": "p\"ss wörd"}});
        let shown = json!({"***": ["x ***", 1], "n": {"p": "***"}});
        assert_eq!(masked.value(&value), shown);
        assert_eq!(format!("{:?}", Masked::of(["hunter2"])), "Masked(1)");
    }

    #[test]
    fn the_beginning_of_a_secret_at_a_cut_is_masked_too() {
        let masked = Masked::of(["0123456789abcdef"]);
        let long = format!("{}0123456789abcdef", "x".repeat(235));
        let cut = crate::shown::text(&long);
        assert!(cut.contains("01234…"), "{cut}");
        let shown = masked.text(&cut);
        assert!(
            shown.contains("xxx***…") && !shown.contains("01"),
            "{shown}"
        );
    }

    #[test]
    fn each_line_of_a_secret_is_masked_by_itself() {
        let masked = Masked::of(["-----BEGIN KEY-----\n  c2VjcmV0\n-----END KEY-----\n"]);
        assert_eq!(masked.text("read c2VjcmV0!"), "read ***!");
    }
}
