//! What an image says of itself: its id, its ports, its healthcheck.

use std::time::Duration;

use bollard::models::{HealthConfig, ImageInspect};

use crate::instance::HealthSpec;

/// What is known of a service's image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// What containers are created from.
    pub reference: String,
    /// Its id; unknown while nothing was made.
    pub id: Option<String>,
    /// What tells it from another of its name, where that is not its id.
    pub contents: Option<String>,
    /// The program it was packed from, by its name on the image's PATH.
    pub program: Option<String>,
    /// Ports it says it listens on (`EXPOSE`).
    pub exposed: Vec<u16>,
    /// UDP ports it says it listens on.
    pub datagrams: Vec<u16>,
    /// Its own healthcheck.
    pub health: Option<HealthSpec>,
}

/// As the engine tells it.
pub(super) fn facts(reference: &str, image: &ImageInspect) -> ImageFacts {
    let config = image.config.clone().unwrap_or_default();
    let ports = |of: &str| {
        let said = config.exposed_ports.iter().flatten();
        let of_it = said.filter_map(|port| {
            let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            (protocol == of).then(|| number.parse().ok())?
        });
        of_it.collect()
    };
    ImageFacts {
        reference: reference.to_owned(),
        id: image.id.clone(),
        contents: None,
        program: None,
        exposed: ports("tcp"),
        datagrams: ports("udp"),
        health: config.healthcheck.as_ref().and_then(health),
    }
}

/// A healthcheck as the engine keeps it; none when there is nothing to run.
pub(crate) fn health(config: &HealthConfig) -> Option<HealthSpec> {
    let (kind, rest) = config.test.as_ref()?.split_first()?;
    let command = match kind.as_str() {
        "CMD" => rest.to_vec(),
        "CMD-SHELL" => {
            let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
            shell.into_iter().chain(rest.iter().cloned()).collect()
        }
        _ => return None,
    };
    let wait = |given: Option<i64>, default: u64| match given.map(u64::try_from) {
        Some(Ok(nanoseconds)) if nanoseconds > 0 => Duration::from_nanos(nanoseconds),
        _ => Duration::from_secs(default),
    };
    Some(HealthSpec {
        command,
        interval: wait(config.interval, 30),
        timeout: wait(config.timeout, 30),
        retries: config
            .retries
            .and_then(|retries| u32::try_from(retries).ok())
            .filter(|retries| *retries > 0)
            .unwrap_or(3),
        start_period: wait(config.start_period, 0),
    })
}
