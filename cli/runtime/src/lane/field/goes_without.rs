//! What a container would have and a host process goes without: it runs, and its user is told, once
//! for each service.

use msvc_system::model::{GivenFile, Mount, Service};
use msvc_system::problem::{Place, Problem};

use super::is_empty;

/// Fields of a service, with what a process has in their place.
const FIELDS: [(&str, &str); 18] = [
    ("annotations", "nobody reads them"),
    ("blkio_config", "it shares the disk as any process"),
    ("cap_drop", "it has your own privileges"),
    ("container_name", "settings may still name it so"),
    ("cpu_shares", "it shares the processor as any process"),
    ("develop", "nothing is watched"),
    ("domainname", "it sees this machine's"),
    (
        "hostname",
        "it sees this machine's, settings may still name it so",
    ),
    ("labels", "nobody reads them"),
    ("mem_reservation", "no memory is kept for it"),
    ("mem_swappiness", "it swaps as any process"),
    ("oom_score_adj", "it is killed for memory as any process"),
    ("platform", "it runs on this machine's"),
    ("shm_size", "it has this machine's /dev/shm"),
    ("tty", "what it writes is captured"),
    (
        "deploy.resources.reservations.memory",
        "no memory is kept for it",
    ),
    ("networks", "edges carry its calls"),
    ("volumes", "its data is a folder of yours"),
];

/// What of `networks` says nothing of an edge.
const OF_NETWORKS: [&str; 4] = ["driver_opts", "gw_priority", "interface_name", "priority"];

/// What of a mount says nothing of a folder.
const OF_MOUNTS: [&str; 7] = [
    "bind.propagation",
    "bind.recursive",
    "bind.selinux",
    "tmpfs.mode",
    "tmpfs.options",
    "volume.labels",
    "volume.nocopy",
];

/// What a process has in place of the field, where it goes without it.
pub(super) fn says_of(field: &str) -> Option<&'static str> {
    // Of these two only a part says nothing.
    let whole = !matches!(field, "networks" | "volumes");
    whole.then(|| instead_of(field)).flatten()
}

fn instead_of(field: &str) -> Option<&'static str> {
    let known = FIELDS.iter().find(|(known, _)| *known == field);
    known.map(|(_, instead)| *instead)
}

/// The one warning for all that a service goes without.
pub(super) fn warning(service: &Service) -> Option<Problem> {
    let mut missing = of_service(service);
    missing.extend(service.mounts.iter().flat_map(of_mount));
    missing.extend(service.files.iter().flat_map(of_file));
    let first = missing.first()?;
    let place = first.place.clone();
    let (mut names, mut reasons): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for Missing { field, instead, .. } in &missing {
        let name = format!("`{field}`");
        if !names.contains(&name) {
            reasons.push(format!("{field}: {instead}"));
            names.push(name);
        }
    }
    let what = format!(
        "{} runs as a host process and goes without {}",
        service.name,
        names.join(", ")
    );
    Some(Problem::warning(what).at(place).hint(reasons.join("; ")))
}

/// A field that nothing comes of.
struct Missing {
    field: String,
    instead: &'static str,
    place: Place,
}

fn of_service(service: &Service) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut add = |field: &str, top: &str, place: &Place| {
        if let Some(instead) = instead_of(top) {
            missing.push(Missing {
                field: field.to_owned(),
                instead,
                place: place.clone(),
            });
        }
    };
    for (field, value) in &service.other_fields {
        let place = &value.place;
        match field.as_str() {
            "networks" => {
                let networks = value.value.as_object().into_iter().flatten();
                for (_, network) in networks {
                    let asked = |key: &&&str| network.get(**key).is_some_and(|it| !is_empty(it));
                    for key in OF_NETWORKS.iter().filter(asked) {
                        add(&format!("networks.{key}"), "networks", place);
                    }
                }
            }
            "deploy.resources" => {
                let memory = value.value.pointer("/reservations/memory");
                if memory.is_some_and(|it| !it.is_null()) {
                    let field = "deploy.resources.reservations.memory";
                    add(field, field, place);
                }
            }
            _ if is_empty(&value.value) => {}
            other if says_of(other).is_some() => add(other, other, place),
            _ => {}
        }
    }
    if !service.labels.is_empty() {
        add("labels", "labels", &service.place);
    }
    missing
}

fn of_mount(mount: &Mount) -> Vec<Missing> {
    let others = mount.other_fields.iter();
    let others = others.filter(|(name, _)| is_harmless(name));
    let mut missing: Vec<(String, &Place)> = others
        .map(|(name, field)| (format!("volumes.{name}"), &field.place))
        .collect();
    if mount.read_only {
        missing.push(("volumes.read_only".to_owned(), &mount.place));
    }
    missing
        .into_iter()
        .map(|(field, place)| Missing {
            field,
            instead: instead_of("volumes").unwrap_or_default(),
            place: place.clone(),
        })
        .collect()
}

/// Whether a mount's field is told of here, and no error.
pub(in crate::lane) fn is_harmless(field: &str) -> bool {
    OF_MOUNTS.contains(&field)
}

/// A file of the host has an owner and permissions already.
fn of_file(file: &GivenFile) -> Vec<Missing> {
    let kind = match file.what.starts_with("secret") {
        true => "secrets",
        false => "configs",
    };
    let asked = [("uid", file.uid), ("gid", file.gid), ("mode", file.mode)];
    asked
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| Missing {
            field: format!("{kind}.{name}"),
            instead: "its file has those that it has",
            place: file.place.clone(),
        })
        .collect()
}
