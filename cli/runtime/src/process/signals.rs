//! Signals by name, and ends by words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::observed::Phase;

/// The signal of that name: `SIGTERM`, `TERM`, or its number. None of those for real time, which
/// are not sent here.
pub(super) fn by_name(name: &str) -> Option<Signal> {
    Signal::try_from(msvc_system::signal::number(name)?).ok()
}

/// How a process ended, as a phase that stays.
pub(super) fn ended(status: ExitStatus) -> Phase {
    Phase::Exited {
        status: status.code(),
        signal: status.signal().map(name_of),
    }
}

/// The same for people: `status 1`, `signal SIGKILL`.
pub(super) fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {}", name_of(signal)),
        (None, None) => "an unknown end".to_owned(),
    }
}

/// A signal's name; its number where it has none.
pub(super) fn name_of(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_with_and_without_its_prefix_and_by_number() {
        for name in ["SIGQUIT", "QUIT", "quit", "3"] {
            assert_eq!(by_name(name), Some(Signal::SIGQUIT), "{name}");
        }
        assert_eq!(by_name("SIGRTMIN+3"), None);
        assert_eq!(by_name("SIGNOTHING"), None);
    }
}
