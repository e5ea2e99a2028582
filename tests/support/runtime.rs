//! One body of a test, played in both runtimes.

use super::shared_engine::engine;

/// Where a test's system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// As host processes.
    Processes,
    /// In containers of the engine that answers.
    Containers,
}

impl Runtime {
    /// As `MSVC_RUNTIME` names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Processes => "process",
            Self::Containers => "docker",
        }
    }
}

/// Makes two tests of each function named: `as_processes::NAME` and `in_containers::NAME`, which
/// says loudly that it was skipped where no engine answers.
macro_rules! in_both {
    ($($name:ident),+ $(,)?) => {
        mod as_processes {
            $(#[test]
            fn $name() {
                super::$name($crate::support::Runtime::Processes);
            })+
        }
        mod in_containers {
            $(#[test]
            fn $name() {
                $crate::support::in_containers(super::$name);
            })+
        }
    };
}

/// Plays a test in containers.
#[track_caller]
pub fn in_containers(test: fn(Runtime)) {
    match engine() {
        // The image of tools is packed from this machine's own.
        Some(_) if cfg!(target_os = "linux") => test(Runtime::Containers),
        _ => super::skipped("a container engine on Linux"),
    }
}

pub(crate) use in_both;
