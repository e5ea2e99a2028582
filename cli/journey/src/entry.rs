//! What a journey is handed: where to call, whom to trust, what to play with, which run this is,
//! and the clock. A journey knows nothing else of the system that it plays on.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::Clock;
use serde_json::{Map, Value};

use crate::masked::Masked;
use crate::trust::Trusted;

mod bases;

pub use bases::{Bases, NoBase};

/// From connecting to the last byte of one answer, unless the entry says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The way into a system, for one play.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the system can be called.
    pub bases: Bases,
    /// Who vouches for what answers over HTTPS.
    pub trust: Vec<Trusted>,
    /// Inputs by name; each workflow takes those that it declares, a command all.
    pub inputs: Map<String, Value>,
    /// The secrets among them.
    pub masked: Masked,
    /// The id of this play: short, lower-case letters and digits, unlike that of any other play
    /// on the same data. It becomes the input `run` and the first part of the baggage.
    pub run: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// From connecting to the last byte of one answer.
    pub request_timeout: Duration,
    /// What a play may take.
    pub limits: Limits,
    /// Where and with what environment a command journey runs.
    pub command: CommandPlace,
}

/// What a play may take before it counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts at steps, all together: ends a `goto` that goes round in a circle.
    pub attempts: u32,
    /// From its beginning to its end.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 10_000,
            time: Duration::from_secs(300),
        }
    }
}

/// Where a command journey runs.
#[derive(Debug, Clone, Default)]
pub struct CommandPlace {
    /// Its working directory.
    pub directory: PathBuf,
    /// Its whole environment, but for what [`crate::command`] adds.
    pub environment: Vec<(OsString, OsString)>,
}
