//! What flags' values are read as; each refusal says what to write instead.

use std::time::Duration;

use msvc_system::id::ProjectName;

/// Reads a length of time, such as `300ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|why| format!("{why}; write a number and a unit, for example 300ms, 5s or 2m"))
}

/// A fault is a matter of a test: the mesh takes a day at most.
const LONGEST_DELAY: Duration = Duration::from_hours(24);

/// Reads how much later or earlier an answer may come.
pub(super) fn jitter(text: &str) -> Result<Duration, String> {
    let found = duration(text)?;
    if found > LONGEST_DELAY {
        return Err("a delay is a day at most".to_owned());
    }
    Ok(found)
}

/// Reads how late an answer is to come.
pub(super) fn delay(text: &str) -> Result<Duration, String> {
    let found = jitter(text)?;
    if found < Duration::from_millis(1) {
        return Err("it delays nothing; write 1ms or more".to_owned());
    }
    Ok(found)
}

/// Reads how long a service is to stay down.
pub(super) fn down_time(text: &str) -> Result<Duration, String> {
    let found = duration(text)?;
    if found > LONGEST_DELAY {
        return Err("a service is kept down for a day at most".to_owned());
    }
    Ok(found)
}

/// Reads a project's name; none, as for Docker Compose, is as good as not given.
pub(super) fn project_name(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Ok(String::new()),
        false => ProjectName::new(text)
            .map(|name| name.to_string())
            .map_err(|why| why.to_string()),
    }
}

/// Reads `KEY=VALUE`; the value may hold further `=`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write KEY=VALUE".to_owned())
}

/// Reads the base URL of a system.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = authority.map(|it| it.rsplit('@').next().unwrap_or(it));
    let is_host = |host: &str| {
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']'));
        let named = port.map_or(host, |(name, _)| name);
        let port_fits = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|n| n > 0));
        !named.is_empty() && !named.contains(char::is_whitespace) && port_fits
    };
    match host.filter(|host| is_host(host)) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a base URL, for example http://localhost:8080".to_owned()),
    }
}
