//! A project of this run's own, beside the user's: launched, and gone without a trace when the run
//! ends, however it ends.

use std::fs;
use std::time::Duration;

use msvc_report::exit::Exit;
use msvc_runtime::process::{self, ProcessIdentity, ProjectHome};
use msvc_system::id::ProjectName;
use tokio::sync::OnceCell;

use crate::artifacts;
use crate::context::Context;
use crate::exchanges::Exchanges;
use crate::failure::Failure;
use crate::place::Where;
use crate::running::AnyRuntime;
use crate::secrets;

/// Nothing that msvc runs takes longer to end: the longest grace a service is given, and more.
const LIMIT: Duration = Duration::from_secs(180);

/// The file in a project's records that says: nobody will miss it once its run has ended. It names
/// the process whose run that is.
const THROWAWAY: &str = "throwaway";

/// A project that ends with the run.
pub struct OwnSystem {
    /// Its records.
    pub home: ProjectHome,
    /// Its runtime.
    pub runtime: AnyRuntime,
    /// Begun as soon as there is a mesh: in an engine that is not before the boot.
    exchanges: OnceCell<Exchanges>,
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
        secrets::make(context, &context.sink())?;
        let launched = async {
            home.create()?;
            mark_throwaway(&home);
            let runtime = context.launch(&home, place).await?;
            runtime.attach(true).await?;
            let own = Self {
                home: home.clone(),
                runtime,
                exchanges: OnceCell::new(),
            };
            own.record(context).await;
            Ok(own)
        };
        match launched.await {
            Ok(own) => Ok(own),
            Err(failure) => {
                // What was launched by then writes down its own end: its records go after that.
                let ended = process::down(&home, true, &*context.clock).await;
                forget(&home);
                match ended {
                    Ok(_) => Err(failure),
                    Err(left) => Err(failure.leaving(left.into())),
                }
            }
        }
    }

    /// Begins to write down exchanges where `--artifacts` asks for them, unless it does already or
    /// there is no mesh yet.
    pub async fn record(&self, context: &Context) {
        if self.exchanges.initialized() {
            return;
        }
        if let Some(exchanges) = Exchanges::record(context, self.runtime.mesh()).await {
            // Nobody else records: it is empty still.
            let _ = self.exchanges.set(exchanges);
        }
    }

    /// Ends the system after what was done with it: that, unless the end itself fails.
    ///
    /// # Errors
    /// What was done failed, or something of the system cannot be ended.
    pub async fn conclude<T>(
        self,
        context: &Context,
        done: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(lost) = self.runtime.lost().await {
            return Err(lost.hint(
                "what is left of this run is cleared by the next one, once it answers again",
            ));
        }
        let ended = self.end(context).await;
        match (done, ended) {
            (Ok(done), ended) => ended.map(|()| done),
            (Err(failure), Ok(())) => Err(failure.logs_gone()),
            (Err(failure), Err(left)) => Err(failure.leaving(left)),
        }
    }

    /// Keeps the logs where `--artifacts` asks for them, ends the system and removes it, data and
    /// records included. Not given up on Ctrl-C, which must not leave anything behind either.
    ///
    /// # Errors
    /// When something of it cannot be ended.
    async fn end(self, context: &Context) -> Result<(), Failure> {
        self.runtime.settled(context).await;
        artifacts::keep_logs(context, &self.home, &self.runtime).await;
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
        if let Some(exchanges) = self.exchanges.into_inner() {
            exchanges.end(context).await;
        }
        Ok(())
    }

    /// Leaves the system running, with its logs and exchanges so far kept where `--artifacts`
    /// asks for them.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn leave(self, context: &Context) -> Result<(), Failure> {
        self.runtime.attach(false).await?;
        let _ = fs::remove_file(self.home.folder().join(THROWAWAY));
        if let Some(exchanges) = self.exchanges.into_inner() {
            exchanges.end(context).await;
        }
        artifacts::keep_logs(context, &self.home, &self.runtime).await;
        Ok(())
    }
}

/// Says in a project's records that it ends with this process.
fn mark_throwaway(home: &ProjectHome) {
    let own = ProcessIdentity::own().and_then(|own| serde_json::to_vec(&own).ok());
    // Without it the project is only not cleared should this process be killed.
    let _ = fs::write(home.folder().join(THROWAWAY), own.unwrap_or_default());
}

/// Whether a project is what a run has left that was killed.
fn is_leftover(home: &ProjectHome) -> bool {
    let owner = fs::read(home.folder().join(THROWAWAY)).ok();
    let owner = owner.and_then(|text| serde_json::from_slice::<ProcessIdentity>(&text).ok());
    owner.is_some_and(|owner| !owner.lives())
}

/// Removes what runs that were killed have left. Their services ended with them, their containers
/// did not; their records and data are nobody's any more. Nothing hangs on it, so nothing is said
/// of it.
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
        if is_leftover(&home) && context.down(&home, true).await.is_ok() {
            forget(&home);
        }
    }
}

/// Removes the records of a project that was this run's only.
fn forget(home: &ProjectHome) {
    // What cannot be removed is in nobody's way.
    let _ = fs::remove_dir_all(home.folder());
}
