//! Fields that go to the engine as they are. What the engine would not get is an error that names
//! it, as the table of [`crate::fields`] has it: nothing is dropped in silence.

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigIsolationEnum,
    HostConfigLogConfig,
};
use msvc_system::fields::asks_nothing;
use msvc_system::model::Service;
use msvc_system::problem::{Problem, Problems};
use serde_json::Value;

use super::value::{bytes, flag, fraction, number, pairs, text, texts};
use super::{Names, Wish, networks};
use crate::docker::image::pull;
use crate::fields::{In, Kind};

mod devices;

/// Puts the service's fields into `body` and `host`.
pub(super) fn apply(
    wish: &Wish<'_>,
    names: &Names<'_>,
    service: &Service,
    body: &mut ContainerCreateBody,
    host: &mut HostConfig,
    problems: &mut Problems,
) {
    for (field, placed) in &service.other_fields {
        let name = field.as_str();
        if name == "pull_policy" && !placed.value.as_str().is_some_and(pull::is_policy) {
            let what = format!("{}: `{name}` has a value that nobody knows", service.name);
            problems.push(Problem::error(what).at(placed.place.clone()));
        }
        let fate = In::Containers.fate(name);
        // What a guest does not have is told with its network.
        let is_anothers = networks::has_nothing_of(service, name);
        if name.starts_with("build.") || matches!(fate.kind, Kind::Nothing) || is_anothers {
            continue;
        }
        let value = &match name {
            "volumes_from" => lenders(names, &placed.value),
            _ => namespace_of(names, name, &placed.value),
        };
        let least = fate.since.filter(|_| !asks_nothing(value));
        if let Some(least) = least.filter(|_| is_engines_own(name)) {
            let what = format!("{}: `{name}`", service.name);
            if let Some(problem) = wish.needs(least, &what, &placed.place) {
                problems.push(problem);
                continue;
            }
        }
        let taken = of_the_service(name, value, body)
            .or_else(|| of_privileges(name, value, host))
            .or_else(|| of_resources(name, value, host))
            .or_else(|| devices::apply(name, value, host))
            .or_else(|| of_the_host(name, value, host));
        // What is in none of these groups is refused already, or carried elsewhere: `every_field`
        // holds the table to that.
        if taken != Some(None) || asks_nothing(value) || matches!(fate.kind, Kind::Partly(_)) {
            continue;
        }
        let what = format!(
            "{}: `{name}` has a value that the engine does not take",
            service.name
        );
        let problem = Problem::error(what);
        problems.push(problem.at(placed.place.clone()));
    }
}

/// The others are told on whichever network or for whichever probe they stand.
fn is_engines_own(name: &str) -> bool {
    name != "networks" && !name.starts_with("healthcheck")
}

/// `service:NAME` in a field that names a namespace, as the engine takes it.
fn namespace_of(names: &Names<'_>, field: &str, value: &Value) -> Value {
    let named = value
        .as_str()
        .and_then(|text| text.strip_prefix("service:"));
    let host = named.filter(|_| matches!(field, "ipc" | "pid"));
    match host.and_then(|host| names.system.service(host)) {
        Some(host) => Value::from(format!("container:{}", names.container(host, 1))),
        None => value.clone(),
    }
}

/// Whose volumes are mounted too, as the engine takes it: a container's name, with a mode.
fn lenders(names: &Names<'_>, value: &Value) -> Value {
    let each = texts(value).unwrap_or_default().into_iter().map(|item| {
        if let Some(container) = item.strip_prefix("container:") {
            return container.to_owned();
        }
        let (service, mode) = item.split_once(':').unwrap_or((&item, "rw"));
        match names.system.service(service) {
            Some(service) => format!("{}:{mode}", names.container(service, 1)),
            None => item,
        }
    });
    each.collect()
}

/// A field's fate: `None` when it is no field of this group, `Some(None)` when its value is wrong.
pub(super) type Taken = Option<Option<()>>;

/// Keeps a value that could be read.
pub(super) fn keep<T>(place: &mut Option<T>, value: Option<T>) -> Taken {
    Some(value.map(|value| *place = Some(value)))
}

fn of_the_service(name: &str, value: &Value, body: &mut ContainerCreateBody) -> Taken {
    match name {
        "domainname" => keep(&mut body.domainname, text(value)),
        "hostname" => keep(&mut body.hostname, text(value)),
        "stdin_open" => keep(&mut body.open_stdin, flag(value)),
        "tty" => keep(&mut body.tty, flag(value)),
        "user" => keep(&mut body.user, text(value)),
        _ => None,
    }
}

fn of_privileges(name: &str, value: &Value, host: &mut HostConfig) -> Taken {
    match name {
        "cap_add" => keep(&mut host.cap_add, texts(value)),
        "cap_drop" => keep(&mut host.cap_drop, texts(value)),
        "device_cgroup_rules" => keep(&mut host.device_cgroup_rules, texts(value)),
        "group_add" => keep(&mut host.group_add, texts(value)),
        "privileged" => keep(&mut host.privileged, flag(value)),
        "read_only" => keep(&mut host.readonly_rootfs, flag(value)),
        "security_opt" => keep(&mut host.security_opt, texts(value)),
        "userns_mode" => keep(&mut host.userns_mode, text(value)),
        _ => None,
    }
}

fn of_resources(name: &str, value: &Value, host: &mut HostConfig) -> Taken {
    match name {
        "cpu_count" => keep(&mut host.cpu_count, number(value)),
        "cpu_percent" => keep(&mut host.cpu_percent, number(value)),
        "cpu_period" => keep(&mut host.cpu_period, number(value)),
        "cpu_quota" => keep(&mut host.cpu_quota, number(value)),
        "cpu_rt_period" => keep(&mut host.cpu_realtime_period, number(value)),
        "cpu_rt_runtime" => keep(&mut host.cpu_realtime_runtime, number(value)),
        "cpu_shares" => keep(&mut host.cpu_shares, number(value)),
        "cpus" => keep(&mut host.nano_cpus, nano_cpus(value)),
        "cpuset" => keep(&mut host.cpuset_cpus, text(value)),
        "deploy.resources" => Some(limits(value, host)),
        "mem_limit" => keep(&mut host.memory, bytes(value)),
        "mem_reservation" => keep(&mut host.memory_reservation, bytes(value)),
        "mem_swappiness" => keep(&mut host.memory_swappiness, number(value)),
        "memswap_limit" => keep(
            &mut host.memory_swap,
            bytes(value).or_else(|| number(value)),
        ),
        "oom_kill_disable" => keep(&mut host.oom_kill_disable, flag(value)),
        "oom_score_adj" => keep(&mut host.oom_score_adj, number(value)),
        "pids_limit" => keep(&mut host.pids_limit, number(value)),
        "shm_size" => keep(&mut host.shm_size, bytes(value)),
        "ulimits" => keep(&mut host.ulimits, devices::ulimits(value)),
        _ => None,
    }
}

fn of_the_host(name: &str, value: &Value, host: &mut HostConfig) -> Taken {
    match name {
        "annotations" => keep(&mut host.annotations, map(value)),
        "cgroup" => keep(
            &mut host.cgroupns_mode,
            match value.as_str() {
                Some("host") => Some(HostConfigCgroupnsModeEnum::HOST),
                Some("private") => Some(HostConfigCgroupnsModeEnum::PRIVATE),
                _ => None,
            },
        ),
        "cgroup_parent" => keep(&mut host.cgroup_parent, text(value)),
        "dns" => keep(&mut host.dns, texts(value)),
        "dns_opt" => keep(&mut host.dns_options, texts(value)),
        "dns_search" => keep(&mut host.dns_search, texts(value)),
        "extra_hosts" => keep(&mut host.extra_hosts, extra_hosts(value)),
        "init" => keep(&mut host.init, flag(value)),
        "ipc" => keep(&mut host.ipc_mode, text(value)),
        "isolation" => keep(
            &mut host.isolation,
            (value.as_str() == Some("default")).then_some(HostConfigIsolationEnum::DEFAULT),
        ),
        "logging" => keep(&mut host.log_config, logging(value)),
        "pid" => keep(&mut host.pid_mode, text(value)),
        "runtime" => keep(&mut host.runtime, text(value)),
        "storage_opt" => keep(&mut host.storage_opt, map(value)),
        "sysctls" => keep(&mut host.sysctls, map(value)),
        "uts" => keep(&mut host.uts_mode, text(value)),
        "volumes_from" => keep(&mut host.volumes_from, texts(value)),
        _ => None,
    }
}

pub(super) fn map(value: &Value) -> Option<std::collections::HashMap<String, String>> {
    Some(pairs(value, '=')?.into_iter().collect())
}

fn nano_cpus(value: &Value) -> Option<i64> {
    format!("{:.0}", fraction(value)? * 1e9).parse().ok()
}

/// `deploy.resources`: limits, and what of reservations the engine keeps.
fn limits(value: &Value, host: &mut HostConfig) -> Option<()> {
    let at = |path: &str| value.pointer(path).filter(|value| !value.is_null());
    if let Some(cpus) = at("/limits/cpus") {
        host.nano_cpus = Some(nano_cpus(cpus)?);
    }
    if let Some(memory) = at("/limits/memory") {
        host.memory = Some(bytes(memory)?);
    }
    if let Some(pids) = at("/limits/pids") {
        host.pids_limit = Some(number(pids)?);
    }
    if let Some(memory) = at("/reservations/memory") {
        host.memory_reservation = Some(bytes(memory)?);
    }
    if let Some(asked) = at("/reservations/devices") {
        let more = devices::requests(asked, None)?;
        host.device_requests.get_or_insert_default().extend(more);
    }
    Some(())
}

/// `name:address`, also where the file writes `name=address` or a list of addresses.
pub(super) fn extra_hosts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Object(map) => {
            let each = map.iter().map(|(name, addresses)| {
                let addresses = texts(addresses)?;
                Some(addresses.into_iter().map(move |a| format!("{name}:{a}")))
            });
            let each: Option<Vec<_>> = each.collect();
            Some(each?.into_iter().flatten().collect())
        }
        list => {
            let each = texts(list)?.into_iter().map(|item| {
                let (name, address) = item.split_once(['=', ':'])?;
                let address = address.trim_start_matches('[').trim_end_matches(']');
                Some(format!("{name}:{address}"))
            });
            each.collect()
        }
    }
}

fn logging(value: &Value) -> Option<HostConfigLogConfig> {
    Some(HostConfigLogConfig {
        typ: value.get("driver").and_then(text),
        config: match value.get("options") {
            None | Some(Value::Null) => None,
            Some(options) => Some(map(options)?),
        },
    })
}
