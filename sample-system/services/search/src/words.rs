//! What somebody typed, as words to look for: never as the language of the index.
//!
//! Full-text search has a language of its own (`AND`, `NOT`, `title:`, `^`, `*`, quotes). Here each
//! word is quoted, whatever stands in it, so there is no text that means anything but its words.

/// Words that are looked for at most; the rest is left out. Nobody types as many, and each costs.
const MOST: usize = 16;

/// The words in `text` as a phrase each, all of which an item must have, each as the beginning of
/// one of its words; `None` where there is no word.
pub(crate) fn phrases(text: &str) -> Option<String> {
    let between = |c: char| c.is_whitespace() || c.is_control();
    let words = text.split(between).filter(|word| !word.is_empty());
    let phrases: Vec<String> = words.take(MOST).map(phrase).collect();
    (!phrases.is_empty()).then(|| phrases.join(" "))
}

fn phrase(word: &str) -> String {
    format!("\"{}\"*", word.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_quoted_and_none_is_left_outside() {
        for (text, wanted) in [
            ("lamp", "\"lamp\"*"),
            (" desk \t lamp\n", "\"desk\"* \"lamp\"*"),
            ("lamp OR 1", "\"lamp\"* \"OR\"* \"1\"*"),
            ("title:\"lamp\"", "\"title:\"\"lamp\"\"\"*"),
            ("a\u{0}b", "\"a\"* \"b\"*"),
        ] {
            assert_eq!(phrases(text).as_deref(), Some(wanted));
        }
        for none in ["", " ", "\u{0}\t"] {
            assert_eq!(phrases(none), None);
        }
        let many = phrases(&"a ".repeat(100)).unwrap();
        assert_eq!(many.split(' ').count(), MOST);
    }
}
