//! The command line, and what of it comes from the environment of a command journey.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// The operator's password, as a journey's input.
const PASSWORD: &str = "MSVC_INPUT_OPERATOR_PASSWORD";
/// The gateway, as a journey's entry.
const GATEWAY: &str = "MSVC_ENTRY_GATEWAY";
/// The broker, as a journey's entry.
const BROKER: &str = "MSVC_ENTRY_BROKER";

/// Compares what the shop's owners say of the same orders: payments with orders, stock with
/// events, shipments and mails with orders, a client's log with orders.
///
/// Exit codes: 0 everything holds, 1 something does not, 2 wrong usage, 5 there is no order or a
/// source cannot be read.
#[derive(Debug, Parser)]
#[command(name = "auditor", version)]
pub(crate) struct Arguments {
    /// The gateway, like http://localhost:8080; by default what MSVC_ENTRY_GATEWAY says.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The broker, host:port; by default what MSVC_ENTRY_BROKER says.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// A file with the operator's password; by default it is what MSVC_INPUT_OPERATOR_PASSWORD
    /// holds.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// What a client sent, one JSON object a line: {"account_id", "key", "order_id"?}.
    #[arg(long, value_name = "FILE")]
    sent: Option<PathBuf>,
    /// How long an order may take to end, and how long is waited for the shop to come to rest.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = duration)]
    within: Duration,
    /// How long nothing may change any more before what does not hold is believed: longer than a
    /// consumer that was killed takes to come back.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    settle: Duration,
    /// How long is waited for a first order where there is none.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    first_order: Duration,
    /// How it is told.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

/// What is asked for.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) gateway: String,
    pub(crate) kafka: String,
    pub(crate) password: String,
    pub(crate) sent: Option<PathBuf>,
    pub(crate) within: Duration,
    pub(crate) settle: Duration,
    pub(crate) first_order: Duration,
    pub(crate) format: Format,
}

/// Why it is not known what is asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// A source was not named.
    #[error("say where {what} is: {how}")]
    Missing {
        what: &'static str,
        how: &'static str,
    },
    /// What is named is no place where a source could be.
    #[error("{given:?} is no place where {what} can be: give {wanted}")]
    NoPlace {
        given: String,
        what: &'static str,
        wanted: &'static str,
    },
    /// The password's file is empty.
    #[error("{path} is empty: it should hold the operator's password")]
    NoPassword { path: String },
    /// The password's file cannot be read.
    #[error("cannot read the operator's password in {path}: {source}")]
    Password {
        path: String,
        source: std::io::Error,
    },
}

impl Arguments {
    /// The request that they make in `environment`.
    pub(crate) fn request(
        self,
        environment: &BTreeMap<String, String>,
    ) -> Result<Request, UsageError> {
        let set = |name: &str| environment.get(name).filter(|it| !it.is_empty()).cloned();
        let missing = |what, how| UsageError::Missing { what, how };
        let gateway = self.gateway.or_else(|| set(GATEWAY)).ok_or_else(|| {
            missing(
                "the gateway",
                "--gateway http://localhost:8080, or MSVC_ENTRY_GATEWAY",
            )
        })?;
        let kafka = self
            .kafka
            .or_else(|| set(BROKER))
            .ok_or_else(|| missing("the broker", "--kafka localhost:9092, or MSVC_ENTRY_BROKER"))?;
        let (gateway, kafka) = (url(&gateway)?, address(&kafka)?);
        let password = match self.password_file {
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) if text.trim().is_empty() => {
                    let path = path.display().to_string();
                    return Err(UsageError::NoPassword { path });
                }
                Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
                Err(source) => {
                    let path = path.display().to_string();
                    return Err(UsageError::Password { path, source });
                }
            },
            None => set(PASSWORD).ok_or_else(|| {
                missing(
                    "the operator's password",
                    "--password-file secrets/operator-password, or MSVC_INPUT_OPERATOR_PASSWORD",
                )
            })?,
        };
        Ok(Request {
            gateway,
            kafka,
            password,
            sent: self.sent,
            within: self.within,
            settle: self.settle,
            first_order: self.first_order,
            format: self.format,
        })
    }
}

/// The URL of a gateway, without a slash at its end.
fn url(given: &str) -> Result<String, UsageError> {
    let known = reqwest::Url::parse(given)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !known {
        return Err(UsageError::NoPlace {
            given: given.to_owned(),
            what: "the gateway",
            wanted: "a URL like http://localhost:8080",
        });
    }
    Ok(given.trim_end_matches('/').to_owned())
}

/// `host:port` of what may be a URL.
fn address(given: &str) -> Result<String, UsageError> {
    let rest = given.split_once("://").map_or(given, |(_, rest)| rest);
    let authority = rest
        .split_once('/')
        .map_or(rest, |(authority, _)| authority);
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    if port.is_none_or(|port| port.parse::<u16>().is_err()) {
        return Err(UsageError::NoPlace {
            given: given.to_owned(),
            what: "the broker",
            wanted: "an address like localhost:9092",
        });
    }
    Ok(authority.to_owned())
}

/// The longest time that may be asked for: nobody audits for longer than a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration > LONGEST {
        return Err("give 24h at most".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: &[&str], environment: &[(&str, &str)]) -> Result<Request, String> {
        let words = ["auditor"].iter().chain(words);
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(owned).collect();
        arguments
            .request(&environment)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_journey_needs_no_arguments() {
        let request = request(
            &[],
            &[
                ("MSVC_ENTRY_GATEWAY", "http://127.0.0.1:40001/"),
                ("MSVC_ENTRY_BROKER", "http://127.0.0.1:40002"),
                ("MSVC_INPUT_OPERATOR_PASSWORD", "secret"),
            ],
        );
        let request = request.ok().unwrap();
        assert_eq!(request.gateway, "http://127.0.0.1:40001");
        assert_eq!(request.kafka, "127.0.0.1:40002");
        assert_eq!(request.within, Duration::from_secs(120));
        assert_eq!(request.format, Format::Human);
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_give() {
        let refused = request(&[], &[]).err().unwrap();
        assert!(refused.contains("--gateway") && refused.contains("MSVC_ENTRY_GATEWAY"));
        let words = ["--gateway", "http://a", "--kafka", "b:1"];
        assert!(request(&words, &[]).err().unwrap().contains("password"));
        let more = [&words[..], &["--password-file", "/nowhere/file"]].concat();
        assert!(request(&more, &[]).err().unwrap().contains("/nowhere/file"));
        for bad in ["soon", "25h", "99999999999999999999h"] {
            assert!(request(&["--within", bad], &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_words_and_no_environment_make_the_reader_panic() {
        let name = proptest::sample::select(vec!["--gateway", "--kafka", "--within", "--format"]);
        outside::each(300, (name, outside::text()), |(name, text)| {
            let _usage = request(&[name, &text], &[]);
            let environment = [GATEWAY, BROKER, PASSWORD].map(|name| (name, text.as_str()));
            let _request = request(&[], &environment);
        });
    }

    #[test]
    fn a_place_that_is_none_and_an_empty_password_are_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        let with = |gateway: &str, kafka: &str, file: &str| {
            let words = [
                "--gateway",
                gateway,
                "--kafka",
                kafka,
                "--password-file",
                file,
            ];
            request(&words, &[]).err().unwrap()
        };
        for gateway in ["nonsense", "localhost:8080", "ftp://localhost", ""] {
            let refused = with(gateway, "b:1", "none");
            assert!(refused.contains("gateway"), "{gateway}: {refused}");
        }
        for kafka in ["nonsense", "localhost:kafka", "http://localhost/9092"] {
            let refused = with("http://a", kafka, "none");
            assert!(refused.contains("broker"), "{kafka}: {refused}");
        }
        let refused = with("http://a", "b:1", empty.to_str().unwrap());
        assert!(refused.contains("is empty"), "{refused}");
    }
}
