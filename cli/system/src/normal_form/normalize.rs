//! What a project says without writing it: the network `default`, names of what is declared, builds'
//! context and Dockerfile, and the dependencies that links and shared namespaces make.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map as Object, Value, json};

use crate::yaml::Node;

/// Adds it to the printed form of a project called `name`, of which `tree` is what is written. Names that
/// stand alone get what the `environment` has for them; without one they stay as they are written.
pub(crate) fn normalize(
    project: &mut Object<String, Value>,
    tree: &Node,
    name: &str,
    environment: Option<&BTreeMap<String, String>>,
) {
    project.insert("name".to_owned(), name.into());
    let mut uses_default = false;
    for (key, written) in tree.entries_of("services") {
        let services = project.get_mut("services");
        let service = services.and_then(|all| all.get_mut(&key.text));
        if let Some(Value::Object(service)) = service {
            uses_default |= networks(service, written);
            of_service(service, written, environment);
        }
    }
    if uses_default {
        let networks = project
            .entry("networks")
            .or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(networks) = networks {
            networks
                .entry("default")
                .or_insert_with(|| json!({"ipam": {}}));
            networks.sort_keys();
        }
    }
    for section in ["networks", "volumes", "configs", "secrets"] {
        let Some(Value::Object(entries)) = project.get_mut(section) else {
            continue;
        };
        let written = tree.named(section);
        for (key, entry) in entries {
            // What is declared and says nothing has a name all the same.
            if entry.is_null() {
                *entry = Value::Object(Object::new());
            }
            let Value::Object(entry) = entry else {
                continue;
            };
            // An empty name is one that is written.
            if written
                .get(key.as_str())
                .and_then(|it| it.get("name"))
                .is_none()
            {
                let external = entry.get("external") == Some(&Value::Bool(true));
                let called = if external {
                    key.clone()
                } else {
                    format!("{name}_{key}")
                };
                entry.shift_insert(0, "name".to_owned(), called.into());
            }
        }
    }
}

/// The networks that a service is on; whether `default` is among them.
fn networks(service: &mut Object<String, Value>, written: &Node) -> bool {
    // An empty text is one that is written.
    if written.get("provider").is_some() || written.get("network_mode").is_some() {
        return false;
    }
    let networks = service
        .entry("networks")
        .or_insert_with(|| json!({"default": null}));
    networks.get("default").is_some()
}

fn of_service(
    service: &mut Object<String, Value>,
    written: &Node,
    environment: Option<&BTreeMap<String, String>>,
) {
    if service.get("pull_policy") == Some(&json!("if_not_present")) {
        service.insert("pull_policy".to_owned(), "missing".into());
    }
    if let Some(Value::Object(build)) = service.get_mut("build") {
        let says = |field: &str| written.get("build").and_then(|it| it.get(field)).is_some();
        if !says("dockerfile") && !says("dockerfile_inline") {
            let after = usize::from(build.contains_key("context"));
            build.shift_insert(after, "dockerfile".to_owned(), "Dockerfile".into());
        }
        if let (Some(Value::Object(args)), Some(environment)) = (build.get_mut("args"), environment)
        {
            resolve(args, environment);
            args.retain(|_, value| !value.is_null());
        }
        if build
            .get("args")
            .and_then(Value::as_object)
            .is_some_and(Object::is_empty)
        {
            build.shift_remove("args");
        }
    }
    if let (Some(Value::Object(settings)), Some(environment)) =
        (service.get_mut("environment"), environment)
    {
        resolve(settings, environment);
    }
    for volume in service
        .get_mut("volumes")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Value::Object(volume) = volume {
            let target = volume.get("target").and_then(Value::as_str);
            let target = crate::volume_text::clean(target.unwrap_or_default());
            volume.insert("target".to_owned(), target.into());
        }
    }
    let implied = implied(service);
    if implied.is_empty() {
        return;
    }
    let dependencies = service
        .entry("depends_on")
        .or_insert_with(|| Value::Object(Object::new()));
    if let Value::Object(dependencies) = dependencies {
        for (name, restart) in implied {
            dependencies.entry(name).or_insert_with(|| {
                if restart {
                    json!({"condition": "service_started", "restart": true, "required": true})
                } else {
                    json!({"condition": "service_started", "required": true})
                }
            });
        }
    }
}

/// A name without a value takes it from what is set.
/// Writes the `scale` of each service that runs into its `deploy`, where it has one: Docker Compose does so
/// when it compares the two.
pub(crate) fn replicas(project: &mut Object<String, Value>, running: &BTreeSet<String>) {
    let services = project.get_mut("services").and_then(Value::as_object_mut);
    for (name, service) in services.into_iter().flatten() {
        let scale = service.get("scale").cloned();
        let deploy = service.get_mut("deploy").and_then(Value::as_object_mut);
        let (Some(scale), Some(deploy)) = (scale, deploy) else {
            continue;
        };
        if running.contains(name) && !deploy.contains_key("replicas") {
            let after = usize::from(deploy.contains_key("mode"));
            deploy.shift_insert(after, "replicas".to_owned(), scale);
        }
    }
}

/// Gives names that stand alone what the `environment` of the project has for them.
pub(super) fn resolve(
    settings: &mut Object<String, Value>,
    environment: &BTreeMap<String, String>,
) {
    for (name, value) in settings {
        if value.is_null()
            && let Some(set) = environment.get(name)
        {
            *value = set.as_str().into();
        }
    }
}

/// Services that one needs without saying so, and whether it is restarted with them.
fn implied(service: &Object<String, Value>) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    let texts = |key: &str| {
        let items = service
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        items.filter_map(Value::as_str)
    };
    for link in texts("links") {
        let name = match link.split(':').collect::<Vec<_>>().as_slice() {
            [name, _] => name,
            _ => link,
        };
        all.push((name.to_owned(), true));
    }
    for namespace in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        let text = service.get(namespace).and_then(Value::as_str);
        if let Some(name) = text.and_then(|text| text.strip_prefix("service:")) {
            all.push((name.to_owned(), true));
        }
    }
    for from in texts("volumes_from").filter(|from| !from.starts_with("container:")) {
        let name = from.split(':').next().unwrap_or(from);
        all.push((name.to_owned(), false));
    }
    all
}
