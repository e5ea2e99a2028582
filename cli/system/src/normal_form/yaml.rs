//! The normal form as YAML, which leaves out what JSON cannot: unset commands, and mappings with
//! nothing in them that are always printed there. `x-…` fields of services are kept, and a limit of 0 is
//! written out, so that it can be read again.

use serde_json::{Map as Object, Value};

mod text;

/// The project as a tree to be written in YAML. `extensions` gives the `x-…` fields of a service.
#[must_use]
pub fn of(project: Value, mut extensions: impl FnMut(&str) -> Vec<(String, Value)>) -> Value {
    let Value::Object(project) = project else {
        return project;
    };
    let mut out = Object::new();
    let rank = |key: &str| {
        const ORDER: [&str; 7] = [
            "name", "services", "networks", "volumes", "secrets", "configs", "models",
        ];
        ORDER
            .iter()
            .position(|it| *it == key)
            .unwrap_or(ORDER.len())
    };
    let mut fields: Vec<_> = project.into_iter().collect();
    fields.sort_by_key(|(key, _)| rank(key));
    for (key, mut value) in fields {
        match key.as_str() {
            "services" => {
                for (name, service) in value.as_object_mut().into_iter().flatten() {
                    if let Value::Object(service) = service {
                        of_service(service);
                        service.extend(extensions(name));
                    }
                }
            }
            "networks" => {
                for (_, network) in value.as_object_mut().into_iter().flatten() {
                    if let Value::Object(network) = network {
                        without_empty(network, &["ipam"]);
                    }
                }
            }
            _ => {}
        }
        out.insert(key, value);
    }
    Value::Object(out)
}

/// A tree as YAML's text.
#[must_use]
pub fn text(value: &Value) -> String {
    text::written(value)
}

fn of_service(service: &mut Object<String, Value>) {
    without_commands(service);
    of_limits(service);
    if let Some(Value::Object(build)) = service.get_mut("build") {
        of_limits(build);
    }
    if let Some(Value::Object(deploy)) = service.get_mut("deploy") {
        without_empty(deploy, &["resources", "placement"]);
    }
    for hook in ["post_start", "pre_stop"] {
        for hook in items(service, hook) {
            without_commands(hook);
        }
    }
    if let Some(Value::Object(develop)) = service.get_mut("develop") {
        for trigger in items(develop, "watch") {
            if let Some(Value::Object(exec)) = trigger.get_mut("exec") {
                without_commands(exec);
            }
            without_empty(trigger, &["exec"]);
        }
    }
    if let Some(Value::Object(blkio)) = service.get_mut("blkio_config") {
        let devices = blkio.values_mut().filter_map(Value::as_array_mut).flatten();
        for device in devices.filter_map(Value::as_object_mut) {
            *device = std::mem::take(device)
                .into_iter()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect();
        }
    }
}

fn of_limits(fields: &mut Object<String, Value>) {
    let limits = fields.get_mut("ulimits").and_then(Value::as_object_mut);
    let limits = limits.into_iter().flat_map(Object::values_mut);
    for limit in limits.filter_map(Value::as_object_mut) {
        let both = ["soft", "hard"].map(|one| {
            let value = limit.remove(one);
            (one.to_owned(), value.unwrap_or_else(|| 0.into()))
        });
        *limit = both.into_iter().collect();
    }
}

fn items<'v>(
    fields: &'v mut Object<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'v mut Object<String, Value>> {
    let items = fields.get_mut(key).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn without_commands(fields: &mut Object<String, Value>) {
    for key in ["command", "entrypoint"] {
        if fields.get(key).is_some_and(Value::is_null) {
            fields.shift_remove(key);
        }
    }
}

fn without_empty(fields: &mut Object<String, Value>, keys: &[&str]) {
    for key in keys {
        if fields
            .get(*key)
            .and_then(Value::as_object)
            .is_some_and(Object::is_empty)
        {
            fields.shift_remove(*key);
        }
    }
}
