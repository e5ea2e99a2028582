//! Why a command ended early: one message (what, where, what to do) and the exit code. Every
//! room's error becomes one here, with the code of the table in `docs/reference/exit-codes.md`.

use msvc_report::exit::Exit;
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

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self {
            exit: Exit::Input,
            problems: problems.0,
            lines: Vec::new(),
        }
    }
}
