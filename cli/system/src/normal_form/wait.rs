//! Durations in nanoseconds, read and printed as Go does, which is Compose's language.

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WaitError {
    /// A number that no unit follows.
    #[error("a number in it has no unit")]
    Unit,
    /// Not made of numbers and units.
    #[error("it is not made of numbers with units")]
    Form,
    /// More than 290 years.
    #[error("it is too long")]
    Long,
}

/// Nanoseconds of each unit.
fn nanos_of(unit: &str) -> Result<i64, WaitError> {
    Ok(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "w" => 604_800_000_000_000,
        "" => return Err(WaitError::Unit),
        _ => return Err(WaitError::Form),
    })
}

/// Reads a duration, which may be negative.
pub(crate) fn parse(text: &str) -> Result<i64, WaitError> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(WaitError::Form);
    }
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        sum = sum
            .checked_add(part(number, unit)?)
            .ok_or(WaitError::Long)?;
        rest = after;
    }
    Ok(if negative { -sum } else { sum })
}

/// One number with its unit.
fn part(number: &str, unit: &str) -> Result<i64, WaitError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(WaitError::Form);
    }
    let unit = nanos_of(unit)?;
    let whole: i64 = match whole {
        "" => 0,
        digits => digits.parse().map_err(|_| WaitError::Long)?,
    };
    let whole = whole.checked_mul(unit).ok_or(WaitError::Long)?;
    let fraction: f64 = match fraction {
        "" => 0.0,
        digits => format!("0.{digits}").parse().map_err(|_| WaitError::Form)?,
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a fraction of a week is far below 2^53 nanoseconds"
    )]
    let fraction = (fraction * unit as f64) as i64;
    whole.checked_add(fraction).ok_or(WaitError::Long)
}

/// Prints a duration: `1h2m3.5s`, `1.5ms`, `0s`.
pub(crate) fn text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let decimal = |whole: u64, part: u64, width: usize, unit: &str| {
        let digits = format!("{part:0width$}");
        match digits.trim_end_matches('0') {
            "" => format!("{whole}{unit}"),
            digits => format!("{whole}.{digits}{unit}"),
        }
    };
    let text = match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => decimal(nanos / 1_000, nanos % 1_000, 3, "µs"),
        1_000_000..1_000_000_000 => decimal(nanos / 1_000_000, nanos % 1_000_000, 6, "ms"),
        _ => {
            let seconds = nanos / 1_000_000_000;
            let rest = decimal(seconds % 60, nanos % 1_000_000_000, 9, "s");
            let minutes = seconds / 60;
            match (minutes / 60, minutes % 60) {
                (0, 0) => rest,
                (0, minutes) => format!("{minutes}m{rest}"),
                (hours, minutes) => format!("{hours}h{minutes}m{rest}"),
            }
        }
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_printed() {
        for (written, printed) in [
            ("0", "0s"),
            ("10s", "10s"),
            ("90s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("500ms", "500ms"),
            ("1.5ms", "1.5ms"),
            ("1m0.25s", "1m0.25s"),
            ("2d", "48h0m0s"),
            ("1w", "168h0m0s"),
            ("10us", "10µs"),
            ("7ns", "7ns"),
            ("-5s", "-5s"),
            (".5s", "500ms"),
        ] {
            assert_eq!(
                parse(written).map(text).as_deref(),
                Ok(printed),
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for (written, error) in [
            ("", WaitError::Form),
            ("30", WaitError::Unit),
            ("s", WaitError::Form),
            ("1x", WaitError::Form),
            ("1.2.3s", WaitError::Form),
            (".s", WaitError::Form),
            ("99999999999999999999h", WaitError::Long),
        ] {
            assert_eq!(parse(written), Err(error), "{written}");
        }
    }
}
