//! The one place that ends the process with a code.

use std::process::ExitCode;

use msvc_report::exit::Exit;

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

/// What clap has to say: help and version are results, everything else is wrong usage.
pub fn of_command_line(why: &clap::Error) -> ExitCode {
    // A closed pipe is no error.
    let _ = why.print();
    if why.use_stderr() {
        Ending::Own(Exit::Usage).into()
    } else {
        ExitCode::SUCCESS
    }
}
