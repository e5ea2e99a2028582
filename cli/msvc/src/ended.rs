//! How a system that does not run came to its end, for people.

use chrono::{DateTime, Local};
use msvc_machine::clock::Clock;
use msvc_runtime::process::{ProjectHome, seen_end};

use crate::failure::Failure;

/// `its supervisor ended 2026-11-21 14:03:07 by signal SIGKILL`; `None` when it was brought down
/// in order or never ran.
///
/// # Errors
/// When the records cannot be read.
pub async fn sentence(home: &ProjectHome, clock: &dyn Clock) -> Result<Option<String>, Failure> {
    let Some(end) = seen_end(home, clock).await? else {
        return Ok(None);
    };
    if end.expected {
        return Ok(None);
    }
    let at = end
        .at_ms
        .and_then(|ms| i64::try_from(ms).ok())
        .and_then(DateTime::from_timestamp_millis)
        .map(|at| {
            at.with_timezone(&Local)
                .format(" %Y-%m-%d %H:%M:%S")
                .to_string()
        });
    Ok(Some(format!(
        "its supervisor ended{}: {}",
        at.unwrap_or_default(),
        end.how
    )))
}
