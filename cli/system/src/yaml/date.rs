//! Moments, as Docker Compose reads them of a text without quotes, and prints them.

/// A moment with its zone.
struct Moment<'t> {
    year: &'t str,
    month: u32,
    day: u32,
    /// Hours, minutes, seconds.
    time: [u32; 3],
    /// The digits of a part of a second.
    fraction: &'t str,
    /// Minutes before (less than nothing) or after UTC.
    zone: i32,
}

/// The moment that a text is, in the one way in which it is printed; `None` where it is none.
pub(super) fn read(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    if !is_digits(year) {
        return None;
    }
    let (month, rest) = number(rest.strip_prefix('-')?)?;
    let (day, rest) = number(rest.strip_prefix('-')?)?;
    let days = days(year.parse().ok()?, month)?;
    let mut moment = Moment {
        year,
        month,
        day: Some(day).filter(|day| (1..=days).contains(day))?,
        time: [0; 3],
        fraction: "",
        zone: 0,
    };
    if let Some(time) = rest.strip_prefix(['T', 't']) {
        let rest = moment.time(time)?;
        moment.zone = zone(rest)?;
    } else if let Some(time) = rest.strip_prefix(' ') {
        // Nobody reads a zone here.
        if !moment.time(time.trim_start_matches(' '))?.is_empty() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    Some(moment.printed())
}

impl<'t> Moment<'t> {
    /// Reads hours, minutes and seconds; what follows them.
    fn time(&mut self, text: &'t str) -> Option<&'t str> {
        let (hours, rest) = number(text)?;
        let (minutes, rest) = number(rest.strip_prefix(':')?)?;
        let (seconds, rest) = number(rest.strip_prefix(':')?)?;
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        self.time = [hours, minutes, seconds];
        let Some(part) = rest.strip_prefix(['.', ',']) else {
            return Some(rest);
        };
        let end = part.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = part.split_at_checked(end)?;
        if digits.is_empty() {
            return None;
        }
        let nanos = digits.get(..9).unwrap_or(digits);
        self.fraction = nanos.trim_end_matches('0');
        Some(rest)
    }

    fn printed(&self) -> String {
        let Self {
            year,
            month,
            day,
            time: [hours, minutes, seconds],
            fraction,
            zone,
        } = self;
        let point = if fraction.is_empty() { "" } else { "." };
        let moment = format!(
            "{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{point}{fraction}"
        );
        if *zone == 0 {
            return moment + "Z";
        }
        let sign = if *zone < 0 { '-' } else { '+' };
        let zone = zone.abs();
        format!("{moment}{sign}{:02}:{:02}", zone / 60, zone % 60)
    }
}

/// A number of one or two digits, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

/// `Z`, or hours and minutes with their sign.
fn zone(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !is_digits(hours) || !is_digits(minutes) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 60 + minutes))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The days of a month; `None` where the year has no such month.
fn days(year: u32, month: u32) -> Option<u32> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => Some(29),
        2 => Some(28),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_as_docker_compose_prints_it() {
        for (text, printed) in [
            ("2001-12-14", "2001-12-14T00:00:00Z"),
            ("2001-1-4", "2001-01-04T00:00:00Z"),
            ("0000-01-01", "0000-01-01T00:00:00Z"),
            ("2004-02-29", "2004-02-29T00:00:00Z"),
            ("2001-1-1 1:2:3", "2001-01-01T01:02:03Z"),
            ("2001-12-14  21:59:43.10", "2001-12-14T21:59:43.1Z"),
            (
                "2001-12-14t21:59:43.10-05:00",
                "2001-12-14T21:59:43.1-05:00",
            ),
            ("2001-12-14T21:59:43,5Z", "2001-12-14T21:59:43.5Z"),
            (
                "2001-12-14T21:59:43.1234567891Z",
                "2001-12-14T21:59:43.123456789Z",
            ),
            ("2001-12-14T21:59:43.000+00:00", "2001-12-14T21:59:43Z"),
            ("2001-12-14T21:59:43+00:60", "2001-12-14T21:59:43+01:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(printed), "{text}");
        }
        for text in [
            "2001-12-14T21:59:43",
            "2001-12-14 21:59:43.10 -5",
            "2001-12-14 21:59:43Z",
            "2001-12-14T21:59:43+0100",
            "2001-12-14T21:59:43+25:00",
            "2001-12-14T21:59:43.Z",
            "2001-12-14T24:00:00Z",
            "2001-12-14T21:60:00Z",
            "2001-12-14T21:59:60Z",
            "2001-12-14T21:59Z",
            "2001-12-14T",
            "2001-2-29",
            "1900-02-29",
            "2001-13-01",
            "2001-00-01",
            "2001-01-00",
            "2001-001-01",
            "02001-01-01",
            "201-01-01",
            "2001-01-01x",
            "2001-01",
            "éé-01-01",
            "2001",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
