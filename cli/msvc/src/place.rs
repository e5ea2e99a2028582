//! Where a system that does not run yet is to run: as flag and environment choose, else in the
//! engine that answers, else as host processes.

use msvc_report::exit::Exit;
use msvc_runtime::docker::{Engine, EngineError};

use crate::cli::RuntimeChoice;
use crate::context::Context;
use crate::failure::Failure;

/// The variable that chooses where no flag does.
pub const VARIABLE: &str = "MSVC_RUNTIME";

/// Where a new system is to run.
#[derive(Debug, Clone)]
pub enum Where {
    /// As host processes.
    Process,
    /// In this engine.
    Docker(Box<Engine>),
}

impl Context {
    /// The runtime that flag or environment choose.
    ///
    /// # Errors
    /// When the variable's value is none.
    pub fn runtime_choice(&self) -> Result<RuntimeChoice, Failure> {
        if let Some(choice) = self.asked_runtime {
            return Ok(choice);
        }
        match self.environment.get(VARIABLE).map(String::as_str) {
            None | Some("" | "auto") => Ok(RuntimeChoice::Auto),
            Some("docker") => Ok(RuntimeChoice::Docker),
            Some("process") => Ok(RuntimeChoice::Process),
            Some(other) => Err(Failure::new(
                Exit::Usage,
                format!("{VARIABLE} is `{other}`, which is no runtime"),
            )
            .hint("docker, process or auto")),
        }
    }

    /// The engine, where one may be used and answers.
    ///
    /// # Errors
    /// When one is asked for and none answers, or the one that was named does not.
    pub async fn engine(&self) -> Result<Option<Engine>, Failure> {
        let choice = self.runtime_choice()?;
        if choice == RuntimeChoice::Process {
            return Ok(None);
        }
        match Engine::find(&self.environment).await {
            Ok(engine) => Ok(Some(engine)),
            Err(error) if choice == RuntimeChoice::Docker => Err(of_engine(&error)),
            Err(EngineError::None { .. } | EngineError::NoAnswer { .. }) => Ok(None),
            // One that is there and cannot be used is worth a word, and no reason to fail.
            Err(error) => {
                self.terminal.note(&format!("no engine is used: {error}"));
                Ok(None)
            }
        }
    }

    /// Where a system that does not run yet is to run; says so where it was left open.
    ///
    /// # Errors
    /// As [`Context::engine`].
    pub async fn place(&self) -> Result<Where, Failure> {
        let choice = self.runtime_choice()?;
        match self.engine().await? {
            None => {
                if choice == RuntimeChoice::Auto {
                    self.terminal
                        .note("no container engine answers: running as host processes");
                }
                Ok(Where::Process)
            }
            Some(engine) => {
                if choice == RuntimeChoice::Auto {
                    self.terminal.note(&format!(
                        "running in containers: engine {} at {}",
                        engine.version, engine.place
                    ));
                }
                Ok(Where::Docker(Box::new(engine)))
            }
        }
    }
}

/// An engine's error as the command's.
pub fn of_engine(error: &EngineError) -> Failure {
    Failure::new(error.exit(), error.to_string())
}
