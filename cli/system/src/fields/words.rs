//! Texts that must be words of a kind, as Docker Compose looks at them: it asks for less than the
//! specification says.

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
