//! Why a service could not be made. Nothing was written in any of these cases, unless
//! [`ScaffoldError::Undo`] says otherwise.

use std::path::PathBuf;

use msvc_report::exit::Exit;
use msvc_system::problem::Problems;

/// A service could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// There is no such template.
    #[error("there is no template `{name}`")]
    Template {
        /// As asked for.
        name: String,
        /// What to take instead.
        hint: String,
    },
    /// No service can be called so.
    #[error("`{name}` cannot be the name of a service: {why}")]
    Name {
        /// As asked for.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name is in use.
    #[error("`{name}` is taken: {by}")]
    Taken {
        /// As asked for.
        name: String,
        /// By what.
        by: String,
    },
    /// The template asks no such question.
    #[error("the template `{template}` asks for no `{key}`")]
    Question {
        /// The template.
        template: String,
        /// As given with `--set`.
        key: String,
        /// What it asks for.
        hint: String,
    },
    /// An answer does not fit its question.
    #[error("`{value}` does not fit `{key}`: {why}")]
    Answer {
        /// The question.
        key: String,
        /// As answered.
        value: String,
        /// What fits.
        why: String,
    },
    /// The target is there already.
    #[error("{path} exists already")]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The target is there already, and no service of the Compose file is built there.
    #[error("{path} exists already, and no service of a Compose file is built there")]
    Unwired {
        /// The target.
        path: PathBuf,
        /// What is there besides of a service of that name: its pacts.
        beside: Vec<PathBuf>,
    },
    /// A pact is there already.
    #[error("{path} exists already: the pact of a service of that name")]
    Pact {
        /// The pact's file.
        path: PathBuf,
    },
    /// Something stands where a folder is to be.
    #[error("{path} is no folder")]
    NoFolder {
        /// What it is that stands there.
        path: PathBuf,
    },
    /// The target would lie outside the folder that it must not leave.
    #[error("{path} leads to {real}, outside {root}")]
    Outside {
        /// The target.
        path: PathBuf,
        /// Where it leads.
        real: PathBuf,
        /// What it must not leave.
        root: PathBuf,
    },
    /// The system's files, or a file that decides how the service is built, are wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// No change of the Compose file adds the service and nothing else.
    #[error("{path} cannot be changed without changing something else in it: {why}")]
    Wire {
        /// The Compose file.
        path: PathBuf,
        /// What stands in the way.
        why: String,
        /// What to put where by hand.
        by_hand: String,
    },
    /// No port is free.
    #[error("no port from {from} to {to} is free on this machine and in the Compose file")]
    Ports {
        /// First one tried.
        from: u16,
        /// Last one tried.
        to: u16,
    },
    /// A template file cannot be rendered: a mistake in the template.
    #[error("the template file {file} cannot be rendered: {why}")]
    Render {
        /// The file.
        file: String,
        /// What the engine said.
        why: String,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the machine said.
        source: std::io::Error,
    },
    /// A file or folder cannot be written; everything is as it was before.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the machine said.
        source: std::io::Error,
    },
    /// Writing failed, and so did taking it back.
    #[error("cannot write {path}: {source}; and this could not be taken back: {left:?}")]
    Undo {
        /// What could not be written.
        path: PathBuf,
        /// What the machine said.
        source: std::io::Error,
        /// What is left.
        left: Vec<PathBuf>,
    },
}

impl ScaffoldError {
    /// The code that the command ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Template { .. }
            | Self::Name { .. }
            | Self::Taken { .. }
            | Self::Question { .. }
            | Self::Answer { .. }
            | Self::Exists { .. }
            | Self::Unwired { .. }
            | Self::Pact { .. }
            | Self::Outside { .. } => Exit::Usage,
            Self::Problems(_) | Self::Wire { .. } | Self::NoFolder { .. } => Exit::Input,
            Self::Ports { .. }
            | Self::Render { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Undo { .. } => Exit::CouldNot,
        }
    }

    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Template { hint, .. } | Self::Question { hint, .. } => Some(hint.clone()),
            Self::Wire { by_hand, .. } => Some(format!(
                "add this by hand, and the service with --alone:\n{by_hand}"
            )),
            Self::Exists { .. } => {
                Some("take another name, or another folder with --set folder=FOLDER".to_owned())
            }
            Self::Unwired { path, beside } => {
                let all = std::iter::once(path).chain(beside);
                let all: Vec<String> = all.map(|it| it.display().to_string()).collect();
                Some(format!(
                    "what a `msvc new` left that was killed is in nobody's use: remove {} and try \
                     again. Else take another name, or another folder with --set folder=FOLDER",
                    all.join(" and ")
                ))
            }
            Self::Pact { .. } => Some(
                "take another name; pacts are kept there whatever folder a service is in. If it is \
                 left over from a service that is gone, remove it"
                    .to_owned(),
            ),
            Self::NoFolder { .. } => {
                Some("pacts are kept in that folder: name another in `x-msvc.contracts`, or move \
                     away what stands there".to_owned())
            }
            Self::Answer { key, .. } if key == crate::answers::FOLDER => {
                Some("name a folder, there or not, with --set folder=FOLDER".to_owned())
            }
            Self::Outside { .. } => {
                Some("name a folder inside with --set folder=FOLDER".to_owned())
            }
            Self::Ports { .. } => Some("name one with --set port=PORT".to_owned()),
            _ => None,
        }
    }
}
