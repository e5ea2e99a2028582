//! Where the name of a variable ends, and where its brace closes.

/// A variable's name at the start of the text, and the rest.
pub(super) fn split_name(text: &str) -> (&str, &str) {
    let mut end = 0;
    for (i, byte) in text.bytes().enumerate() {
        let begins = byte.is_ascii_alphabetic() || byte == b'_';
        if !(begins || i > 0 && byte.is_ascii_digit()) {
            break;
        }
        end = i + 1;
    }
    text.split_at(end)
}

/// Where the brace closes that stands just before `text`, in its first line; when the braces within
/// do not balance, the last one.
pub(super) fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    // The line's end is not looked for first: a text can have a hundred thousand braces in one long line.
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => return text.get(..i).and_then(|line| line.rfind('}')),
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    text.rfind('}')
}
