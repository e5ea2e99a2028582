//! `search rebuild`: drops the model, so that all of it is read anew from the topics. The running
//! service notices within a second; one that does not run begins at its next start. Until it has
//! read all, it finds less.

use std::path::PathBuf;

use serde_json::json;
use shop::clock::Clock;
use shop::config::Settings;
use shop::database::{Database, DatabaseError};
use shop::entry::{Command, Say};

use crate::model::{self, Model};

/// Why the model was not dropped.
#[derive(Debug, thiserror::Error)]
enum RebuildError {
    #[error("rebuild {0:?}: it takes no arguments")]
    Usage(String),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The command `rebuild`.
pub(crate) fn command() -> Command {
    let folder = |settings: &mut Settings| settings.folder("DATA_DIR");
    Command::new(
        "rebuild",
        "(drops what is known and reads it anew)",
        folder,
        run,
    )
}

async fn run(folder: PathBuf, arguments: Vec<String>, mut say: Say) -> Result<(), RebuildError> {
    if !arguments.is_empty() {
        return Err(RebuildError::Usage(arguments.join(" ")));
    }
    Database::must_exist(&folder.join(model::FILE))?;
    let model = Model::open(&folder, Clock::system()).await?;
    let group = model.start_over().await?;
    say(&json!({ "rebuilding": group }).to_string());
    Ok(())
}
