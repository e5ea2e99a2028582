//! Where a system that does not run yet is to run: as flag and environment choose, else in the
//! engine that answers, else as host processes.

use std::collections::BTreeMap;

use msvc_report::exit::Exit;
use msvc_runtime::docker::{Engine, EngineError};

use crate::cli::RuntimeChoice;
use crate::context::Context;
use crate::failure::Failure;

/// The variable that chooses where no flag does.
pub const VARIABLE: &str = "MSVC_RUNTIME";

/// What is said of a socket that is not there.
const ABSENT: &str = "no such file or directory";

/// Where a new system is to run.
#[derive(Debug, Clone)]
pub enum Where {
    /// As host processes.
    Process,
    /// In this engine.
    Docker(Box<Engine>),
}

/// The runtime that the flag or the environment choose.
///
/// # Errors
/// When the variable's value is none.
pub fn chosen(
    asked: Option<RuntimeChoice>,
    environment: &BTreeMap<String, String>,
) -> Result<RuntimeChoice, Failure> {
    if let Some(choice) = asked {
        return Ok(choice);
    }
    match environment.get(VARIABLE).map(String::as_str) {
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

impl Context {
    /// The runtime that flag or environment choose.
    ///
    /// # Errors
    /// When the variable's value is none.
    pub fn runtime_choice(&self) -> Result<RuntimeChoice, Failure> {
        chosen(self.asked_runtime, &self.environment)
    }

    /// The engine, where one may be used and answers.
    ///
    /// # Errors
    /// When one is asked for and none answers.
    pub async fn engine(&self) -> Result<Option<Engine>, Failure> {
        Ok(self.look().await?.ok())
    }

    /// The engine, or why none is used, where that is worth a word.
    async fn look(&self) -> Result<Result<Engine, Option<String>>, Failure> {
        let choice = self.runtime_choice()?;
        if choice == RuntimeChoice::Process {
            return Ok(Err(None));
        }
        if let Some(engine) = self.engine.get() {
            return Ok(Ok(engine.clone()));
        }
        match Engine::find(&self.environment).await {
            Ok(engine) => Ok(Ok(self.engine.get_or_init(|| engine).clone())),
            Err(error) if choice == RuntimeChoice::Docker => Err(of_engine(&error)),
            // Where nothing is there, nothing is to be said of it.
            Err(EngineError::None { looked }) => {
                let there = looked.into_iter().filter(|it| !it.contains(ABSENT));
                let there: Vec<String> = there.collect();
                Ok(Err((!there.is_empty()).then(|| there.join("; "))))
            }
            Err(error) => Ok(Err(Some(error.to_string()))),
        }
    }

    /// Where a system that does not run yet is to run; says so where it was left open.
    ///
    /// # Errors
    /// As [`Context::engine`].
    pub async fn place(&self) -> Result<Where, Failure> {
        let is_open = self.runtime_choice()? == RuntimeChoice::Auto;
        let (place, note) = match self.look().await? {
            Ok(engine) => {
                let note = format!(
                    "running in containers: engine {} at {}",
                    engine.version, engine.place
                );
                (Where::Docker(Box::new(engine)), note)
            }
            Err(why) => {
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                let note = format!("no container engine answers{why}: running as host processes");
                (Where::Process, note)
            }
        };
        if is_open {
            self.terminal.note(&note);
        }
        Ok(place)
    }
}

/// An engine's error as the command's.
pub fn of_engine(error: &EngineError) -> Failure {
    let failure = Failure::new(error.exit(), error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
