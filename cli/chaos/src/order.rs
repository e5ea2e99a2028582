//! What is to be broken, as a value with a text form.

use std::fmt;
use std::time::Duration;

use msvc_mesh::fault::{Action, Budget, Fault, Selector, Stream};
use msvc_system::id::{EdgeSelector, LaneName, ServiceName};
use serde::{Deserialize, Serialize};

/// The longest delay or down time that is taken; more than a day is a slip of the pen.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It is no duration.
    #[error("`{text}` is no duration: {why}; write for example `300ms`, `5s` or `1m 30s`")]
    Unreadable {
        /// As given.
        text: String,
        /// What the reader says.
        why: String,
    },
    /// It is longer than [`LONGEST`].
    #[error("`{0}` is longer than a day")]
    TooLong(String),
}

/// Reads a duration as people write it: `300ms`, `5s`, `1m 30s`.
///
/// # Errors
/// When it is none, has no unit, or is longer than [`LONGEST`].
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let read = humantime::parse_duration(text).map_err(|error| DurationError::Unreadable {
        text: text.to_owned(),
        why: error.to_string(),
    })?;
    if read > LONGEST {
        return Err(DurationError::TooLong(text.to_owned()));
    }
    Ok(read)
}

/// What an order breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// An edge answers late.
    Latency(Latency),
    /// A service is killed.
    Kill(Kill),
}

/// An edge answers late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Which edge or edges.
    pub edge: EdgeSelector,
    /// How late.
    pub delay: Duration,
    /// Give or take.
    pub jitter: Duration,
    /// The answers or the requests.
    pub stream: Stream,
}

impl Latency {
    /// As the mesh takes it.
    #[must_use]
    pub fn fault(&self, name: &str, lane: &LaneName, seed: u64) -> Fault {
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        Fault {
            name: name.to_owned(),
            selector: Selector {
                lane: lane.clone(),
                edge: self.edge.clone(),
                stream: self.stream,
                request: None,
            },
            action: Action::Latency {
                latency_ms: ms(self.delay),
                jitter_ms: ms(self.jitter),
            },
            budget: Budget::default(),
            seed,
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} latency", shown(self.delay))?;
        if !self.jitter.is_zero() {
            write!(f, " ±{}", shown(self.jitter))?;
        }
        write!(f, " on {}, ", self.edge)?;
        f.write_str(match self.stream {
            Stream::Downstream => "answers",
            Stream::Upstream => "requests",
        })
    }
}

/// A service is killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// Which.
    pub service: ServiceName,
    /// How long it stays down.
    pub hold: Hold,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kill of {}", self.service)?;
        match &self.hold {
            Hold::For(Duration::ZERO) => Ok(()),
            Hold::For(down) => write!(f, ", down for {}", shown(*down)),
            Hold::Step { journey, step } => write!(f, ", down until {step} of {journey} held"),
            Hold::Released => f.write_str(", down until the command ends"),
        }
    }
}

/// How long a killed service stays down before its restart policy decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// For so long.
    For(Duration),
    /// Until this step of this journey has held.
    Step {
        /// The journey.
        journey: String,
        /// Its step, by id.
        step: String,
    },
    /// Until whoever killed it says so.
    Released,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(latency) => latency.fmt(f),
            Self::Kill(kill) => kill.fmt(f),
        }
    }
}

/// A duration for people: `300ms`, `1m 30s`, `0s`.
#[must_use]
pub fn shown(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them_and_nothing_else_is() {
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in [
            "300",
            "",
            "fast",
            "-1s",
            "3 parsecs",
            "99999999999999999999s",
        ] {
            let said = duration(wrong).unwrap_err().to_string();
            assert!(said.contains("`300ms`"), "{said}");
        }
        assert_eq!(
            duration("2days"),
            Err(DurationError::TooLong("2days".to_owned()))
        );
    }

    #[test]
    fn an_order_reads_as_a_sentence() {
        let latency = Latency {
            edge: "orders->payments".parse().unwrap(),
            delay: Duration::from_millis(300),
            jitter: Duration::from_millis(20),
            stream: Stream::Downstream,
        };
        assert_eq!(
            latency.to_string(),
            "300ms latency ±20ms on orders->payments, answers"
        );
        let kill = |hold| {
            Kill {
                service: "mail".parse().unwrap(),
                hold,
            }
            .to_string()
        };
        assert_eq!(kill(Hold::For(Duration::ZERO)), "kill of mail");
        assert_eq!(
            kill(Hold::Step {
                journey: "checkout".into(),
                step: "order".into()
            }),
            "kill of mail, down until order of checkout held"
        );
    }
}
