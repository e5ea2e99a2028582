//! What flags' values are read as; each refusal says what to write instead.

use std::time::Duration;

/// Reads a length of time, such as `300ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|why| format!("{why}; write a number and a unit, for example 300ms, 5s or 2m"))
}

/// Reads `KEY=VALUE`; the value may hold further `=`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write KEY=VALUE".to_owned())
}
