//! An `up` under way: whose system it is, and what becomes of it when it fails.

use std::collections::BTreeSet;
use std::time::Duration;

use msvc_report::exit::Exit;
use msvc_runtime::build::BuildOutcome;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::docker;
use msvc_runtime::lane::LaneOptions;
use msvc_runtime::process::ProjectHome;
use msvc_runtime::turn::Turn;

use crate::added::Before;
use crate::boot::{self, Asked};
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Where;
use crate::running::AnyRuntime;

/// Between two looks at a system that ends.
const LOOK: Duration = Duration::from_millis(50);

/// A system that comes up.
pub struct Booting {
    /// Its runtime.
    pub runtime: AnyRuntime,
    /// Whether nothing of it ran before: then all of it goes when this does not succeed.
    pub ours: bool,
    /// What ran before, where something did.
    before: Option<Before>,
    /// In an engine: the data that was there before.
    data: Option<BTreeSet<String>>,
    /// The right to change it: in an engine whole, for host processes to bring it up.
    _turn: Turn,
}

impl Booting {
    /// Takes a running system over, or launches its runtime. Until it is up, what this call
    /// launched ends with it, however it ends.
    ///
    /// # Errors
    /// When it cannot be launched, or came up elsewhere meanwhile.
    pub async fn begin(
        context: &Context,
        home: &ProjectHome,
        place: Where,
    ) -> Result<Self, Failure> {
        let turn = match &place {
            Where::Process => context.turn_to_boot(home).await?,
            Where::Docker(_) => context.turn(home, "up").await?,
        };
        // Whom this call waited for may have changed everything.
        let before = past_its_end(context, home, context.connect(home).await?).await?;
        if let Some(runtime) = &before {
            context.stays(runtime)?;
        }
        let ours = before.is_none();
        let (runtime, before) = match before {
            Some(runtime) => {
                let before = Before::of(&runtime).await?;
                (runtime, Some(before))
            }
            None => (context.launch(home, place).await?, None),
        };
        let data = match &runtime {
            AnyRuntime::Docker(runtime) => Some(docker::data(runtime).await?),
            AnyRuntime::Process(_) => None,
        };
        match ours {
            true => runtime.attach(true).await?,
            false => runtime.adds().await?,
        }
        Ok(Self {
            runtime,
            ours,
            before,
            data,
            _turn: turn,
        })
    }

    /// Builds what is out of date. Where nothing ran before, what services stand on in an engine is
    /// made meanwhile.
    ///
    /// # Errors
    /// When a build fails.
    pub async fn build(
        &self,
        context: &Context,
        asked: Asked,
        place: &Where,
        options: &LaneOptions,
    ) -> Result<BuildOutcome, Failure> {
        boot::build_beside(context, asked, place, async |unbuilt| {
            if self.ours && !unbuilt.services.is_empty() {
                boot::ahead(context, &self.runtime, options, unbuilt).await;
            }
        })
        .await
    }

    /// It is up: others may change it again. Its runtime, and whether nothing of it ran before.
    pub async fn done(self, context: &Context) -> (AnyRuntime, bool) {
        if let AnyRuntime::Docker(runtime) = &self.runtime {
            context.forget_images(runtime.engine()).await;
        }
        (self.runtime, self.ours)
    }

    /// Takes down what this call launched or added; why it failed, and what of it could not be cleared.
    pub async fn give_up(self, context: &Context, home: &ProjectHome, failure: Failure) -> Failure {
        let Self {
            runtime,
            before,
            data,
            _turn,
            ..
        } = self;
        runtime.settled(context).await;
        if failure.exit != Exit::Interrupted
            && let Some(lost) = runtime.lost().await
        {
            // What it left without an answer says more than that it gives none.
            let is_told = failure.exit == Exit::CouldNot
                && context.questions.unanswered(Duration::ZERO).is_some();
            let lost = if is_told { failure } else { lost };
            return lost.hint(
                "what was made by then is taken over by the next `msvc up`, or cleared by \
                 `msvc down`, once it answers again",
            );
        }
        if let Some(before) = before {
            return match before.restore(context, &runtime).await {
                Ok(()) => failure,
                Err(left) => failure.leaving(left).hint("`msvc down` ends all of it"),
            };
        }
        let cleared = match (&runtime, data) {
            (AnyRuntime::Docker(runtime), Some(data)) => context.undo(home, runtime, &data).await,
            _ => context.down(home, false).await.map(drop),
        };
        match cleared {
            Ok(()) => failure,
            Err(left) => failure.leaving(left).hint("`msvc down` tries again"),
        }
    }
}

/// A running system that is not on its way down; one that is is waited for, until nothing runs.
async fn past_its_end(
    context: &Context,
    home: &ProjectHome,
    mut runs: Option<AnyRuntime>,
) -> Result<Option<AnyRuntime>, Failure> {
    let mut told = false;
    while let Some(runtime) = &runs {
        match runtime.get().observe().await {
            Ok(observed) if observed.ending => {}
            // Ended just now: then nobody is found any more.
            Err(RuntimeError::Gone { .. }) => {}
            _ => break,
        }
        if !told {
            told = true;
            let project = home.project();
            let note = format!("{project} is being taken down: waiting for its end");
            context.terminal.note(&note);
        }
        tokio::select! {
            () = context.shutdown.requested() => return Err(Failure::interrupted()),
            () = context.clock.sleep(LOOK) => {}
        }
        runs = context.connect(home).await?;
    }
    Ok(runs)
}
