//! Text in UTF-16, as some editors and shells write it: a Compose file may be in it, as to Docker Compose.

/// The text of a file whose first bytes say that it is UTF-16; an error where the rest is not.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Result<String, Broken>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes.get(2..)?.as_chunks();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    Some(match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Broken),
    })
}

/// That a text in UTF-16 is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_the_order_that_its_first_bytes_say() {
        for (bytes, wanted) in [
            (&b"\xff\xfea\0\xe9\0"[..], Some(Ok("aé"))),
            (b"\xfe\xff\0a\0\xe9", Some(Ok("aé"))),
            (b"\xff\xfe", Some(Ok(""))),
            (b"\xff\xfe\x3d\xd8\x00\xde", Some(Ok("\u{1f600}"))),
            (b"\xff\xfe\x3d\xd8", Some(Err(Broken))),
            (b"\xff\xfea", Some(Err(Broken))),
            (b"a\0", None),
        ] {
            let wanted = wanted.map(|text| text.map(str::to_owned));
            assert_eq!(decoded(bytes), wanted, "{bytes:?}");
        }
    }
}
