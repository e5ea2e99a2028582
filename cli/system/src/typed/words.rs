//! A command written as one text, split into words as Compose splits it: quotes, backslashes, no
//! variables. What a shell would do with `&&`, `|`, `;` or `>` nobody does: the words before it
//! are the command, which is what Compose runs; the caller warns.

/// The words of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Program and arguments.
    pub(crate) words: Vec<String>,
    /// The shell's sign at which the command ended, when one stands outside quotes.
    pub(crate) ended_at: Option<char>,
}

/// Why a text cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordsError {
    /// A quote, backtick or `$(` has no end, or a backslash ends the text.
    #[error("a quote or backslash in it has no end")]
    Open,
    /// `(` or `)` outside quotes.
    #[error("it has a parenthesis outside quotes")]
    Parenthesis,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
    Backtick,
    Dollar,
}

/// Splits a command.
pub(crate) fn split(text: &str) -> Result<Words, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = Quote::None;
    let mut escaped = false;
    let mut ended_at = None;
    for c in text.chars() {
        if escaped {
            word.get_or_insert_default().push(c);
            escaped = false;
            continue;
        }
        match (c, quote) {
            ('\\', q) if q != Quote::Single => escaped = true,
            (' ' | '\t' | '\r' | '\n', Quote::None) => words.extend(word.take()),
            ('"', Quote::None) => (quote, word) = (Quote::Double, Some(word.unwrap_or_default())),
            ('\'', Quote::None) => (quote, word) = (Quote::Single, Some(word.unwrap_or_default())),
            ('"', Quote::Double) | ('\'', Quote::Single) => quote = Quote::None,
            ('`', Quote::None) | ('`', Quote::Backtick) => {
                quote = if quote == Quote::None {
                    Quote::Backtick
                } else {
                    Quote::None
                };
                word.get_or_insert_default().push(c);
            }
            ('(', Quote::None) if word.as_ref().is_some_and(|w| w.ends_with('$')) => {
                quote = Quote::Dollar;
                word.get_or_insert_default().push(c);
            }
            (')', Quote::Dollar) => {
                quote = Quote::None;
                word.get_or_insert_default().push(c);
            }
            ('(' | ')', Quote::None | Quote::Dollar) => return Err(WordsError::Parenthesis),
            (';' | '&' | '|' | '<' | '>', Quote::None) => {
                // `2>` is no word but where the output goes.
                if c == '>'
                    && word
                        .as_ref()
                        .is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()))
                {
                    word = None;
                }
                ended_at = Some(c);
                break;
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if escaped || quote != Quote::None {
        return Err(WordsError::Open);
    }
    words.extend(word);
    Ok(Words { words, ended_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_into_words() {
        for (text, wanted) in [
            ("", vec![]),
            ("a  b\tc\n d ", vec!["a", "b", "c", "d"]),
            ("sh -c 'echo \"x\"; y'", vec!["sh", "-c", "echo \"x\"; y"]),
            ("a \"b c\"'d' ''", vec!["a", "b cd", ""]),
            (
                r#"a\ b "q\"q" '\n' \n "\t""#,
                vec!["a b", "q\"q", "\\n", "n", "t"],
            ),
            ("x `a b` $(c d) $e", vec!["x", "`a b`", "$(c d)", "$e"]),
            ("é --x=\"ü\"", vec!["é", "--x=ü"]),
        ] {
            assert_eq!(
                split(text).map(|w| w.words),
                Ok(wanted.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_shells_sign_ends_the_command() {
        let words = split("a b && c").unwrap();
        assert_eq!(
            (words.words.join(" "), words.ended_at),
            ("a b".to_owned(), Some('&'))
        );
        assert_eq!(split("a 2>b").unwrap().words, ["a"]);
        assert_eq!(split("a '&&' b").unwrap().ended_at, None);
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for text in ["a 'b", "a \"b", "a\\", "`a", "$(a"] {
            assert_eq!(split(text), Err(WordsError::Open), "{text}");
        }
        assert_eq!(split("f(x)"), Err(WordsError::Parenthesis));
    }

    proptest::proptest! {
        #[test]
        fn words_in_single_quotes_come_back(words in proptest::collection::vec("[^'\\x00]{0,8}", 0..5)) {
            let text = words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" ");
            proptest::prop_assert_eq!(split(&text).map(|w| w.words), Ok(words));
        }
    }
}
