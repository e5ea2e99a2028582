//! What a build asks for, as far as the engine's own builder gives it: the rest is told with its
//! line, before anything is built.

use msvc_system::fields::asks_nothing;
use msvc_system::model::{Placed, Service};
use msvc_system::problem::Problem;
use serde_json::Value;

use super::value::{bytes, flag, pairs, texts};
use crate::fields::{In, Kind};

/// What is wrong with a service's build.
pub(super) fn problems(service: &Service) -> Vec<Problem> {
    let fields = service.other_fields.iter().filter_map(|(name, placed)| {
        let name = name.strip_prefix("build.")?;
        let why = why_not(name, placed)?;
        let what = format!("{}: `build.{name}` {why}", service.name);
        let problem = Problem::error(what).at(placed.place.clone());
        Some(problem.hint("take it out, or `--lenient` to go without it"))
    });
    fields.collect()
}

fn why_not(name: &str, placed: &Placed<Value>) -> Option<String> {
    let value = &placed.value;
    if asks_nothing(value) {
        return None;
    }
    match In::Containers.fate(&format!("build.{name}")).kind {
        // Those are told with all that is refused.
        Kind::Nothing | Kind::Refused => return None,
        Kind::Partly(takes) if !takes(value) => return None,
        Kind::Carried | Kind::Partly(_) | Kind::Told => {}
    }
    let wrong = || Some("has a value that the engine does not take".to_owned());
    match name {
        "extra_hosts" if hosts(value).is_none() => wrong(),
        "labels" if pairs(value, '=').is_none() => wrong(),
        "cache_from" | "platforms" | "tags" if texts(value).is_none() => wrong(),
        "no_cache" | "pull" if flag(value).is_none() => wrong(),
        "shm_size" => match bytes(value).map(i32::try_from) {
            Some(Ok(_)) => None,
            _ => wrong(),
        },
        _ => None,
    }
}

/// `name:address` of each of a build's `extra_hosts`.
pub(in crate::docker) fn hosts(value: &Value) -> Option<Vec<String>> {
    super::fields::extra_hosts(value)
}
