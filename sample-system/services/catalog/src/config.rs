//! What catalog is configured with.

use std::path::PathBuf;
use std::time::Duration;

use shop::config::Settings;

/// Catalog's settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// `LISTEN`: where it serves.
    pub(crate) listen: String,
    /// `DATA_DIR`: where its database is.
    pub(crate) data_dir: PathBuf,
    /// `SHUTDOWN_GRACE`: how long work in hand may take after it was asked to stop.
    pub(crate) grace: Duration,
}

impl Config {
    /// Reads the settings; `None` when one is missing or malformed.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.address("LISTEN");
        let data_dir = settings.folder_or("DATA_DIR", "/data");
        let grace = settings.duration_or("SHUTDOWN_GRACE", Duration::from_secs(5));
        Some(Self {
            listen: listen?,
            data_dir: data_dir?,
            grace: grace?,
        })
    }
}
