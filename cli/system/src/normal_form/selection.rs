//! Parts of a printed project: the services that run, those that are asked for with what they need,
//! and only what these use.

use std::collections::BTreeSet;

use serde_json::{Map as Object, Value};

/// Keeps the services `kept` says, and of what is declared only what they use, unless `all`
/// resources are wanted.
pub fn keep(project: &mut Object<String, Value>, kept: impl Fn(&str) -> bool, all: bool) {
    if let Some(Value::Object(services)) = project.get_mut("services") {
        services.retain(|name, _| kept(name));
    }
    if !all {
        only_used(project);
    }
}

/// The services named and all that they depend on, by name, of those that run.
///
/// # Errors
/// The name that no service has.
pub fn with_dependencies(
    project: &Object<String, Value>,
    named: &[String],
    runs: impl Fn(&str) -> bool,
) -> Result<BTreeSet<String>, String> {
    let services = project.get("services").and_then(Value::as_object);
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, bool)> = named.iter().map(|name| (name.clone(), true)).collect();
    while let Some((name, required)) = open.pop() {
        let service = services.and_then(|all| all.get(&name));
        let Some(service) = service.filter(|_| runs(&name)) else {
            if required {
                return Err(name);
            }
            continue;
        };
        if !found.insert(name) {
            continue;
        }
        let dependencies = service.get("depends_on").and_then(Value::as_object);
        for (name, dependency) in dependencies.into_iter().flatten() {
            let required = dependency.get("required") != Some(&Value::Bool(false));
            open.push((name.clone(), required));
        }
    }
    Ok(found)
}

/// Takes dependencies away that are not among the services.
pub fn forget_others(project: &mut Object<String, Value>, kept: &BTreeSet<String>) {
    let services = project.get_mut("services").and_then(Value::as_object_mut);
    for (_, service) in services.into_iter().flatten() {
        let Value::Object(service) = service else {
            continue;
        };
        if let Some(Value::Object(dependencies)) = service.get_mut("depends_on") {
            dependencies.retain(|name, _| kept.contains(name));
            if dependencies.is_empty() {
                service.shift_remove("depends_on");
            }
        }
    }
}

/// Keeps those networks, volumes, secrets, configs and models that a service uses.
fn only_used(project: &mut Object<String, Value>) {
    let mut used: [(&str, BTreeSet<String>); 5] =
        ["networks", "volumes", "secrets", "configs", "models"].map(|it| (it, BTreeSet::new()));
    let services = project.get("services").and_then(Value::as_object);
    for (_, service) in services.into_iter().flatten() {
        for (section, names) in &mut used {
            names.extend(uses(service, section));
        }
    }
    for (section, names) in used {
        let Some(Value::Object(entries)) = project.get_mut(section) else {
            continue;
        };
        entries.retain(|name, _| names.contains(name));
        if entries.is_empty() {
            project.shift_remove(section);
        }
    }
}

/// What a service uses of a section, by name.
fn uses(service: &Value, section: &str) -> Vec<String> {
    let of = |parent: &Value| {
        let value = parent.get(section);
        let keys = value.and_then(Value::as_object).into_iter().flatten();
        let keys = keys.map(|(key, _)| key.clone());
        let items = value.and_then(Value::as_array).into_iter().flatten();
        let items = items.filter(|item| {
            section != "volumes" || item.get("type").and_then(Value::as_str) == Some("volume")
        });
        let sources = items.filter_map(|item| item.get("source")?.as_str().map(str::to_owned));
        keys.chain(sources).collect::<Vec<_>>()
    };
    let mut all = of(service);
    if section == "secrets"
        && let Some(build) = service.get("build")
    {
        all.extend(of(build));
    }
    all
}
