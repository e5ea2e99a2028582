//! A project of this run's own, beside the user's: launched, and gone without a trace when the run
//! ends, however it ends.

use std::fs;
use std::time::Duration;

use msvc_report::exit::Exit;
use msvc_runtime::process::ProjectHome;
use msvc_system::id::ProjectName;

use crate::artifacts;
use crate::context::Context;
use crate::exchanges::Exchanges;
use crate::failure::Failure;
use crate::running::{AnyRuntime, Where};

/// Nothing that msvc runs takes longer to end: the longest grace a service is given, and more.
const LIMIT: Duration = Duration::from_secs(180);

/// The file in a project's records that says: nobody will miss it once its run has ended. It is
/// there only after the supervisor has answered, so that no launch is taken for a leftover.
const THROWAWAY: &str = "throwaway";

/// A project that ends with the run.
pub struct OwnSystem {
    /// Its records.
    pub home: ProjectHome,
    /// Its runtime.
    pub runtime: AnyRuntime,
    exchanges: Option<Exchanges>,
}

impl OwnSystem {
    /// Launches a supervisor for the project `NAME-what-RUN`. It ends when this process does.
    ///
    /// # Errors
    /// When it cannot be launched; its records are removed then.
    pub async fn launch(context: &Context, what: &str, place: Where) -> Result<Self, Failure> {
        let name = format!("{}-{what}-{}", context.system.name, context.run);
        let name =
            ProjectName::new(name).map_err(|why| Failure::new(Exit::CouldNot, why.to_string()))?;
        clear_leftovers(context).await;
        let home = context.home_of(&name)?;
        let launched = async {
            let runtime = context.launch(&home, place).await?;
            runtime.attach(true).await?;
            // Without it the project is only not cleared should this process be killed.
            let _ = fs::create_dir_all(home.folder());
            let _ = fs::write(home.folder().join(THROWAWAY), "");
            let exchanges = Exchanges::record(context, runtime.mesh()).await?;
            Ok((runtime, exchanges))
        };
        match launched.await {
            Ok((runtime, exchanges)) => Ok(Self {
                home,
                runtime,
                exchanges,
            }),
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
        let kept = artifacts::keep_logs(context, &self.home, &self.runtime).await;
        let down = context.down(&self.home, true);
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
        if let Some(exchanges) = self.exchanges {
            exchanges.end().await?;
        }
        kept
    }

    /// Leaves the system running, with its logs and exchanges so far kept where `--artifacts`
    /// asks for them.
    ///
    /// # Errors
    /// When it does not answer, or what is to be kept cannot be.
    pub async fn leave(self, context: &Context) -> Result<(), Failure> {
        self.runtime.attach(false).await?;
        let _ = fs::remove_file(self.home.folder().join(THROWAWAY));
        if let Some(exchanges) = self.exchanges {
            exchanges.end().await?;
        }
        artifacts::keep_logs(context, &self.home, &self.runtime).await
    }
}

/// Removes what runs that were killed have left: their services ended with them, their records and
/// data are nobody's any more. Nothing hangs on it, so nothing is said of it.
async fn clear_leftovers(context: &Context) {
    let Ok(home) = context.home() else { return };
    let folder = home.folder();
    let beside = folder.parent().and_then(|all| fs::read_dir(all).ok());
    for entry in beside.into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| ProjectName::new(name).ok());
        let Some(home) = name.and_then(|name| context.home_of(&name).ok()) else {
            continue;
        };
        if entry.path().join(THROWAWAY).exists() && matches!(context.connect(&home).await, Ok(None))
        {
            let _ = context.down(&home, true).await;
        }
    }
}

/// Removes the records of a project that was this run's only.
fn forget(home: &ProjectHome) {
    // What cannot be removed is in nobody's way.
    let _ = fs::remove_dir_all(home.folder());
}
