//! Sizes as Compose writes them: `512m`, `1.5g`, `64 KiB`, or bytes.

/// Why a text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// No number, or a negative one.
    #[error("it begins with no number")]
    Number,
    /// Neither b, k, m, g, t nor p, with `b` or `ib` after it or not.
    #[error("its unit is none of b, k, m, g, t, p")]
    Unit,
    /// More bytes than are counted in.
    #[error("it is 2^63 bytes or more")]
    Size,
}

/// The bytes that a size says; units are powers of 1024.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<i64, BytesError> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '));
    let last = last.ok_or(BytesError::Number)?;
    let (number, unit) = match text.split_at_checked(last + 1) {
        Some((number, unit)) => (number.strip_suffix(' ').unwrap_or(number), unit),
        None => (text, ""),
    };
    let number: f64 = without_underscores(number)
        .parse()
        .map_err(|_| BytesError::Number)?;
    if number < 0.0 || number.is_nan() {
        return Err(BytesError::Number);
    }
    let unit = unit.to_ascii_lowercase();
    let shift = match unit.as_bytes() {
        [] | [b'b'] => 0,
        [prefix] | [prefix, b'b'] | [prefix, b'i', b'b'] => match prefix {
            b'k' => 10,
            b'm' => 20,
            b'g' => 30,
            b't' => 40,
            b'p' => 50,
            _ => return Err(BytesError::Unit),
        },
        _ => return Err(BytesError::Unit),
    };
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let (bytes, most) = (number * (1_i64 << shift) as f64, (1_u64 << 63) as f64);
    if bytes >= most {
        return Err(BytesError::Size);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is less than the largest"
    )]
    Ok(bytes as i64)
}

/// The unit that is most likely meant behind a number alone, where a size in bytes is read: nobody has so few
/// of those. Gigabytes are few, and megabytes many.
pub(crate) fn unit_left_out(text: &str) -> Option<&'static str> {
    /// Of a number below it gigabytes are meant.
    const FEW: f64 = 16.0;
    /// From here on it is truly bytes.
    const MANY: f64 = 1_048_576.0;
    let number = text.parse::<f64>().ok().filter(|it| *it > 0.0);
    let number = number.filter(|it| *it < MANY)?;
    Some(if number < FEW { "g" } else { "m" })
}

/// A number without the underscores between its digits; any other underscore stays, and is wrong.
fn without_underscores(number: &str) -> String {
    let bytes = number.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let between = |at: usize| at > 0 && digit(at - 1) && digit(at + 1);
    let chars = number.char_indices();
    let kept = chars.filter(|(at, c)| *c != '_' || !between(*at));
    kept.map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_compose_are_read() {
        for (text, bytes) in [
            ("0", 0),
            ("100", 100),
            ("64b", 64),
            ("1_000", 1000),
            ("1k", 1024),
            ("1.5g", 1_610_612_736),
            ("64 KiB", 65_536),
            ("2MB", 2_097_152),
            ("1tib", 1_099_511_627_776),
            ("8191p", 9_222_246_136_947_933_184),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn behind_a_number_alone_the_unit_is_missing_unless_it_is_as_many_bytes() {
        for (text, unit) in [
            ("512", Some("m")),
            ("0.5", Some("g")),
            ("2", Some("g")),
            ("0", None),
            ("-1", None),
            ("512m", None),
            ("536870912", None),
        ] {
            assert_eq!(unit_left_out(text), unit, "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for (text, error) in [
            ("", BytesError::Number),
            ("m", BytesError::Number),
            ("-1m", BytesError::Number),
            ("1x", BytesError::Unit),
            ("1bb", BytesError::Unit),
            ("1mibs", BytesError::Unit),
            ("8192p", BytesError::Size),
            ("9223372036854775807", BytesError::Size),
            ("1e400", BytesError::Size),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
