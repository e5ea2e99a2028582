//! Signals by name, as container engines read them.

/// Every name without `SIG`, with its number on Linux: those that Docker's engine knows.
const NAMES: [(&str, i32); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The first signal that has no name of its own but `RTMIN`; the C library keeps two before it.
const RTMIN: i32 = 34;
/// The last one, `RTMAX`.
const RTMAX: i32 = 64;

/// The number of the signal of that name on Linux: `SIGTERM`, `term`, `SIGRTMIN+3`, or the number
/// itself.
#[must_use]
pub fn number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse::<i32>() {
        return (1..=RTMAX).contains(&number).then_some(number);
    }
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| of_real_time(name), |(_, number)| Some(*number))
}

/// `RTMIN`, `RTMIN+N`, `RTMAX-N`, `RTMAX`.
fn of_real_time(name: &str) -> Option<i32> {
    let offset = |text: &str, sign: char| match text {
        "" => Some(0),
        text => {
            let digits = text.strip_prefix(sign)?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse::<i32>().ok())?
        }
    };
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        RTMIN.checked_add(offset(rest, '+')?)?
    } else {
        RTMAX.checked_sub(offset(name.strip_prefix("RTMAX")?, '-')?)?
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

/// The names to choose from, as one writes them.
pub(crate) fn names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|(name, _)| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_with_and_without_its_prefix_and_by_number() {
        for name in ["SIGQUIT", "QUIT", "sigquit", "3"] {
            assert_eq!(number(name), Some(3), "{name}");
        }
        assert_eq!(number("SIGRTMIN+3"), Some(37));
        assert_eq!(number("RTMAX-1"), Some(63));
        for name in [
            "", "SIG", "FOO", "0", "-9", "65", "RTMIN+31", "RTMIN+-1", "RTMINI",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
