//! Signs of an address that are written as `%` and two digits.

/// A text with such signs in their place; `None` where they are none, or none of a text.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_for_bytes_of_a_text() {
        for (text, wanted) in [
            ("a/b", Some("a/b")),
            ("%C3%bcn%20x%25", Some("ün x%")),
            ("é%41", Some("éA")),
            ("%", None),
            ("%4", None),
            ("%+1", None),
            ("%é1", None),
            ("%C3", None),
            ("a%0Ab", None),
        ] {
            assert_eq!(decoded(text).as_deref(), wanted, "{text}");
        }
    }
}
