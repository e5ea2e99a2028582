//! What may stand somewhere, in words; and texts that must be words of a kind, as Docker Compose looks at
//! them: it asks for less than the specification says.

use super::{FLAG, Map, NOTHING, NUMBER, NameRule, Shape, TEXT, WHOLE};

/// A letter or digit and something like one after it, anywhere in the text: that much is asked.
pub(super) fn is_container_name(text: &str) -> bool {
    text.as_bytes().windows(2).any(|two| match two {
        [first, second] => {
            first.is_ascii_alphanumeric()
                && (second.is_ascii_alphanumeric() || matches!(second, b'_' | b'.' | b'-'))
        }
        _ => false,
    })
}

/// A word of pull policies, anywhere in the text: that much is asked.
pub(super) fn is_pull_policy(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "always",
        "never",
        "build",
        "if_not_present",
        "missing",
        "refresh",
        "daily",
        "weekly",
    ];
    WORDS.iter().any(|word| text.contains(word))
        || text.match_indices("every_").any(|(at, word)| {
            let after = text.get(at + word.len()..).unwrap_or_default();
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            digits > 0
                && after
                    .as_bytes()
                    .get(digits)
                    .is_some_and(|unit| b"wdhms".contains(unit))
        })
}

impl Shape {
    /// What may stand there, in words.
    pub(super) fn in_words(&self) -> String {
        let mut all = Vec::new();
        let mut add = |has: bool, word: &'static str| {
            if has {
                all.push(word);
            }
        };
        add(self.scalars & TEXT != 0, "text");
        add(self.scalars & WHOLE != 0, "a whole number");
        add(self.scalars & NUMBER != 0, "a number");
        add(self.scalars & FLAG != 0, "`true` or `false`");
        add(self.list.is_some(), "a list");
        add(!matches!(self.map, Map::No), "a mapping");
        add(self.scalars & NOTHING != 0, "nothing");
        let last = all.pop().unwrap_or("nothing");
        if all.is_empty() {
            last.to_owned()
        } else {
            format!("{} or {last}", all.join(", "))
        }
    }
}

impl NameRule {
    pub(crate) fn fits(self, name: &str) -> bool {
        let identifier = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        !name.is_empty()
            && match self {
                Self::Identifier => name.bytes().all(identifier),
                Self::Letters => name.bytes().all(|b| b.is_ascii_lowercase()),
                Self::Any => true,
            }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Identifier => "letters, digits, `.`, `_` and `-`",
            Self::Letters => "small letters",
            Self::Any => "a name must not be empty",
        }
    }
}
