//! What an `up` adds to a system that runs already: taken away again where that `up` does not succeed.

use std::collections::HashSet;

use msvc_runtime::contract::{Runtime, RuntimeError};
use msvc_runtime::observed::Observed;
use msvc_runtime::plan::{Deed, Step};
use msvc_system::id::{EdgeId, InstanceId};

use crate::context::Context;
use crate::failure::Failure;
use crate::running::AnyRuntime;

/// How often is looked again for what was being started when it was interrupted.
const LOOKS: usize = 5;

/// What was there before an `up`.
#[derive(Debug)]
pub struct Before {
    observed: Observed,
}

impl Before {
    /// As a runtime has it now.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn of(runtime: &AnyRuntime) -> Result<Self, Failure> {
        Ok(Self {
            observed: runtime.get().observe().await?,
        })
    }

    /// Ends every replica that has come since, and closes the edges that have. What was there and was
    /// started anew with other settings stays: nothing else is left of it.
    ///
    /// # Errors
    /// When something of it cannot be ended.
    pub async fn restore(&self, context: &Context, runtime: &AnyRuntime) -> Result<(), Failure> {
        let runtime = runtime.get();
        for _ in 0..LOOKS {
            let now = match runtime.observe().await {
                // Whoever took all of it down took this too.
                Err(RuntimeError::Gone { .. }) => return Ok(()),
                now => now?,
            };
            let (instances, edges) = self.since(&now);
            if instances.is_empty() && edges.is_empty() {
                return Ok(());
            }
            let ends = futures_util::future::join_all(instances.iter().map(|id| stop(runtime, id)));
            let killed = async {
                context.shutdown.forced().await;
                for id in &instances {
                    // It may have ended by now.
                    let _ = runtime.signal(id, "SIGKILL").await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = ends => ended.into_iter().collect::<Result<Vec<()>, _>>()?,
                () = killed => Vec::new(),
            };
            for edge in edges {
                let deed = Deed::CloseEdge(edge);
                gone(runtime.apply(&because(deed)).await.map(drop))?;
            }
        }
        Ok(())
    }

    /// The replicas and edges that are there now and were not.
    fn since(&self, now: &Observed) -> (Vec<InstanceId>, HashSet<EdgeId>) {
        let known = |id: &InstanceId| {
            let mut before = self.observed.instances.iter();
            before.any(|it| it.id.same_replica(id))
        };
        let instances = now.instances.iter().map(|it| &it.id);
        let edges = |observed: &Observed| -> HashSet<EdgeId> {
            observed.edges.iter().map(|it| it.id.clone()).collect()
        };
        (
            instances.filter(|id| !known(id)).cloned().collect(),
            &edges(now) - &edges(&self.observed),
        )
    }
}

async fn stop(runtime: &dyn Runtime, id: &InstanceId) -> Result<(), RuntimeError> {
    let step = because(Deed::Stop(id.clone()));
    gone(runtime.apply(&step).await.map(drop))
}

fn because(deed: Deed) -> Step {
    Step {
        deed,
        cause: "the `up` that added it did not succeed".to_owned(),
    }
}

/// What is not there any more needs no ending.
fn gone(ended: Result<(), RuntimeError>) -> Result<(), RuntimeError> {
    match ended {
        Err(RuntimeError::NoInstance(_) | RuntimeError::Gone { .. }) => Ok(()),
        other => other,
    }
}
