//! Whether this host is where the engine's containers are: asked at first need, since an engine that
//! has locked itself up tells its version and not its state.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::{Engine, EngineError, FIRST_ANSWER};

/// Where an engine's containers are, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Nearness {
    /// Whether the engine is on this very kernel, as its version tells.
    pub(super) shares_kernel: bool,
    /// Whether its networks are the host's own, once it was asked.
    known: Arc<OnceCell<bool>>,
}

impl Nearness {
    /// Of an engine that was reached over a socket of this host, and names its kernel so.
    pub(super) fn of(kernel: Option<&str>) -> Self {
        let ours = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/osrelease"));
        Self {
            shares_kernel: ours.is_ok_and(|ours| Some(ours.trim()) == kernel),
            known: Arc::default(),
        }
    }
}

impl Engine {
    /// Whether its containers' addresses are reached from this host: an engine on this very kernel,
    /// with its networks in the host's own namespace, which a rootless one's are not. One that
    /// refuses to tell counts as elsewhere.
    ///
    /// # Errors
    /// When it is silent, or gone.
    pub async fn is_local(&self) -> Result<bool, EngineError> {
        if !self.nearness.shares_kernel {
            return Ok(false);
        }
        let asked = self.nearness.known.get_or_try_init(|| async {
            let what = "asking for the engine's state (`docker info`)";
            let told = self.ask(what, self.docker.info());
            match tokio::time::timeout(FIRST_ANSWER, told).await {
                Ok(Ok(info)) => {
                    let options = info.security_options.unwrap_or_default();
                    Ok(!options.iter().any(|it| it.contains("rootless")))
                }
                Ok(Err(EngineError::Refused { .. })) => Ok(false),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(EngineError::Silent {
                    what: what.to_owned(),
                    at: self.place.to_string(),
                    seconds: FIRST_ANSWER.as_secs(),
                }),
            }
        });
        asked.await.copied()
    }
}
