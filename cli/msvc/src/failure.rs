//! Why a command ended early: one message (what, where, what to do) and the exit code. Every
//! room's error becomes one here, with the code of the table in `docs/reference/exit-codes.md`.

use std::io;

use msvc_report::exit::Exit;
use msvc_runtime::build::BuildError;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::docker::EngineError;
use msvc_runtime::ports::book_file::BookError;
use msvc_runtime::up::UpError;
use msvc_scaffold::error::ScaffoldError;
use msvc_system::problem::{Blame, Problem, Problems};

/// Commands about the system that the flags of the command line choose.
const ABOUT_A_SYSTEM: [&str; 8] = [
    "up", "down", "ps", "logs", "journey", "contract", "chaos", "demo",
];

/// How the hint to a service's log begins.
const ALL_IT_WROTE: &str = "all it wrote: ";

/// A command ended early.
#[derive(Debug)]
pub struct Failure {
    /// The code it ends with.
    pub exit: Exit,
    /// What is wrong, each with place and hint.
    pub problems: Vec<Problem>,
    /// Further lines worth seeing: a compiler's message, a service's last words.
    pub lines: Vec<String>,
}

impl Failure {
    /// With one sentence.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            problems: vec![Problem::error(what)],
            lines: Vec::new(),
        }
    }

    /// All of it in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let all: Vec<&str> = self.problems.iter().map(|it| it.what.as_str()).collect();
        all.join("; ")
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(problem) = self.problems.last_mut() {
            problem.hint = Some(hint.into());
        }
        self
    }

    /// The same with lines to show below.
    #[must_use]
    pub fn showing(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        self
    }

    /// The same, its hints' commands with the flags that chose the system: `chosen` is `msvc` and
    /// those flags, as a shell takes them.
    #[must_use]
    pub fn choosing(mut self, chosen: &str) -> Self {
        for hint in self.problems.iter_mut().filter_map(|it| it.hint.as_mut()) {
            *hint = choosing(hint, chosen);
        }
        self
    }

    /// The same where the system is gone with its logs.
    #[must_use]
    pub fn logs_gone(mut self) -> Self {
        for hint in self.problems.iter_mut().filter_map(|it| it.hint.as_mut()) {
            if hint.starts_with(ALL_IT_WROTE) {
                *hint = "this copy is gone; `--artifacts DIR` keeps all it writes".to_owned();
            }
        }
        self
    }

    /// The same with what could not be cleared after it.
    #[must_use]
    pub fn leaving(mut self, left: Self) -> Self {
        for problem in left.problems {
            let what = format!("not all of it could be cleared: {}", problem.what);
            self.problems.push(Problem { what, ..problem });
        }
        self
    }

    /// Interrupted by the user.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// Something named on the command line that the system does not have.
    pub fn unknown<'a>(
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let failure = Self::new(Exit::Usage, format!("there is no {kind} `{name}`"));
        match msvc_system::problem::nearest(name, known.clone()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => {
                let all: Vec<&str> = known.into_iter().collect();
                if all.is_empty() {
                    failure.hint(format!("there is no {kind} at all"))
                } else {
                    failure.hint(format!("there are: {}", all.join(", ")))
                }
            }
        }
    }
}

/// A text, the commands in it with the flags that chose the system: `chosen` is `msvc` and those
/// flags, as a shell takes them.
pub fn choosing(text: &str, chosen: &str) -> String {
    let mut text = text.to_owned();
    for command in ABOUT_A_SYSTEM {
        let (short, whole) = (format!("`msvc {command}"), format!("`{chosen} {command}"));
        for end in ["`", " "] {
            text = text.replace(&format!("{short}{end}"), &format!("{whole}{end}"));
        }
    }
    text
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        UpError::Runtime(error).into()
    }
}

impl From<UpError> for Failure {
    fn from(error: UpError) -> Self {
        let exit = error.exit();
        match error {
            UpError::Problems(problems) => Self {
                exit,
                ..problems.into()
            },
            UpError::Runtime(RuntimeError::NeverReady {
                instance,
                why,
                last_lines,
            }) => {
                let service = instance.service;
                Self::new(exit, format!("{service} never became ready: {why}"))
                    .hint(format!("{ALL_IT_WROTE}`msvc logs {service}`"))
                    .showing(last_lines)
            }
            UpError::Runtime(RuntimeError::PortTaken {
                address,
                owner,
                hint,
            }) => {
                let by = owner
                    .map(|owner| format!(" by {owner}"))
                    .unwrap_or_default();
                Self::new(exit, format!("{address} is taken{by}")).hint(hint)
            }
            UpError::Runtime(RuntimeError::Engine(error @ EngineError::Build { .. })) => {
                let failure = crate::place::of_engine(&error);
                match error {
                    EngineError::Build { message, .. } => {
                        failure.showing(message.lines().map(str::to_owned).collect())
                    }
                    _ => failure,
                }
            }
            UpError::Runtime(RuntimeError::Absent(problem)) => Self {
                exit,
                problems: vec![*problem],
                lines: Vec::new(),
            },
            UpError::Runtime(RuntimeError::BroughtDown { project }) => {
                Self::new(exit, format!("{project} was brought down while it came up"))
                    .hint("somebody ran `msvc down` meanwhile; `msvc up` boots it again")
            }
            UpError::Runtime(RuntimeError::Records { path, source }) => of_file(
                exit,
                format!(
                    "msvc cannot keep or read what it knows of the system at {}: {source}",
                    path.display()
                ),
                &source,
            ),
            UpError::Book(error) => {
                let what = error.to_string();
                match error {
                    BookError::Read { source, .. } | BookError::Write { source, .. } => {
                        of_file(exit, what, &source)
                    }
                    BookError::Form { .. } => Self::new(exit, what),
                }
            }
            UpError::Runtime(RuntimeError::Engine(error)) => crate::place::of_engine(&error),
            other => Self::new(exit, other.to_string()),
        }
    }
}

/// A file of msvc's own could not be used, with what to do for it.
fn of_file(exit: Exit, what: String, why: &io::Error) -> Failure {
    // From the supervisor only the words of the error come.
    let said = why.to_string();
    let is = |kinds: &[io::ErrorKind], words: &[&str]| {
        kinds.contains(&why.kind()) || words.iter().any(|words| said.contains(words))
    };
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let failure = Failure::new(exit, what);
    if is(
        &[PermissionDenied, ReadOnlyFilesystem],
        &["Permission denied", "Read-only"],
    ) {
        failure.hint(
            "its records and its data stand in `.msvc` beside the Compose file: let yourself \
             write there, or work in a copy of the folder",
        )
    } else if is(&[StorageFull, QuotaExceeded], &["No space left", "quota"]) {
        failure.hint("make room on that disk, and try again")
    } else {
        failure.hint("`msvc down` and removing `.msvc` beside the Compose file begin anew")
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let exit = error.exit();
        match error {
            BuildError::Problems(problems) => Self {
                exit,
                ..problems.into()
            },
            BuildError::Failed { what, message } => {
                Self::new(exit, format!("the build of {what} failed"))
                    .showing(message.lines().map(str::to_owned).collect())
            }
            other => Self::new(exit, other.to_string()),
        }
    }
}

impl From<ScaffoldError> for Failure {
    fn from(error: ScaffoldError) -> Self {
        let exit = error.exit();
        match error {
            ScaffoldError::Problems(problems) => Self {
                exit,
                ..problems.into()
            },
            other => {
                let failure = Self::new(exit, other.to_string());
                match other.hint() {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        // What could not be had leaves holes that are told as wrong of the files.
        let is_to_blame = |blame: Blame| problems.0.iter().any(|it| it.blame == blame);
        let exit = if is_to_blame(Blame::Interrupt) {
            Exit::Interrupted
        } else if is_to_blame(Blame::Machine) {
            Exit::CouldNot
        } else {
            Exit::Input
        };
        Self {
            exit,
            problems: problems.0,
            lines: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(failure: &Failure) -> &str {
        failure.problems[0].hint.as_deref().unwrap()
    }

    #[test]
    fn commands_in_hints_choose_the_same_system() {
        let failure = |hint| Failure::new(Exit::Failed, "it failed").hint(hint);
        let table = [
            (
                "all it wrote: `msvc logs web`",
                "all it wrote: `msvc -p s logs web`",
            ),
            (
                "`msvc down` clears it, `msvc up` boots",
                "`msvc -p s down` clears it, `msvc -p s up` boots",
            ),
            ("`msvc -p other down`", "`msvc -p other down`"),
            ("`msvc doctor` says more", "`msvc doctor` says more"),
        ];
        for (short, whole) in table {
            assert_eq!(hint(&failure(short).choosing("msvc -p s")), whole);
            assert_eq!(hint(&failure(short).choosing("msvc")), short);
        }
    }

    #[test]
    fn what_the_machine_could_not_is_no_fault_of_the_files() {
        let exit = |blames: &[Blame]| {
            let problem = |blame: &Blame| Problem::error("it is wrong").blaming(*blame);
            Failure::from(Problems(blames.iter().map(problem).collect())).exit
        };
        assert_eq!(exit(&[Blame::Input]), Exit::Input);
        assert_eq!(exit(&[Blame::Input, Blame::Machine]), Exit::CouldNot);
        assert_eq!(exit(&[Blame::Machine, Blame::Interrupt]), Exit::Interrupted);
    }

    #[test]
    fn the_logs_of_a_copy_that_is_gone_are_not_pointed_at() {
        let never = RuntimeError::NeverReady {
            instance: msvc_system::id::InstanceId {
                project: "s".parse().unwrap(),
                lane: msvc_system::id::LaneName::main(),
                service: "web".parse().unwrap(),
                replica: 1,
                incarnation: 1,
            },
            why: "it ended".to_owned(),
            last_lines: Vec::new(),
        };
        let failure = Failure::from(never).choosing("msvc -p s");
        assert_eq!(hint(&failure), "all it wrote: `msvc -p s logs web`");
        assert!(hint(&failure.logs_gone()).contains("--artifacts"));
    }
}
