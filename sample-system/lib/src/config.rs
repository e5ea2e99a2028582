//! Settings come from the environment and nowhere else. A service names each setting once; what
//! is missing or malformed is collected, and all of it is shown together before the service ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Every setting that was missing or malformed, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the environment does not configure this service:\n{}", .problems.join("\n"))]
pub struct ConfigError {
    problems: Vec<String>,
}

/// Reads settings by name and remembers what was wrong with them.
///
/// Each reader answers `None` after noting a problem, so that a configuration is built with `?`
/// after all readers ran, and [`Settings::finish`] tells everything at once.
#[derive(Debug)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Settings {
    /// Settings from name and value pairs: the process's own in `main`, a test's in a test.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// With every problem that any reader noted.
    pub fn finish<C>(self, configuration: Option<C>) -> Result<C, ConfigError> {
        match configuration {
            Some(configuration) if self.problems.is_empty() => Ok(configuration),
            _ => Err(ConfigError {
                problems: self.problems,
            }),
        }
    }

    /// Any text that is not empty.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self
            .variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned();
        if value.is_none() {
            self.note(name, "is not set");
        }
        value
    }

    /// A text, or `default` where the name is not set.
    pub fn text_or(&mut self, name: &str, default: &str) -> Option<String> {
        if self.is_set(name) {
            self.text(name)
        } else {
            Some(default.to_owned())
        }
    }

    /// A text that may be missing or empty.
    pub fn text_or_empty(&mut self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_default()
    }

    /// `host:port`, where the host may be a name.
    pub fn address(&mut self, name: &str) -> Option<String> {
        let value = self.text(name)?;
        let port = value.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return self.refuse(name, &value, "host:port, like 0.0.0.0:8080");
        }
        Some(value)
    }

    /// The root of a peer, `http://host:port`, without a slash at its end.
    pub fn url(&mut self, name: &str) -> Option<String> {
        let value = self.text(name)?;
        let good = value.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !good {
            return self.refuse(name, &value, "a URL, like http://catalog:8080");
        }
        Some(value.trim_end_matches('/').to_owned())
    }

    /// A folder. It has no default: a command that is run by hand, without the service's settings,
    /// would make one in its place and work on nothing.
    pub fn folder(&mut self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// A duration like `2s` or `500ms`, `default` where the name is not set. Zero is refused.
    pub fn duration_or(&mut self, name: &str, default: Duration) -> Option<Duration> {
        if !self.is_set(name) {
            return Some(default);
        }
        let value = self.text(name)?;
        let (digits, unit) = value.split_at(
            value
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(value.len()),
        );
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => return self.refuse(name, &value, "a duration, like 500ms, 2s or 1m"),
        };
        match digits
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor))
        {
            Some(0) | None => self.refuse(name, &value, "a duration above zero, like 500ms or 2s"),
            Some(milliseconds) => Some(Duration::from_millis(milliseconds)),
        }
    }

    /// A whole number within `range`, `default` where the name is not set.
    pub fn number_or(
        &mut self,
        name: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        if !self.is_set(name) {
            return Some(default);
        }
        let value = self.text(name)?;
        match value.parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let wanted = format!("a number from {} to {}", range.start(), range.end());
                self.refuse(name, &value, &wanted)
            }
        }
    }

    /// `on` or `off`; off where the name is not set.
    pub fn switch(&mut self, name: &str) -> Option<bool> {
        match self.text_or(name, "off")?.as_str() {
            "on" => Some(true),
            "off" => Some(false),
            other => {
                let other = other.to_owned();
                self.refuse(name, &other, "on or off")
            }
        }
    }

    fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Notes that `value` of the setting `name` is not what is `wanted`; always `None`.
    pub fn refuse<T>(&mut self, name: &str, value: &str, wanted: &str) -> Option<T> {
        self.note(name, &format!("is {value:?}: give {wanted}"));
        None
    }

    /// Notes what is to be told in the log, as a warning, once the service has one.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// What is to be told in the log.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn note(&mut self, name: &str, problem: &str) {
        let problem = format!("  {name} {problem}");
        // Two may read one setting.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// What every service is configured with.
#[derive(Debug, Clone)]
pub struct Basics {
    /// `LISTEN`: where it serves, `host:port`.
    pub listen: String,
    /// `DATA_DIR`: the folder for what it keeps.
    pub data_dir: PathBuf,
    /// `SHUTDOWN_GRACE`: how long work in hand may take after it was asked to stop; 5 s by default,
    /// half of what Compose waits before it kills.
    pub grace: Duration,
}

impl Basics {
    /// Reads the three.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.address("LISTEN");
        let data_dir = settings.folder("DATA_DIR");
        let grace = settings.duration_or("SHUTDOWN_GRACE", Duration::from_secs(5));
        Some(Self {
            listen: listen?,
            data_dir: data_dir?,
            grace: grace?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let mut settings = settings(&[
            ("LISTEN", "8080"),
            ("PEER_URL", "catalog:80"),
            ("WAIT", "2 weeks"),
        ]);
        let listen = settings.address("LISTEN");
        let peer = settings.url("PEER_URL");
        let wait = settings.duration_or("WAIT", Duration::from_secs(1));
        let topic = settings.text("TOPIC");
        let built = (|| Some((listen?, peer?, wait?, topic?)))();
        let message = settings.finish(built).unwrap_err().to_string();
        for name in ["LISTEN", "PEER_URL", "WAIT", "TOPIC"] {
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn an_empty_value_counts_as_missing() {
        assert_eq!(settings(&[("TOPIC", "")]).text("TOPIC"), None);
    }

    #[test]
    fn durations_take_milliseconds_seconds_and_minutes_and_refuse_zero() {
        let mut settings = settings(&[("A", "500ms"), ("B", "2s"), ("C", "1m"), ("D", "0s")]);
        let default = Duration::from_secs(9);
        assert_eq!(
            settings.duration_or("A", default),
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            settings.duration_or("B", default),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            settings.duration_or("C", default),
            Some(Duration::from_secs(60))
        );
        assert_eq!(settings.duration_or("D", default), None);
        assert_eq!(settings.duration_or("E", default), Some(default));
    }

    #[test]
    fn a_number_outside_its_range_is_refused() {
        let mut settings = settings(&[("A", "5"), ("B", "6"), ("C", "-1"), ("D", "x")]);
        assert_eq!(settings.number_or("A", 1, 0..=5), Some(5));
        for bad in ["B", "C", "D"] {
            assert_eq!(settings.number_or(bad, 1, 0..=5), None, "{bad}");
        }
        assert_eq!(settings.number_or("E", 1, 0..=5), Some(1));
    }

    #[test]
    fn a_url_loses_the_slash_at_its_end() {
        let mut settings = settings(&[("U", "http://catalog:8080/")]);
        assert_eq!(settings.url("U").as_deref(), Some("http://catalog:8080"));
    }
}
