//! Lines of instances whose runtime forgets them with their end: appended to the project's logs,
//! where `msvc logs` reads them once nothing runs.

use std::fs;

use msvc_system::id::InstanceId;

use super::home::{ProjectHome, records};
use super::log_file::{FULL, LogFile};
use crate::contract::{LogLine, RuntimeError};

/// Appends what an instance wrote to the log of its replica.
///
/// # Errors
/// When the log cannot be written.
pub fn keep_lines(
    home: &ProjectHome,
    instance: &InstanceId,
    lines: &[LogLine],
) -> Result<(), RuntimeError> {
    if lines.is_empty() {
        return Ok(());
    }
    home.create()?;
    let path = home.log_file(instance);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(records(folder))?;
    }
    let mut bytes = Vec::new();
    for line in lines {
        // Values of strings and numbers only: they always serialise.
        if serde_json::to_writer(&mut bytes, line).is_ok() {
            bytes.push(b'\n');
        }
    }
    let mut log = LogFile::open(&path, FULL).map_err(records(&path))?;
    log.append(&bytes).map_err(records(&path))
}
