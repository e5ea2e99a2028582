//! A project of this run's own, beside the user's: launched, and gone without a trace when the run
//! ends, however it ends.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use msvc_report::exit::Exit;
use msvc_runtime::process::{self, ProcessRuntime, ProjectHome};
use msvc_system::id::ProjectName;

use crate::artifacts;
use crate::context::Context;
use crate::failure::Failure;

/// Nothing that msvc runs takes longer to end: the longest grace a service is given, and more.
const LIMIT: Duration = Duration::from_secs(180);

/// A project that ends with the run.
pub struct OwnSystem {
    /// Its records.
    pub home: ProjectHome,
    /// Its supervisor.
    pub runtime: ProcessRuntime,
}

impl OwnSystem {
    /// Launches a supervisor for the project `NAME-what-RUN`. It ends when this process does.
    ///
    /// # Errors
    /// When it cannot be launched; its records are removed then.
    pub async fn launch(context: &Context, what: &str) -> Result<Self, Failure> {
        let name = format!("{}-{what}-{}", context.system.name, context.run);
        let name =
            ProjectName::new(name).map_err(|why| Failure::new(Exit::CouldNot, why.to_string()))?;
        let home = context.home_of(&name)?;
        let launched = async {
            let launcher = context.launcher()?;
            let clock = Arc::clone(&context.clock);
            let runtime = ProcessRuntime::launch(&home, &launcher, clock).await?;
            runtime.attach(true).await?;
            Ok(runtime)
        };
        match launched.await {
            Ok(runtime) => Ok(Self { home, runtime }),
            Err(failure) => {
                forget(&home);
                Err(failure)
            }
        }
    }

    /// Keeps the logs where `--artifacts` asks for them, ends the system and removes it, data and
    /// records included. Not given up on Ctrl-C, which must not leave anything behind either.
    ///
    /// # Errors
    /// When something of it cannot be ended, or the logs cannot be kept.
    pub async fn end(self, context: &Context) -> Result<(), Failure> {
        let kept = artifacts::keep_logs(context, &self.home);
        let down = process::down(&self.home, true, &*context.clock);
        tokio::select! {
            down = down => drop(down?),
            () = context.clock.sleep(LIMIT) => {
                let project = self.home.project();
                let again = context.repeat_as(project, &["down", "--volumes"]);
                return Err(Failure::new(Exit::NotUndone, format!("{project} would not end"))
                    .hint(format!("`{again}` tries again")));
            }
        }
        forget(&self.home);
        kept
    }
}

/// Removes the records of a project that was this run's only.
fn forget(home: &ProjectHome) {
    // What cannot be removed is in nobody's way.
    let _ = fs::remove_dir_all(home.folder());
}
