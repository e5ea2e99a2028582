//! The table: a row for each field, by what it speaks of.

use serde_json::Value;

use super::{Fate, Kind, Row};
use crate::docker::engine::ApiVersion;

mod build;
mod data;
mod deploy;
mod network;
mod privilege;
mod sections;
mod service;

/// Every row.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        service::ROWS,
        network::ROWS,
        data::ROWS,
        privilege::ROWS,
        deploy::ROWS,
        build::ROWS,
        sections::ROWS,
    ];
    tables.into_iter().flatten()
}

const fn row(field: &'static str, container: Fate, process: Fate) -> Row {
    Row {
        field,
        container,
        process,
    }
}

const fn fate(kind: Kind, note: &'static str) -> Fate {
    Fate {
        kind,
        note,
        since: None,
    }
}

/// Carried, as far as the note says.
const fn yes(note: &'static str) -> Fate {
    fate(Kind::Carried, note)
}

/// Carried by engines from this API on.
const fn since(major: usize, minor: usize, note: &'static str) -> Fate {
    let mut fate = fate(Kind::Carried, note);
    fate.since = Some(ApiVersion(major, minor));
    fate
}

/// Carried where the function takes its value.
const fn partly(note: &'static str, takes: fn(&Value) -> bool) -> Fate {
    fate(Kind::Partly(takes), note)
}

const fn nothing(why: &'static str) -> Fate {
    fate(Kind::Nothing, why)
}

const fn told(instead: &'static str) -> Fate {
    fate(Kind::Told, instead)
}

const fn refused(why: &'static str) -> Fate {
    fate(Kind::Refused, why)
}

/// What no row speaks of.
pub(super) const UNKNOWN: Fate = nothing("nobody knows it");
const YES: Fate = yes("");
const NO_IMAGE: Fate = nothing("no image is made");
const NO_NETWORK: Fate = nothing("there is no network");
const FOR_A_SWARM: Fate = nothing("for a swarm");
const BUILDER: Fate = refused(
    "the engine's own builder has none: build it with `docker buildx build` and name it in `image`",
);
const WRITTEN: Fate = yes("written for it, for you alone to read, until `down`");
const LIMITS: Fate = refused("it has those that msvc was started with: `ulimit` sets them before");
const MODEL: Fate = refused(
    "it needs Docker Model Runner, which msvc does not speak to: name a model server's address in \
     `environment`",
);
const START_BEFORE: Fate = refused(
    "make it a service of its own, and wait for it: `depends_on`, \
     `condition: service_completed_successfully`",
);
const PROVIDER: Fate =
    refused("run what it provides as a service, or name its address in a setting");
/// A namespace that a host process has of the host anyway.
const OF_THE_HOST: Fate = partly("`host`: it shares this machine's", is_host);

fn is(value: &Value, word: &str) -> bool {
    value.as_str() == Some(word)
}

fn is_host(value: &Value) -> bool {
    is(value, "host")
}

fn is_default(value: &Value) -> bool {
    is(value, "default")
}

fn is_true(value: &Value) -> bool {
    value.as_bool() != Some(false)
}

fn is_tcp(value: &Value) -> bool {
    is(value, "tcp")
}

fn of_a_service(value: &Value) -> bool {
    value.as_str().is_some_and(|it| it.starts_with("service:"))
}

/// The drivers that keep a container's log where `msvc logs` would find it.
fn kept_log(value: &Value) -> bool {
    matches!(value.as_str(), Some("" | "json-file" | "local"))
}

/// Numbers above are of real time.
const LAST_NAMED_SIGNAL: i32 = 31;

/// What is no signal at all is told where it is sent.
fn has_a_name(value: &Value) -> bool {
    let number = value.as_str().and_then(msvc_system::signal::number);
    number.is_none_or(|number| number <= LAST_NAMED_SIGNAL)
}

/// A list of one, or a text.
fn one(value: &Value) -> bool {
    value.as_array().is_none_or(|items| items.len() < 2)
}

/// As mapping or as list.
fn one_host(value: &Value) -> bool {
    let address = |it: &Value| one(it);
    match value.as_object() {
        Some(hosts) => hosts.len() < 2 && hosts.values().all(address),
        None => one(value),
    }
}
