//! What a build asks for, as far as the engine's own builder gives it: the rest is told with its
//! line, before anything is built.

use msvc_system::model::{Placed, Service};
use msvc_system::problem::Problem;
use serde_json::Value;

use super::value::{bytes, flag, pairs, text, texts};

/// The fields that [`crate::docker::image`] hands on as they are.
const HONOURED: [&str; 7] = [
    "dockerfile_inline",
    "labels",
    "network",
    "no_cache",
    "pull",
    "cache_from",
    "tags",
];

/// The fields that change nothing of the image: a cache for others, notes that no run reads.
const BESIDE: [&str; 3] = ["cache_to", "provenance", "sbom"];

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
    let asks = match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        other => flag(other) != Some(false),
    };
    if !asks || BESIDE.contains(&name) {
        return None;
    }
    let wrong = || Some("has a value that the engine does not take".to_owned());
    match name {
        "extra_hosts" => match hosts(value) {
            Some(hosts) if hosts.len() > 1 => Some("can be one host only".to_owned()),
            Some(_) => None,
            None => wrong(),
        },
        "labels" if pairs(value, '=').is_none() => wrong(),
        "cache_from" | "tags" if texts(value).is_none() => wrong(),
        "no_cache" | "pull" if flag(value).is_none() => wrong(),
        "platforms" => match texts(value).as_deref() {
            Some([_]) => None,
            Some(_) => Some("names more than one: an image of the engine is for one".to_owned()),
            None => wrong(),
        },
        "isolation" if text(value).as_deref() == Some("default") => None,
        "shm_size" => match bytes(value).map(i32::try_from) {
            Some(Ok(_)) => None,
            _ => wrong(),
        },
        name if HONOURED.contains(&name) => None,
        _ => Some("is not handed to the engine's builder".to_owned()),
    }
}

/// `name:address` of each of a build's `extra_hosts`.
pub(in crate::docker) fn hosts(value: &Value) -> Option<Vec<String>> {
    super::fields::extra_hosts(value)
}
