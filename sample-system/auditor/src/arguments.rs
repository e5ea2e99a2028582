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
        let password = match self.password_file {
            Some(path) => match std::fs::read_to_string(&path) {
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
            gateway: gateway.trim_end_matches('/').to_owned(),
            kafka: authority(&kafka).to_owned(),
            password,
            sent: self.sent,
            within: self.within,
            settle: self.settle,
            first_order: self.first_order,
            format: self.format,
        })
    }
}

/// `host:port` of what may be a URL.
fn authority(entry: &str) -> &str {
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    rest.split_once('/')
        .map_or(rest, |(authority, _)| authority)
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
}
