//! Durations as Compose writes them: `1m30s`, `1.5h`, `500ms`; units w, d, h, m, s, ms, us, ns.

use std::time::Duration;

/// What to write where no duration stands.
pub(crate) const ADVICE: &str = "write it as `500ms`, `30s` or `1m30s`";

/// What to write in place of a text that is no duration: the one that is most likely meant, else [`ADVICE`].
pub(crate) fn advice(text: &str) -> String {
    match meant(text) {
        Some(meant) => format!("write `{meant}`"),
        None => ADVICE.to_owned(),
    }
}

/// A number with a unit in other words, or without one: `30 sec`.
fn meant(text: &str) -> Option<String> {
    let text = text.trim().replace(',', ".");
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let word = unit.trim().to_ascii_lowercase();
    let unit = match word.as_str() {
        "" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "msec" | "millis" | "milliseconds" => "ms",
        "day" | "days" => "d",
        unit => unit,
    };
    let meant = format!("{number}{unit}");
    parse(&meant).ok().map(|_| meant)
}

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number that no unit follows.
    #[error("a number in it has no unit")]
    Unit,
    /// Not made of numbers and units at all, or negative.
    #[error("it is not made of numbers with units")]
    Form,
    /// Longer than a year.
    #[error("it is longer than a year")]
    Long,
}

/// A year: nothing that is waited for takes longer, and sums stay far from overflow.
const LONGEST: f64 = 366.0 * 86_400.0;

/// Reads a duration.
///
/// # Errors
/// When the text is none.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Form);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| DurationError::Form)?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        seconds += number * seconds_of(unit)?;
        rest = after;
    }
    if seconds > LONGEST {
        return Err(DurationError::Long);
    }
    // Rounded to nanoseconds: 0.1 s has no exact double.
    Duration::try_from_secs_f64((seconds * 1e9).round() / 1e9).map_err(|_| DurationError::Form)
}

fn seconds_of(unit: &str) -> Result<f64, DurationError> {
    match unit {
        "w" => Ok(604_800.0),
        "d" => Ok(86_400.0),
        "h" => Ok(3_600.0),
        "m" => Ok(60.0),
        "s" => Ok(1.0),
        "ms" => Ok(1e-3),
        "us" | "µs" | "μs" => Ok(1e-6),
        "ns" => Ok(1e-9),
        "" => Err(DurationError::Unit),
        _ => Err(DurationError::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_compose_are_read() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("1h2m3s4ms", 3_723_004),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for (text, error) in [
            ("", DurationError::Form),
            ("30", DurationError::Unit),
            ("s", DurationError::Form),
            ("-1s", DurationError::Form),
            ("1x", DurationError::Form),
            ("1s 2s", DurationError::Form),
            ("1.2.3s", DurationError::Form),
            ("99999999999999999999h", DurationError::Long),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_duration_in_other_words_is_shown_as_it_is_written() {
        for (text, hint) in [
            ("30 sec", "write `30s`"),
            ("10", "write `10s`"),
            ("1 Minute", "write `1m`"),
            ("1,5s", "write `1.5s`"),
            ("0.5", "write `0.5s`"),
            ("30 s", "write `30s`"),
            ("soon", ADVICE),
            ("", ADVICE),
            ("5 parsecs", ADVICE),
        ] {
            assert_eq!(advice(text), hint, "{text}");
        }
    }
}
