//! Settings of a container that every engine refuses by their form: folders, processors by number,
//! capabilities, waits of a healthcheck.

use std::time::Duration;

use super::wrong;
use crate::duration;
use crate::problem::Problems;
use crate::yaml::{Node, shorten};

/// The least wait of a healthcheck that Docker's engine takes; none says nothing.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// What a Linux kernel lets a process do, as `capability.h` has it; the newest is of 5.9.
const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Checks one service.
pub(super) fn check(service: &Node, problems: &mut Problems) {
    for (text, node) in texts(service, "tmpfs") {
        let folder = text.split(':').next().unwrap_or_default();
        if !folder.starts_with('/') {
            let what = format!(
                "`tmpfs` has `{}`, which is no absolute path",
                shorten(folder)
            );
            wrong(problems, what, &node.place, "begin it with `/`");
        }
    }
    for (text, node) in texts(service, "cpuset") {
        if !text.is_empty() && !text.split(',').all(is_range) {
            let what = format!("`cpuset` is `{}`, which names no processors", shorten(text));
            wrong(problems, what, &node.place, "write them as 0-3 or 0,1");
        }
    }
    for field in ["cap_add", "cap_drop"] {
        for (text, node) in texts(service, field) {
            capability(field, text, node, problems);
        }
    }
    waits(service, problems);
}

/// The waits of a healthcheck that is asked for.
fn waits(service: &Node, problems: &mut Problems) {
    let Some(check) = service.get("healthcheck") else {
        return;
    };
    let is_off = check.get("disable").and_then(Node::as_bool) == Some(true)
        || texts(check, "test").iter().any(|(word, _)| *word == "NONE");
    if is_off {
        return;
    }
    for field in ["interval", "timeout", "start_period", "start_interval"] {
        let node = check.get(field);
        let Some((text, node)) = node.and_then(|node| Some((node.as_str()?, node))) else {
            continue;
        };
        let wait = duration::parse(text).unwrap_or_default();
        if !wait.is_zero() && wait < LEAST_WAIT {
            let what = format!(
                "`healthcheck.{field}` is {}, less than an engine waits",
                shorten(text)
            );
            wrong(problems, what, &node.place, "write 1ms or more");
        }
    }
}

/// The texts of a field that has one or a list of them.
fn texts<'n>(service: &'n Node, field: &str) -> Vec<(&'n str, &'n Node)> {
    let Some(node) = service.get(field) else {
        return Vec::new();
    };
    let one = std::iter::once(node).chain(node.items());
    one.filter_map(|node| Some((node.as_str()?, node)))
        .collect()
}

/// `3`, `0-3`.
fn is_range(text: &str) -> bool {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    match text.split_once('-') {
        None => number(text).is_some(),
        Some((from, to)) => number(from)
            .zip(number(to))
            .is_some_and(|(from, to)| from <= to),
    }
}

fn capability(field: &str, text: &str, node: &Node, problems: &mut Problems) {
    let upper = text.trim().to_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if name == "ALL" || CAPABILITIES.contains(&name) {
        return;
    }
    let what = format!("`{field}` has `{}`, which is no capability", shorten(text));
    let hint = match problems.nearest(name, CAPABILITIES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write one like NET_ADMIN, or ALL".to_owned(),
    };
    wrong(problems, what, &node.place, hint);
}
