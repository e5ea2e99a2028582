//! The settings. They come from the environment and nowhere else, and all that is wrong with them
//! is told at once, before anything starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What the service is configured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `LISTEN`: where to serve, an address and a port.
    pub listen: SocketAddr,
    /// `DATA_DIR`: the folder of the database.
    pub data_dir: PathBuf,
    /// `REQUEST_TIMEOUT`: how long a request may take; 5 s by default.
    pub request_timeout: Duration,
    /// `SHUTDOWN_GRACE`: how long work in hand may take once the service was asked to stop; 5 s by
    /// default, half of what Compose waits before it kills.
    pub shutdown_grace: Duration,
    /// `LOG`: which lines are logged, like `info` or `info,rusqlite=debug`; `info` by default.
    pub log: String,
    /// `PROVIDER_STATES`: whether contract tests may set the data; `off` by default, and never
    /// `on` where real data is kept.
    pub provider_states: bool,
}

/// Everything that is wrong with the settings, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the environment does not configure this service:\n{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the settings from name and value pairs: the process's own, or a test's.
    ///
    /// # Errors
    /// With every setting that is missing or malformed.
    pub fn read(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings {
            variables: variables.into_iter().collect(),
            problems: Vec::new(),
        };
        let listen = settings.required("LISTEN", "0.0.0.0:8080", |text| text.parse().ok());
        let data_dir = settings.required("DATA_DIR", "/data", |text| Some(PathBuf::from(text)));
        let seconds = Duration::from_secs;
        let request_timeout = settings.optional("REQUEST_TIMEOUT", "500ms or 5s", seconds(5), time);
        let shutdown_grace = settings.optional("SHUTDOWN_GRACE", "500ms or 5s", seconds(5), time);
        let log = settings.optional("LOG", "info", "info".to_owned(), log_filter);
        let provider_states = settings.optional("PROVIDER_STATES", "on or off", false, switch);
        match (listen, data_dir, settings.problems) {
            (Some(listen), Some(data_dir), problems) if problems.is_empty() => Ok(Self {
                listen,
                data_dir,
                request_timeout,
                shutdown_grace,
                log,
                provider_states,
            }),
            (_, _, problems) => Err(ConfigError(problems)),
        }
    }
}

/// Reads settings by name and remembers what was wrong with them.
struct Settings {
    variables: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Settings {
    fn required<T>(
        &mut self,
        name: &str,
        example: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        match self.variables.get(name).map(String::as_str) {
            None | Some("") => {
                self.problems
                    .push(format!("  {name} is not set: give {example}"));
                None
            }
            Some(text) => {
                let value = read(text);
                if value.is_none() {
                    self.problems
                        .push(format!("  {name} is {text:?}: give {example}"));
                }
                value
            }
        }
    }

    /// The same for a setting that has a default.
    fn optional<T>(
        &mut self,
        name: &str,
        example: &str,
        default: T,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        if self.variables.contains_key(name) {
            self.required(name, example, read).unwrap_or(default)
        } else {
            default
        }
    }
}

/// A duration above zero in milliseconds, seconds or minutes.
fn time(text: &str) -> Option<Duration> {
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => match text.strip_suffix('s') {
            Some(number) => (number, 1_000),
            None => (text.strip_suffix('m')?, 60_000),
        },
    };
    let milliseconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn log_filter(text: &str) -> Option<String> {
    let readable = tracing_subscriber::EnvFilter::try_new(text).is_ok();
    readable.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config::read(pairs.iter().map(owned))
    }

    #[test]
    fn what_is_not_set_has_a_default_where_there_is_a_sensible_one() {
        let config = read(&[("LISTEN", "127.0.0.1:80"), ("DATA_DIR", "/tmp/x")]).unwrap();
        assert_eq!(config.listen.port(), 80);
        assert_eq!(config.request_timeout, Duration::from_secs(5));
        assert!(!config.provider_states);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let bad = [
            ("LISTEN", "8080"),
            ("DATA_DIR", ""),
            ("REQUEST_TIMEOUT", "two weeks"),
            ("SHUTDOWN_GRACE", "0s"),
            ("LOG", "info,=x=y"),
            ("PROVIDER_STATES", "yes"),
        ];
        let message = read(&bad).unwrap_err().to_string();
        for (name, _) in bad {
            assert!(message.contains(name), "{name} is not in: {message}");
        }
    }

    #[test]
    fn durations_are_in_milliseconds_seconds_or_minutes() {
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("2s"), Some(Duration::from_secs(2)));
        assert_eq!(time("1m"), Some(Duration::from_secs(60)));
        assert_eq!(time("1"), None);
        assert_eq!(time("-1s"), None);
    }
}
