//! What an engine could not do, in words that say where and what to do.

use std::path::PathBuf;

use bollard::errors::Error;
use msvc_report::exit::Exit;

/// An engine is not there or could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is none.
    #[error(
        "no container engine answers (looked at {}): start Docker or Podman, or `--runtime process`",
        looked.join("; ")
    )]
    None {
        /// Each place with what it said.
        looked: Vec<String>,
    },
    /// The one that was chosen does not answer.
    #[error("the container engine at {at} does not answer: {why}")]
    NoAnswer {
        /// Where.
        at: String,
        /// What was seen.
        why: String,
    },
    /// It speaks no version that msvc knows.
    #[error(
        "the container engine at {at} is too old: version {version} speaks API {api}, needed is 1.41 (Docker 20.10 or later)"
    )]
    TooOld {
        /// Where.
        at: String,
        /// Its version.
        version: String,
        /// Its API version.
        api: String,
    },
    /// A way to it that msvc does not speak.
    #[error("{by} names the engine {host}: {why}")]
    Unsupported {
        /// What was named.
        host: String,
        /// By whom.
        by: String,
        /// Why not.
        why: String,
    },
    /// The docker CLI's settings cannot be read.
    #[error("{path}: {why}", path = path.display())]
    Settings {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It answered no.
    #[error("{what}: the engine says: {why}")]
    Refused {
        /// What was asked.
        what: String,
        /// Its HTTP status.
        status: u16,
        /// Its words.
        why: String,
    },
    /// It is there and says nothing.
    #[error("{what}: the container engine at {at} did not answer within {seconds} s")]
    Silent {
        /// What was asked.
        what: String,
        /// Where it is.
        at: String,
        /// For how long nothing was heard.
        seconds: u64,
    },
    /// A mesh that runs does not answer.
    #[error("{mesh} does not answer: {why}")]
    Mesh {
        /// Which, for people.
        mesh: String,
        /// The name of its container.
        container: String,
        /// What was seen last.
        why: String,
    },
    /// It went away while something was asked of it.
    #[error("{what}: the engine is gone: {why}")]
    Lost {
        /// What was asked.
        what: String,
        /// What was seen.
        why: String,
    },
    /// An image cannot be had.
    #[error("image {image} of {service} cannot be had: {why}")]
    Image {
        /// Which.
        image: String,
        /// Whose.
        service: String,
        /// The registry's or the engine's words.
        why: String,
    },
    /// A build that a Dockerfile describes failed.
    #[error("the build of {service} failed")]
    Build {
        /// Whose.
        service: String,
        /// The last lines of it.
        message: String,
    },
    /// A file that an image is made of.
    #[error("{path}: {why}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why it cannot go into an image.
        why: String,
    },
}

/// What the kernel says when a disk is full, in the engine's words too.
pub(crate) const NO_SPACE: &str = "no space left on device";

/// What the kernel says of an address that nobody here has.
const NO_ADDRESS: &str = "cannot assign requested address";

impl EngineError {
    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Build { .. } => Exit::Failed,
            Self::File { .. } | Self::Settings { .. } => Exit::Input,
            Self::None { .. }
            | Self::NoAnswer { .. }
            | Self::TooOld { .. }
            | Self::Unsupported { .. }
            | Self::Refused { .. }
            | Self::Silent { .. }
            | Self::Mesh { .. }
            | Self::Lost { .. }
            | Self::Image { .. } => Exit::CouldNot,
        }
    }

    /// What to do, where that is no part of the message.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused { why, .. } | Self::Image { why, .. } if why.contains(NO_SPACE) => {
                "the engine's disk is full: `docker system df` tells what takes it, `docker system \
                 prune` frees what nobody uses"
            }
            Self::NoAnswer { why, .. } if why.contains("permission denied") => {
                "its socket is not yours to use: join the socket's group (mostly `docker`), or run \
                 rootless Docker, or `--runtime process`"
            }
            Self::NoAnswer { .. } => "start it, or `--runtime process`",
            Self::TooOld { .. } => "update it, or `--runtime process`",
            Self::Unsupported { .. } => "name an engine that can be had so, or `--runtime process`",
            Self::Settings { .. } => {
                "correct it, or name the engine by DOCKER_HOST, or `--runtime process`"
            }
            Self::Refused { why, .. } if why.contains(NO_ADDRESS) => {
                "the engine's machine does not have the address that a port is published at: write \
                 one that it has, or none for all of them"
            }
            Self::Refused { status: 404, .. } => {
                "somebody took away what was there a moment ago: try again"
            }
            Self::Refused {
                status: 409, why, ..
            } if why.contains("non running container") => {
                "start the container whose network, processes or memory it shares, then try again"
            }
            Self::Refused {
                status: 409, why, ..
            } if why.contains("is already in use by container") => {
                "another container has that name: give the service another `container_name`, or take \
                 that one away once nobody needs it (`docker rm`)"
            }
            Self::Refused { status: 409, .. } => {
                "somebody else is at work on the same: try again once they are done"
            }
            Self::Refused {
                status: 400 | 405 | 501,
                ..
            } => "this engine cannot do that: a newer one may (`msvc doctor` tells which it is)",
            Self::Refused {
                status: 401 | 403, ..
            } => "the engine may not do that for you: whoever looks after it can tell why",
            Self::Refused { .. } => {
                "that is the engine's own trouble, of which its log tells more (`journalctl --unit \
                 docker`): once it is over, or the engine was started again, the same command goes \
                 on from what is there"
            }
            Self::Silent { .. } => {
                "it has locked itself up, or has too much to do: its log may tell (`journalctl --unit \
                 docker`); once it answers, or was started again (`systemctl restart docker`), the \
                 same command goes on from what is there"
            }
            Self::Lost { .. } => {
                "once it answers again, the same command goes on from what is there"
            }
            Self::Mesh { container, why, .. } if why.contains("paused") => {
                return Some(format!("`docker unpause {container}` lets it go on"));
            }
            Self::Mesh { container, .. } => {
                return Some(format!(
                    "`docker logs {container}` tells what it wrote; `msvc down`, then `msvc up` make \
                     another"
                ));
            }
            Self::Image { image, .. } => {
                return Some(format!(
                    "`docker pull {image}` asks for the same: correct its name, log in, or let the \
                     engine reach its registry"
                ));
            }
            Self::Build { .. } => "correct its Dockerfile, or what that makes it of",
            // Both say it themselves.
            Self::None { .. } | Self::File { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the thing that was asked for is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether it is so already.
    #[must_use]
    pub fn is_so_already(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 304 | 409,
                ..
            }
        )
    }
}

/// An engine's error while `what` was asked.
pub(super) fn asked(what: impl Into<String>) -> impl FnOnce(Error) -> EngineError {
    let what = what.into();
    move |error| match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => EngineError::Refused {
            what,
            status: status_code,
            why: message.trim().to_owned(),
        },
        Error::DockerStreamError { error } => EngineError::Refused {
            what,
            status: 500,
            why: error,
        },
        other => lost(what, words(&other)),
    }
}

/// The engine went away.
fn lost(what: impl Into<String>, why: impl Into<String>) -> EngineError {
    EngineError::Lost {
        what: what.into(),
        why: why.into(),
    }
}

/// An error with the reasons behind it, for people. Where a system call failed, its words say all.
pub(super) fn words(error: &Error) -> String {
    if matches!(error, Error::SocketNotFoundError(_)) {
        return "no such file or directory".to_owned();
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        let reason_words = reason.to_string();
        if reason.is::<std::io::Error>()
            && let Some((plain, _)) = reason_words.split_once(" (os error")
        {
            return plain.to_lowercase();
        }
        if !words.contains(&reason_words) {
            words.push_str(&format!(": {reason_words}"));
        }
        source = reason.source();
    }
    words
}
