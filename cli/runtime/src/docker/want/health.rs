//! The healthcheck of a container: for the engine, and for msvc's own probes.

use std::time::Duration;

use bollard::models::HealthConfig;
use msvc_system::duration;
use msvc_system::model::{HealthTest, Healthcheck, Service};
use msvc_system::problem::{Problem, Problems, Severity};
use serde_json::Value;

use super::Wish;
use super::value::{flag, nanoseconds, number, text};
use crate::docker::image::ImageFacts;
use crate::fields::In;
use crate::instance::HealthSpec;

fn is_disabled(service: &Service) -> bool {
    let field = service.other_fields.get("healthcheck.disable");
    field.is_some_and(|field| flag(&field.value) == Some(true))
}

/// What the engine is told; nothing where the image's own healthcheck holds as it is.
pub(super) fn config(
    wish: &Wish<'_>,
    service: &Service,
    problems: &mut Problems,
) -> Option<HealthConfig> {
    if is_disabled(service) {
        return Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        });
    }
    let start_interval = start_interval(wish, service, problems);
    let Some(health) = &service.healthcheck else {
        let times = times(service, problems)?;
        // Without a test it is the image's.
        return Some(HealthConfig {
            test: None,
            interval: times.interval.map(nanoseconds),
            timeout: times.timeout.map(nanoseconds),
            retries: times.retries,
            start_period: times.start_period.map(nanoseconds),
            start_interval,
        });
    };
    Some(HealthConfig {
        test: Some(match &health.test {
            HealthTest::Command(words) => {
                let command = std::iter::once("CMD".to_owned());
                command.chain(words.iter().cloned()).collect()
            }
            HealthTest::Shell(script) => vec!["CMD-SHELL".to_owned(), script.clone()],
        }),
        interval: Some(nanoseconds(health.interval)),
        timeout: Some(nanoseconds(health.timeout)),
        retries: Some(i64::from(health.retries)),
        start_period: Some(nanoseconds(health.start_period)),
        start_interval,
    })
}

/// An engine that does not know it would drop it; msvc asks sooner than that itself, so that only
/// the engine's own word comes late.
fn start_interval(wish: &Wish<'_>, service: &Service, problems: &mut Problems) -> Option<i64> {
    let name = "healthcheck.start_interval";
    let field = service.other_fields.get(name)?;
    let what = format!("{}: `{name}`", service.name);
    let least = In::Containers.fate(name).since;
    if let Some(mut problem) = least.and_then(|it| wish.needs(it, &what, &field.place)) {
        problem.severity = Severity::Warning;
        let instead = "msvc itself asks more often than that until it is ready";
        problems.push(problem.hint(instead));
        return None;
    }
    time(service, name, &field.value, problems).map(nanoseconds)
}

fn time(service: &Service, name: &str, value: &Value, problems: &mut Problems) -> Option<Duration> {
    let text = text(value)?;
    match duration::parse(&text) {
        Ok(time) => Some(time),
        Err(why) => {
            let place = service.other_fields.get(name).map(|field| &field.place);
            let what = format!("{}: `{name}` is `{text}`: {why}", service.name);
            let place = place.unwrap_or(&service.place).clone();
            problems.push(Problem::error(what).at(place));
            None
        }
    }
}

/// What a healthcheck without a test says of the image's.
#[derive(Debug, Default)]
struct Times {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    retries: Option<i64>,
    start_period: Option<Duration>,
}

fn times(service: &Service, problems: &mut Problems) -> Option<Times> {
    let name = "healthcheck";
    let field = service.other_fields.get(name)?;
    let mut at = |key: &str| {
        let value = field.value.get(key).filter(|value| !value.is_null())?;
        // Zero is the default, as everywhere.
        time(service, name, value, problems).filter(|time| !time.is_zero())
    };
    Some(Times {
        interval: at("interval"),
        timeout: at("timeout"),
        start_period: at("start_period"),
        retries: field.value.get("retries").and_then(number),
    })
}

/// What msvc probes itself.
pub(super) fn spec(service: &Service, facts: &ImageFacts) -> Option<HealthSpec> {
    if is_disabled(service) {
        return None;
    }
    let Some(health) = &service.healthcheck else {
        let mut image = facts.health.clone()?;
        // What is wrong with them was told with the engine's share.
        let times = times(service, &mut Problems::default()).unwrap_or_default();
        image.interval = times.interval.unwrap_or(image.interval);
        image.timeout = times.timeout.unwrap_or(image.timeout);
        image.start_period = times.start_period.unwrap_or(image.start_period);
        let retries = times
            .retries
            .and_then(|retries| u32::try_from(retries).ok());
        image.retries = retries.filter(|it| *it > 0).unwrap_or(image.retries);
        return Some(image);
    };
    let Healthcheck {
        test,
        interval,
        timeout,
        retries,
        start_period,
        ..
    } = health;
    Some(HealthSpec {
        command: match test {
            HealthTest::Command(words) => words.clone(),
            HealthTest::Shell(script) => ["/bin/sh", "-c", script].map(str::to_owned).into(),
        },
        interval: *interval,
        timeout: *timeout,
        retries: *retries,
        start_period: *start_period,
    })
}
