//! Fields of the Compose file that a host process cannot honour, and those without which it means
//! the same.

use msvc_system::model::{Protocol, Service};
use msvc_system::problem::{Problem, Severity};

use crate::fields::{In, refusal, refusals};

pub(super) mod goes_without;

/// What is wrong with `service` for the process runtime, field by field. `lenient` makes it
/// warnings.
pub(crate) fn problems(service: &Service, lenient: bool) -> Vec<Problem> {
    let mut problems = refusals(In::Processes, service, false);
    for port in &service.ports {
        if port.protocol == Protocol::Udp {
            let path = "ports.protocol";
            let name = format!("{path}: udp");
            let fate = In::Processes.fate(path);
            problems.push(refusal(In::Processes, service, &name, &fate, &port.place));
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
    let value = serde_json::Value::from(asked.value.as_str());
    In::Processes.fate("stop_signal").refuses(&value).then(|| {
        let what = format!(
            "{}: a host process cannot honour `stop_signal: {}`",
            service.name, asked.value
        );
        let hint = "say SIGTERM or another that has a name, or `--lenient` to have SIGTERM";
        Problem::error(what).at(asked.place.clone()).hint(hint)
    })
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
