//! The broker's settings, read from the environment once; every problem is told at once.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use crate::{error::Error, largest, logs::DEFAULT_FILTER, topic::Topic};

/// What the broker is told from outside.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// `LISTEN`: the address it listens on (default `0.0.0.0:9092`).
    pub(crate) listen: SocketAddr,
    /// `LISTEN_HTTP`: the address where it tells of itself by HTTP (default `0.0.0.0:8080`).
    pub(crate) listen_http: SocketAddr,
    /// `ADVERTISED`: the `host:port` that it tells its clients to come back to.
    pub(crate) advertised: Url,
    /// `DATA_DIR`: the folder of its SQLite file (default `/data`).
    pub(crate) data_dir: PathBuf,
    /// `TOPICS`: the topics made at start, `name:partitions` with commas between.
    pub(crate) topics: Vec<Topic>,
    /// `MESSAGE_MAX_BYTES`: how many bytes a batch of records may have, and so a record (default
    /// [`largest::DEFAULT`]).
    pub(crate) message_max_bytes: usize,
    /// `SHUTDOWN_GRACE`: how long requests in hand may take after a stop (default `5s`).
    pub(crate) shutdown_grace: Duration,
    /// `LOG`: the log filter (default [`DEFAULT_FILTER`]).
    pub(crate) log: String,
}

impl Config {
    /// Reads the settings through `variable`, which answers a variable's value by its name.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let value = |key: &str, default: &str| {
            variable(key)
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| default.to_owned())
        };
        let mut address = |key: &str, default: &str| {
            let text = value(key, default);
            text.parse::<SocketAddr>().unwrap_or_else(|_| {
                problems.push(format!("{key} `{text}` is no address such as {default}"));
                SocketAddr::from(([0, 0, 0, 0], 0))
            })
        };
        let listen = address("LISTEN", "0.0.0.0:9092");
        let listen_http = address("LISTEN_HTTP", "0.0.0.0:8080");
        let text = value("ADVERTISED", "");
        let advertised = advertised(&text);
        if advertised.is_none() {
            problems.push(format!(
                "ADVERTISED `{text}` is no host and port such as broker:9092: clients are sent there"
            ));
        }
        let topics = Topic::list(&value("TOPICS", "")).unwrap_or_else(|wrong| {
            problems.extend(wrong.into_iter().map(|wrong| format!("TOPICS: {wrong}")));
            Vec::new()
        });
        let text = value("MESSAGE_MAX_BYTES", &largest::DEFAULT.to_string());
        let most = text.parse::<usize>().ok();
        let most = most.filter(|most| (largest::LOWEST..=largest::HIGHEST).contains(most));
        let message_max_bytes = most.unwrap_or_else(|| {
            problems.push(format!(
                "MESSAGE_MAX_BYTES `{text}` is no number from {} to {}",
                largest::LOWEST,
                largest::HIGHEST
            ));
            largest::DEFAULT
        });
        let text = value("SHUTDOWN_GRACE", "5s");
        let shutdown_grace = humantime::parse_duration(&text).unwrap_or_else(|_| {
            problems.push(format!(
                "SHUTDOWN_GRACE `{text}` is no duration such as 5s or 500ms"
            ));
            Duration::ZERO
        });
        match advertised {
            Some(advertised) if problems.is_empty() => Ok(Self {
                listen,
                listen_http,
                advertised,
                data_dir: PathBuf::from(value("DATA_DIR", "/data")),
                topics,
                message_max_bytes,
                shutdown_grace,
                log: value("LOG", DEFAULT_FILTER),
            }),
            _ => Err(Error::Settings(problems)),
        }
    }
}

/// `host:port` as the URL that the storage engine takes its answer from.
fn advertised(text: &str) -> Option<Url> {
    let url = Url::parse(&format!("tcp://{text}")).ok()?;
    let complete = url.host_str().is_some_and(|host| !host.is_empty())
        && url.port().is_some_and(|port| port != 0)
        && url.username().is_empty()
        && url.path().is_empty()
        && url.query().is_none();
    complete.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        Config::read(|key| {
            pairs
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn clients_are_told_the_advertised_host_and_port() {
        let config = read(&[("ADVERTISED", "127.3.4.5:9092")]).unwrap();
        assert_eq!(config.advertised.host_str(), Some("127.3.4.5"));
        assert_eq!(config.advertised.port(), Some(9092));
    }

    #[test]
    fn every_wrong_setting_is_told_at_once() {
        let told = read(&[
            ("LISTEN", "everywhere"),
            ("LISTEN_HTTP", "8080"),
            ("ADVERTISED", "broker"),
            ("TOPICS", "a:b"),
            ("SHUTDOWN_GRACE", "soon"),
            ("MESSAGE_MAX_BYTES", "5000000"),
        ])
        .unwrap_err();
        for key in [
            "LISTEN `",
            "LISTEN_HTTP",
            "ADVERTISED",
            "TOPICS",
            "SHUTDOWN_GRACE",
            "MESSAGE_MAX_BYTES",
        ] {
            assert!(told.contains(key), "{key} is not told in: {told}");
        }
    }

    #[test]
    fn an_advertised_address_with_more_than_host_and_port_is_refused() {
        for text in [
            "",
            "broker:0",
            "u@broker:1",
            "broker:1/x",
            "broker:1?x",
            ":9092",
        ] {
            assert!(read(&[("ADVERTISED", text)]).is_err(), "`{text}` was taken");
        }
    }
}
