//! What a backslash means in double quotes of a file of settings.
//!
//! The rule is Docker Compose's (`expandEscapes` of compose-go's `dotenv`): the escapes of a shell's `echo -e`, and a
//! backslash before anything else stays.

/// The text with its escapes replaced.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        rest = after;
        let mut chars = after.chars();
        let sign = match chars.next() {
            Some('a') => "\u{7}",
            Some('b') => "\u{8}",
            Some('f') => "\u{c}",
            Some('n') => "\n",
            Some('r') => "\r",
            Some('t') => "\t",
            Some('v') => "\u{b}",
            Some('\\') => "\\",
            // A dollar sign that begins no variable.
            Some('$') => "$$",
            Some('0') => {
                rest = octal(chars.as_str(), &mut out);
                continue;
            }
            _ => {
                out.push('\\');
                continue;
            }
        };
        out.push_str(sign);
        rest = chars.as_str();
    }
    out + rest
}

/// What follows `\0`: three octal digits are a character by its number. Without three the `0` goes, as there. What is
/// left to read.
fn octal<'t>(digits: &'t str, out: &mut String) -> &'t str {
    const MOST: usize = 3;
    let is_digit = |sign: &u8| sign.is_ascii_digit();
    let length = digits.bytes().take(MOST).take_while(is_digit).count();
    let (number, rest) = digits.split_at(length);
    match u8::from_str_radix(number, 8) {
        Ok(value) if length == MOST => out.push(char::from(value)),
        _ => {
            out.push('\\');
            out.push_str(number);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_those_of_docker_compose() {
        // As `docker compose config` 2.40.3 has them.
        for (written, read) in [
            (r"<\a\b\f\v>", "<\u{7}\u{8}\u{c}\u{b}>"),
            (r"<\n\r\t\\n>", "<\n\r\t\\n>"),
            (r"\0101\01011\0377", "AA1\u{ff}"),
            (r"\0|\07|\012|\0400|\0389", r"\|\7|\12|\400|\389"),
            (r"\c\x41\u0041\1\ü\", r"\c\x41\u0041\1\ü\"),
            (r"\$A", "$$A"),
        ] {
            assert_eq!(unescape(written), read, "{written}");
        }
    }
}
