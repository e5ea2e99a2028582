//! Fields of the Compose file that a host process cannot honour, and those without which it means
//! the same.

use msvc_system::model::{Protocol, Service};
use msvc_system::problem::{Problem, Severity};

use crate::names::home::housed_by;

pub(super) mod goes_without;

/// Fields that ask for nothing that is not so anyway, with why.
const HARMLESS: [(&str, &str); 13] = [
    ("attach", "only says whose lines a terminal shows"),
    ("deploy.endpoint_mode", "for a swarm"),
    ("deploy.labels", "for a swarm"),
    ("deploy.mode", "for a swarm"),
    ("deploy.placement", "for a swarm"),
    ("deploy.rollback_config", "for a swarm"),
    ("deploy.update_config", "for a swarm"),
    ("healthcheck.disable", "there is no image to have one"),
    (
        "healthcheck.start_interval",
        "probes come sooner than that until it is ready",
    ),
    (
        "init",
        "the supervisor ends and reaps all that a service leaves",
    ),
    ("memswap_limit", "says nothing without mem_limit"),
    ("pull_policy", "nothing is pulled"),
    ("pull_refresh_after", "nothing is pulled"),
];

/// Numbers above are of real time.
const LAST_NAMED_SIGNAL: i32 = 31;

/// Below this key everything says how an image is made, and a process has none.
const OF_AN_IMAGE: &str = "build.";

/// What is wrong with `service` for the process runtime, field by field. `lenient` makes it
/// warnings.
pub(crate) fn problems(service: &Service, lenient: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (field, value) in &service.other_fields {
        let cannot = match field.as_str() {
            "networks" => address_in_networks(&value.value),
            "logging" => other_log(&value.value),
            "network_mode" if housed_by(service).is_some() => None,
            other if goes_without::says_of(other).is_some() => None,
            "deploy.resources" => limit_in(&value.value),
            other if other.starts_with(OF_AN_IMAGE) => None,
            other if HARMLESS.iter().any(|(harmless, _)| *harmless == other) => None,
            _ if is_empty(&value.value) => None,
            other => Some(other.to_owned()),
        };
        if let Some(cannot) = cannot {
            problems.push(
                Problem::error(format!(
                    "{}: a host process cannot honour `{cannot}`",
                    service.name
                ))
                .at(value.place.clone())
                .hint("take it out, or `--lenient` to go without it"),
            );
        }
    }
    for port in &service.ports {
        if port.protocol == Protocol::Udp {
            problems.push(
                Problem::error(format!(
                    "{}: `ports` opens UDP port {}, which host processes' edges do not carry yet",
                    service.name, port.target
                ))
                .at(port.place.clone())
                .hint("take it out, or `--lenient` to go without it"),
            );
        }
    }
    problems.extend(signal_of_real_time(service));
    problems.extend(goes_without::warning(service));
    if lenient {
        for problem in &mut problems {
            problem.severity = Severity::Warning;
        }
    }
    problems
}

/// The signal that asks a service to end. Where a host process is not sent the one that it asks
/// for, which is told, it is the usual one.
pub(super) fn stop_signal(service: &Service) -> String {
    let asked = service.stop_signal.as_ref();
    let sent = asked.filter(|_| signal_of_real_time(service).is_none());
    sent.map_or_else(|| "SIGTERM".to_owned(), |it| it.value.clone())
}

/// Signals without a name of their own are not sent here.
fn signal_of_real_time(service: &Service) -> Option<Problem> {
    let asked = service.stop_signal.as_ref()?;
    let number = msvc_system::signal::number(&asked.value)?;
    (number > LAST_NAMED_SIGNAL).then(|| {
        let what = format!(
            "{}: a host process cannot honour `stop_signal: {}`",
            service.name, asked.value
        );
        let hint = "say SIGTERM or another that has a name, or `--lenient` to have SIGTERM";
        Problem::error(what).at(asked.place.clone()).hint(hint)
    })
}

/// `false`, nothing or an empty list ask for nothing.
fn is_empty(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The drivers that keep a container's log where `msvc logs` would find it.
const KEPT_LOGS: [&str; 3] = ["", "json-file", "local"];

/// msvc keeps the logs itself, and nowhere else.
fn other_log(logging: &serde_json::Value) -> Option<String> {
    let driver = logging.get("driver")?.as_str()?;
    (!KEPT_LOGS.contains(&driver)).then(|| format!("logging.driver: {driver}"))
}

/// Who can reach whom is kept by the edges, names by rewriting; an address is not.
fn address_in_networks(networks: &serde_json::Value) -> Option<String> {
    const ADDRESSES: [&str; 4] = [
        "ipv4_address",
        "ipv6_address",
        "mac_address",
        "link_local_ips",
    ];
    let networks = networks.as_object()?;
    networks.values().find_map(|network| {
        let found = ADDRESSES.iter().find(|key| network.get(**key).is_some())?;
        Some(format!("networks.{found}"))
    })
}

/// Reservations of processor and memory limit nothing.
fn limit_in(resources: &serde_json::Value) -> Option<String> {
    if let Some(limit) = resources.get("limits").filter(|limits| !is_empty(limits)) {
        let what = limit.as_object()?.keys().next()?;
        return Some(format!("deploy.resources.limits.{what}"));
    }
    let devices = resources.get("reservations")?.get("devices")?;
    (!is_empty(devices)).then(|| "deploy.resources.reservations.devices".to_owned())
}

/// The networks of a service; `default` when it names none.
pub(crate) fn networks(service: &Service) -> Vec<String> {
    let value = service
        .other_fields
        .get("networks")
        .map(|field| &field.value);
    let names: Vec<String> = match value {
        Some(serde_json::Value::Object(map)) => map.keys().cloned().collect(),
        Some(serde_json::Value::Array(list)) => list
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    };
    if names.is_empty() {
        vec!["default".to_owned()]
    } else {
        names
    }
}
