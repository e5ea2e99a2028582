//! Why a command ended early: one message (what, where, what to do) and the exit code. Every
//! room's error becomes one here, with the code of the table in `docs/reference/exit-codes.md`.

use msvc_report::exit::Exit;
use msvc_runtime::build::BuildError;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::docker::EngineError;
use msvc_runtime::up::UpError;
use msvc_scaffold::error::ScaffoldError;
use msvc_system::problem::{Problem, Problems};

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
                    .hint(format!("all it wrote: `msvc logs {service}`"))
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
            UpError::Runtime(RuntimeError::Engine(EngineError::Build { service, message })) => {
                Self::new(exit, format!("the build of {service} failed"))
                    .showing(message.lines().map(str::to_owned).collect())
            }
            UpError::Runtime(RuntimeError::Engine(error)) => crate::place::of_engine(&error),
            other => Self::new(exit, other.to_string()),
        }
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
        Self {
            exit: Exit::Input,
            problems: problems.0,
            lines: Vec::new(),
        }
    }
}
