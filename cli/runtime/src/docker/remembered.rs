//! That a project runs in an engine, and in which: remembered beside the Compose file, so that a
//! system stays with its runtime also while its engine is away. What runs of it is for the labels
//! to tell, as ever.

use msvc_machine::atomic_write::atomic_write;
use serde::{Deserialize, Serialize};

use super::endings;
use super::engine::{Engine, EngineError, Place};
use crate::contract::RuntimeError;
use crate::process::ProjectHome;

/// The form of the record.
const SCHEMA: &str = "msvc.runtime/1";

/// `runtime.json`: written before the first deed, gone after the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    schema: String,
    runtime: String,
    /// Where the engine was.
    pub place: Place,
}

impl Remembered {
    /// Which engine a project was last brought up in; `None` when it was none, or the project was
    /// brought down there.
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    pub fn read(home: &ProjectHome) -> Result<Option<Self>, RuntimeError> {
        let path = home.runtime();
        match std::fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).map(Some).map_err(|why| {
                RuntimeError::Records {
                    path,
                    source: std::io::Error::new(std::io::ErrorKind::InvalidData, why),
                }
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RuntimeError::Records { path, source }),
        }
    }

    /// Remembers that a project runs in an engine.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn write(home: &ProjectHome, engine: &Engine) -> Result<(), RuntimeError> {
        home.create()?;
        let remembered = Self {
            schema: SCHEMA.to_owned(),
            runtime: super::RUNTIME.to_owned(),
            place: engine.place.clone(),
        };
        let path = home.runtime();
        let text = serde_json::to_vec(&remembered).unwrap_or_default();
        atomic_write(&path, &text).map_err(|source| RuntimeError::Records { path, source })
    }

    /// Forgets it: nothing of the project is in an engine any more.
    ///
    /// # Errors
    /// When the record cannot be removed.
    pub fn forget(home: &ProjectHome) -> Result<(), RuntimeError> {
        let path = home.runtime();
        // Of containers that are gone; the next ones have other names.
        let _ = std::fs::remove_file(home.folder().join(endings::RECORD));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|source| RuntimeError::Records { path, source }),
        }
    }

    /// The engine, where it was.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn engine(&self) -> Result<Engine, EngineError> {
        Engine::at(self.place.clone()).await
    }
}
