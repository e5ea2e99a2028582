//! What a system and the folders around it know already: names, ports, owners, habits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use msvc_system::load::Loaded;
use serde_json::Value;

use super::Home;
use crate::error::ScaffoldError;
use crate::render;
use crate::template::Template;
use crate::workspace::Workspace;

/// That no crate that the template's service uses has its name.
pub(super) fn no_crate_of(template: &Template, name: &str) -> Result<(), ScaffoldError> {
    let wanted = [name.replace('_', "-"), format!("{name}-client")];
    let crates = render::locked_crates(template);
    let found = crates
        .iter()
        .find(|other| wanted.contains(&other.replace('_', "-")));
    match found {
        None => Ok(()),
        Some(other) => Err(taken(
            name,
            format!("the service is built with the crate `{other}`"),
        )),
    }
}

/// That nothing in the system answers to the name yet.
pub(super) fn no_service_of(loaded: &Loaded, name: &str) -> Result<(), ScaffoldError> {
    let resolved = loaded.system.written.resolved();
    let services = entries(resolved.get("services"));
    for (service, fields) in services {
        // Host names do not tell upper from lower case.
        if service.eq_ignore_ascii_case(name) {
            return Err(taken(name, format!("the system has a service `{service}`")));
        }
        for key in ["container_name", "hostname"] {
            let given = fields.get(key).and_then(Value::as_str);
            if given.is_some_and(|given| given.eq_ignore_ascii_case(name)) {
                return Err(taken(
                    name,
                    format!("the service `{service}` has it as its `{key}`"),
                ));
            }
        }
        for (network, fields) in entries(fields.get("networks")) {
            let aliases = fields.get("aliases").and_then(Value::as_array);
            let alias =
                |alias: &Value| alias.as_str().is_some_and(|a| a.eq_ignore_ascii_case(name));
            if aliases.is_some_and(|aliases| aliases.iter().any(alias)) {
                let by = format!("the service `{service}` is called so on the network `{network}`");
                return Err(taken(name, by));
            }
        }
    }
    Ok(())
}

/// That the Cargo workspace around has no package of that name.
pub(super) fn no_package_of(
    workspace: Option<&Workspace>,
    name: &str,
) -> Result<(), ScaffoldError> {
    let wanted = [name.to_owned(), format!("{name}-client")];
    let packages = workspace.map(|workspace| workspace.packages.as_slice());
    let found = packages
        .unwrap_or_default()
        .iter()
        .find(|(other, _)| wanted.contains(other));
    match found {
        None => Ok(()),
        Some((other, folder)) => {
            let by = format!(
                "the Cargo workspace has a package `{other}` in {}",
                folder.display()
            );
            Err(taken(name, by))
        }
    }
}

fn taken(name: &str, by: String) -> ScaffoldError {
    ScaffoldError::Taken {
        name: name.to_owned(),
        by,
    }
}

/// Every port of the host that a service is published at, profiles left aside.
pub(super) fn published_ports(resolved: &Value) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for (_, service) in entries(resolved.get("services")) {
        let list = service.get("ports").and_then(Value::as_array);
        for published in list.into_iter().flatten().filter_map(published) {
            let (from, to) = published
                .split_once('-')
                .unwrap_or((&published, &published));
            if let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>()) {
                ports.extend(from..=to);
            }
        }
    }
    ports
}

/// The host's side of a port, or ports: `8080` in `127.0.0.1:8080:80/tcp` and in `published: 8080`.
fn published(port: &Value) -> Option<String> {
    match port {
        Value::String(short) => {
            let short = short.split('/').next()?;
            short.rsplit(':').nth(1).map(str::to_owned)
        }
        long => match long.get("published")? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        },
    }
}

/// The owner that all services with an owner have, when there are several, else nothing: what one
/// service says is no habit yet.
pub(super) fn only_owner(home: &Home) -> String {
    let Home::System(loaded) = home else {
        return String::new();
    };
    let resolved = loaded.system.written.resolved();
    let services = entries(resolved.get("services"));
    let owners: Vec<&str> = services
        .filter_map(|(_, service)| service.pointer("/x-msvc/owner")?.as_str())
        .collect();
    match owners.as_slice() {
        [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|other| other == first) => {
            unescaped(first)
        }
        _ => String::new(),
    }
}

/// The networks that every service of the system is on, in the order of the first one; none where
/// they are on the default network, as the new service is then. On any other it would be alone.
pub(super) fn shared_networks(home: &Home) -> Vec<String> {
    let Home::System(loaded) = home else {
        return Vec::new();
    };
    let of = |service: &Value| -> Vec<String> {
        let networks = entries(service.get("networks"));
        networks.map(|(name, _)| name.clone()).collect()
    };
    let resolved = loaded.system.written.resolved();
    let mut services = entries(resolved.get("services")).map(|(_, service)| of(service));
    let mut shared = services.next().unwrap_or_default();
    for networks in services {
        shared.retain(|name| networks.contains(name));
    }
    shared.retain(|name| name != "default");
    shared
}

/// The folder that holds the folders of the services that are built, when it is one; else
/// `services`, or the folder itself for a service alone.
pub(super) fn usual_folder(home: &Home, root: &Path) -> String {
    let loaded = match home {
        Home::Alone => return ".".to_owned(),
        Home::NoFile | Home::Blank(_) => return "services".to_owned(),
        Home::System(loaded) => loaded,
    };
    let folders: BTreeSet<PathBuf> = contexts(loaded)
        .into_iter()
        .filter(|context| context != root)
        .filter_map(|context| Some(context.parent()?.to_path_buf()))
        .collect();
    let inside = match folders.iter().collect::<Vec<_>>().as_slice() {
        [only] => only.strip_prefix(root).ok().map(Path::to_path_buf),
        _ => None,
    };
    match inside {
        Some(folder) if folder.as_os_str().is_empty() => ".".to_owned(),
        Some(folder) => folder.to_string_lossy().into_owned(),
        None => "services".to_owned(),
    }
}

/// Whether nothing of the system is built in that folder; not so of a service alone, of which nobody
/// can tell.
pub(super) fn is_built_nowhere_at(home: &Home, folder: &Path) -> bool {
    match home {
        Home::Alone => false,
        Home::NoFile | Home::Blank(_) => true,
        Home::System(loaded) => contexts(loaded).iter().all(|it| !it.starts_with(folder)),
    }
}

/// The folders that services are built in.
fn contexts(loaded: &Loaded) -> Vec<PathBuf> {
    let resolved = loaded.system.written.resolved();
    let contexts = entries(resolved.get("services"))
        .filter_map(|(_, service)| service.pointer("/build/context")?.as_str());
    let real = |context: &str| {
        let context = loaded.system.root.join(unescaped(context));
        context.canonicalize().unwrap_or(context)
    };
    contexts.map(real).collect()
}

/// A text of the resolved system as it was meant: dollar signs are doubled there.
fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}

fn entries(node: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    node.and_then(Value::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_are_found_in_every_form() {
        let ports = json!(["80", 81, "8080:80", "127.0.0.1:8081:80/udp", "[::1]:8082:80", "8090-8092:90-92",
            {"target": 80, "published": "8083"}, {"target": 80, "published": 8084}, {"target": 80}]);
        let resolved = json!({"services": {"a": {"ports": ports}, "b": {}}});
        let found: Vec<u16> = published_ports(&resolved).into_iter().collect();
        assert_eq!(found, [8080, 8081, 8082, 8083, 8084, 8090, 8091, 8092]);
    }
}
