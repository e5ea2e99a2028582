//! How things look, decided once from the flags and from what standard error is.

use crate::cli::{Format, Global};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Quiet,
    Normal,
    Verbose,
}

/// What decides how things look, and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) format: Format,
    pub(super) level: Level,
    pub(super) colour: bool,
    pub(super) spinner: bool,
    /// Columns at which messages are broken at spaces; in a file they stay whole, for whoever
    /// searches it.
    pub(super) columns: usize,
}

impl Look {
    /// Decided from the flags and from what standard error is, once.
    pub(super) fn decide(
        global: &Global,
        stderr_is_terminal: bool,
        no_color: bool,
        dumb: bool,
    ) -> Self {
        let level = match (global.quiet, global.verbose) {
            (true, _) => Level::Quiet,
            (_, true) => Level::Verbose,
            _ => Level::Normal,
        };
        let plain = global.no_color || no_color || dumb;
        Self {
            format: global.format,
            level,
            colour: stderr_is_terminal && !plain,
            columns: if stderr_is_terminal { 80 } else { usize::MAX },
            spinner: stderr_is_terminal && !dumb && level == Level::Normal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn look(line: &str, terminal: bool, no_color: bool, dumb: bool) -> Look {
        let cli = crate::cli::Cli::try_parse_from(line.split(' ')).unwrap();
        Look::decide(&cli.global, terminal, no_color, dumb)
    }

    #[test]
    fn colour_and_spinner_need_a_terminal_and_can_be_refused() {
        assert!(look("msvc ps", true, false, false).colour);
        assert!(look("msvc ps", true, false, false).spinner);
        assert!(!look("msvc ps", false, false, false).colour);
        assert!(!look("msvc ps --no-color", true, false, false).colour);
        assert!(!look("msvc ps", true, true, false).colour);
        assert!(!look("msvc ps", true, false, true).spinner);
        assert!(!look("msvc ps -v", true, false, false).spinner);
    }
}
