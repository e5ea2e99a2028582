//! The engine: found as the docker CLI finds it, spoken to in a version that both know.
//!
//! What comes in: the caller's environment. What leaves: an [`Engine`], or which places were
//! looked at and what each said. What must not enter: systems, containers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

mod error;
mod nearness;
mod place;
mod question;

pub use error::EngineError;
pub(crate) use error::NO_SPACE;
use nearness::Nearness;
pub use place::Place;
pub(super) use question::called;
pub use question::{Questions, Unanswered};

/// A version of the Engine API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub usize, pub usize);

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The oldest Engine API that is spoken: Docker 20.10's.
pub(crate) const OLDEST: ApiVersion = ApiVersion(1, 41);

/// How long an engine may take for one answer; a stop has its own time on top.
const ANSWER_SECONDS: u64 = 120;

/// How long a place may take to say whether an engine is there.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// An engine that answers.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) docker: Docker,
    /// Where it was found.
    pub place: Place,
    /// Its version, for people.
    pub version: String,
    /// The API version spoken.
    pub api: String,
    nearness: Nearness,
    /// What it was asked.
    pub questions: Questions,
}

impl Engine {
    /// The engine that the docker CLI would take. Where nobody chose one, further usual sockets
    /// (rootless Docker, Podman) are tried.
    ///
    /// # Errors
    /// When none is there, or it is too old; with all that was looked at.
    pub async fn find(environment: &BTreeMap<String, String>) -> Result<Self, EngineError> {
        let places = place::places(environment)?;
        let mut looked = Vec::new();
        let only = places.len() == 1;
        for place in places {
            match Self::at(place.clone()).await {
                Ok(engine) => return Ok(engine),
                Err(error @ (EngineError::TooOld { .. } | EngineError::Unsupported { .. })) => {
                    return Err(error);
                }
                Err(error) if only => return Err(error),
                Err(EngineError::NoAnswer { at, why }) => looked.push(format!("{at}: {why}")),
                Err(error) => looked.push(error.to_string()),
            }
        }
        Err(EngineError::None { looked })
    }

    /// The engine at a place.
    ///
    /// # Errors
    /// When it does not answer, or is too old.
    pub async fn at(place: Place) -> Result<Self, EngineError> {
        let no_answer = |why: String| EngineError::NoAnswer {
            at: place.to_string(),
            why,
        };
        let client = match &place {
            Place::Socket { path, .. } => {
                let path = path.to_string_lossy();
                Docker::connect_with_unix(&path, ANSWER_SECONDS, API_DEFAULT_VERSION)
            }
            Place::Tcp { address, .. } => {
                Docker::connect_with_http(address, ANSWER_SECONDS, API_DEFAULT_VERSION)
            }
            Place::Tls {
                address, folder, ..
            } => {
                let [authority, certificate, key] = place::TLS_FILES.map(|it| folder.join(it));
                let version = API_DEFAULT_VERSION;
                Docker::connect_with_ssl(
                    address,
                    &key,
                    &certificate,
                    &authority,
                    ANSWER_SECONDS,
                    version,
                )
            }
        };
        let client = client.map_err(|error| no_answer(error::words(&error)))?;
        let docker = heard(client.negotiate_version()).await.map_err(no_answer)?;
        let spoken = docker.client_version();
        let version = heard(docker.version()).await.map_err(no_answer)?;
        let engine = version.version.unwrap_or_default();
        if ApiVersion(spoken.major_version, spoken.minor_version) < OLDEST {
            return Err(EngineError::TooOld {
                at: place.to_string(),
                version: engine,
                api: spoken.to_string(),
            });
        }
        let nearness = match place {
            Place::Socket { .. } => Nearness::of(version.kernel_version.as_deref()),
            _ => Nearness::default(),
        };
        Ok(Self {
            docker,
            place,
            version: engine,
            api: spoken.to_string(),
            nearness,
            questions: Questions::default(),
        })
    }

    /// Whether it still answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn answers(&self) -> Result<(), EngineError> {
        let heard = heard(self.docker.ping()).await;
        heard.map(drop).map_err(|why| EngineError::NoAnswer {
            at: self.place.to_string(),
            why,
        })
    }
}

impl Engine {
    /// The API version that is spoken.
    pub(crate) fn speaks(&self) -> ApiVersion {
        let spoken = self.docker.client_version();
        ApiVersion(spoken.major_version, spoken.minor_version)
    }
}

/// What an engine answers to one of the first questions, else why there is no answer.
async fn heard<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(FIRST_ANSWER, answer).await {
        Ok(answer) => answer.map_err(|error| error::words(&error)),
        Err(_) => Err(format!("no answer within {} s", FIRST_ANSWER.as_secs())),
    }
}
