//! The one place that ends the process with a code.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use msvc_report::exit::Exit;
use msvc_report::json::Failed;
use msvc_report::report::Report;
use msvc_system::problem::Problem;

/// How a command ends: by one of ours, or passing on the code of a command it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By one of msvc's own codes.
    Own(Exit),
    /// The code of the command that was run.
    PassedOn(u8),
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        Self::Own(exit)
    }
}

impl Ending {
    /// By what was found.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let found = Exit::ALL.into_iter().find(|it| it.code() == report.exit);
        Self::Own(found.unwrap_or(Exit::CouldNot))
    }

    /// Which of two holds: that of a command that ended badly is its own, whatever msvc met after it.
    #[must_use]
    pub fn and(self, other: Exit) -> Self {
        match self {
            Self::Own(exit) => Self::Own(exit.and(other)),
            Self::PassedOn(0) => Self::Own(other),
            Self::PassedOn(_) => self,
        }
    }

    /// The process's status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Own(exit) => exit.code(),
            Self::PassedOn(code) => code,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending.code())
    }
}

/// What clap has to say: help and version are results, everything else is wrong usage, told as
/// JSON too where the `arguments` ask for that.
pub fn of_command_line(
    why: clap::Error,
    arguments: impl IntoIterator<Item = OsString>,
) -> ExitCode {
    let why = without_hidden(why);
    let printed = why.print();
    if !why.use_stderr() {
        // A closed pipe is no error.
        let is_lost = printed.is_err_and(|why| why.kind() != std::io::ErrorKind::BrokenPipe);
        let exit = if is_lost { Exit::CouldNot } else { Exit::Held };
        return Ending::Own(exit).into();
    }
    if json_is_asked_for(arguments) {
        let problem = problem(&why.render().to_string());
        let document = Failed::new(Exit::Usage.code(), [(&problem, None)], &[]);
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
    Ending::Own(Exit::Usage).into()
}

/// The same without the commands that are not for people, which clap lists with the others.
fn without_hidden(mut why: clap::Error) -> clap::Error {
    for kind in [
        ContextKind::ValidSubcommand,
        ContextKind::SuggestedSubcommand,
    ] {
        let Some(ContextValue::Strings(names)) = why.get(kind) else {
            continue;
        };
        let shown = |name: &&String| !name.starts_with("internal-");
        let names = names.iter().filter(shown).cloned().collect();
        why.insert(kind, ContextValue::Strings(names));
    }
    why
}

/// Whether a command line that could not be read has `--format json` in front of any `--`.
fn json_is_asked_for(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let words = arguments.into_iter().take_while(|word| word != "--");
    let words: Vec<OsString> = words.collect();
    let pair = words
        .windows(2)
        .any(|two| two[0] == "--format" && two[1] == "json");
    pair || words.iter().any(|word| word == "--format=json")
}

/// The message without its usage: what is wrong, and what is proposed.
fn problem(text: &str) -> Problem {
    let (mut what, mut hints) = (Vec::new(), Vec::new());
    let body = text.split("\n\nUsage:").next().unwrap_or(text);
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("tip: ") {
            Some(tip) => hints.push(tip),
            None if line.starts_with("For more information") => {}
            None => what.push(line.strip_prefix("error: ").unwrap_or(line)),
        }
    }
    let hint = match hints.as_slice() {
        [] => "`--help` shows what can be written".to_owned(),
        tips => tips.join("; "),
    };
    Problem::error(what.join(" ")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn json_is_asked_for_only_by_a_flag_of_ones_own() {
        let asked = |line: &str| json_is_asked_for(line.split(' ').map(OsString::from));
        assert!(asked("msvc --format json upp"));
        assert!(asked("msvc up --format=json --timeout x"));
        assert!(!asked("msvc up --timeout x"));
        assert!(!asked("msvc chaos kill a -- b --format json"));
    }

    #[test]
    fn what_is_wrong_with_a_command_line_is_said_without_its_usage() {
        let told = |line: &str| {
            let why = crate::cli::Cli::try_parse_from(line.split(' ')).unwrap_err();
            problem(&why.render().to_string())
        };
        let problem = told("msvc up --timeout x");
        assert!(problem.what.starts_with("invalid value 'x' for '--timeout"));
        assert!(!problem.what.contains("Usage"), "{}", problem.what);
        let problem = told("msvc upp");
        let hint = problem.hint.unwrap();
        assert!(hint.contains("'up'"), "{hint}");
    }
}
