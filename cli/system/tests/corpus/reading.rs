//! A loaded system in the form of `docker compose config --format json`, as far as it is modelled,
//! and how it differs from Compose's own.

use std::time::Duration;

use msvc_system::model::{Condition, HealthTest, Protocol, RestartPolicy, Service, System};
use serde_json::{Value, json};

/// Every difference, one line each. Paths below `root` are Compose's `/REPO`.
pub(crate) fn differences(system: &System, expected: &Value, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: String, ours: &Value, theirs: &Value| {
        if ours != theirs {
            found.push(format!("{what}: ours {ours}, Compose's {theirs}"));
        }
    };
    differ(
        "name".into(),
        &json!(system.name.as_str()),
        &expected["name"],
    );
    let services = expected["services"].as_object().unwrap();
    let names = |names: &mut dyn Iterator<Item = &str>| {
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        json!(names)
    };
    differ(
        "services".into(),
        &names(&mut system.services.keys().map(|name| name.as_str())),
        &names(&mut services.keys().map(String::as_str)),
    );
    for (name, theirs) in services {
        let Some(service) = system.service(name) else {
            continue;
        };
        for (field, ours, theirs) in fields(service, theirs, root) {
            differ(format!("{name}.{field}"), &ours, &theirs);
        }
    }
    found
}

fn fields(service: &Service, theirs: &Value, root: &str) -> Vec<(&'static str, Value, Value)> {
    let mut environment = theirs["environment"].clone();
    if let Some(fields) = environment.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let ours_environment: serde_json::Map<String, Value> = service
        .environment
        .iter()
        .map(|(key, value)| (key.clone(), text(&value.value)))
        .collect();
    vec![
        (
            "image",
            service
                .image
                .as_ref()
                .map_or(Value::Null, |i| text(&i.value)),
            theirs["image"].clone(),
        ),
        (
            "command",
            words(service.command.as_deref()),
            theirs["command"].clone(),
        ),
        (
            "entrypoint",
            words(service.entrypoint.as_deref()),
            theirs["entrypoint"].clone(),
        ),
        (
            "environment",
            Value::Object(ours_environment),
            or_empty(environment, json!({})),
        ),
        (
            "ports",
            ports(service),
            or_empty(theirs["ports"].clone(), json!([])),
        ),
        (
            "depends_on",
            depends_on(service),
            or_empty(theirs["depends_on"].clone(), json!({})),
        ),
        (
            "healthcheck",
            healthcheck(service),
            known_healthcheck(&theirs["healthcheck"]),
        ),
        (
            "restart",
            restart(service, theirs),
            theirs["restart"].clone(),
        ),
        (
            "build.context",
            build_context(service, root),
            theirs["build"]["context"].clone(),
        ),
        ("volumes", mounts(service, root), their_mounts(theirs)),
        (
            "working_dir",
            service
                .working_dir
                .as_ref()
                .map_or(Value::Null, |it| text(&it.value)),
            theirs["working_dir"].clone(),
        ),
        (
            "profiles",
            json!(service.profiles),
            or_empty(theirs["profiles"].clone(), json!([])),
        ),
    ]
}

/// Compose doubles dollar signs in what it prints.
fn text(text: &str) -> Value {
    json!(text.replace('$', "$$"))
}

fn or_empty(value: Value, empty: Value) -> Value {
    if value.is_null() { empty } else { value }
}

fn words(words: Option<&[String]>) -> Value {
    words.map_or(Value::Null, |words| {
        words.iter().map(|word| text(word)).collect()
    })
}

fn ports(service: &Service) -> Value {
    service
        .ports
        .iter()
        .map(|port| {
            let mut value = json!({"mode": "ingress", "target": port.target});
            if let Some(ip) = &port.host_ip {
                value["host_ip"] = json!(ip);
            }
            if let Some(published) = port.published {
                value["published"] = json!(published.to_string());
            }
            value["protocol"] = json!(match port.protocol {
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            });
            value
        })
        .collect()
}

fn depends_on(service: &Service) -> Value {
    let entries = service.depends_on.iter().map(|dependency| {
        let mut value = json!({
            "condition": match dependency.condition {
                Condition::ServiceStarted => "service_started",
                Condition::ServiceHealthy => "service_healthy",
                Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
            },
            "required": dependency.required,
        });
        if dependency.restart {
            value["restart"] = json!(true);
        }
        (dependency.service.to_string(), value)
    });
    Value::Object(entries.collect())
}

/// Durations in milliseconds; what Compose leaves out takes our default there too.
fn known_healthcheck(theirs: &Value) -> Value {
    let test = &theirs["test"];
    if test.is_null() || test[0] == "NONE" || theirs["disable"] == true {
        return Value::Null;
    }
    // With several texts after CMD-SHELL the shell takes them as its arguments.
    let mut test = test.as_array().cloned().unwrap_or_default();
    if test[0] == "CMD-SHELL" && test.len() > 2 {
        test.splice(..1, [json!("CMD"), json!("/bin/sh"), json!("-c")]);
    }
    let wait = |key: &str, default: u64| {
        theirs[key].as_str().map_or(default, |text| {
            let wait = msvc_system::duration::parse(text).unwrap();
            u64::try_from(wait.as_millis()).unwrap()
        })
    };
    json!({
        "test": test,
        "interval": wait("interval", 30_000),
        "timeout": wait("timeout", 30_000),
        "start_period": wait("start_period", 0),
        "retries": theirs["retries"].as_u64().unwrap_or(3),
    })
}

fn healthcheck(service: &Service) -> Value {
    let Some(check) = &service.healthcheck else {
        return Value::Null;
    };
    let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap();
    let test: Vec<Value> = match &check.test {
        HealthTest::Command(words) => [json!("CMD")]
            .into_iter()
            .chain(words.iter().map(|w| text(w)))
            .collect(),
        HealthTest::Shell(line) => vec![json!("CMD-SHELL"), text(line)],
    };
    json!({
        "test": test,
        "interval": millis(check.interval),
        "timeout": millis(check.timeout),
        "start_period": millis(check.start_period),
        "retries": check.retries,
    })
}

fn restart(service: &Service, theirs: &Value) -> Value {
    match service.restart {
        RestartPolicy::No if theirs["restart"].is_null() => Value::Null,
        // `deploy.restart_policy` is not shown as `restart`.
        _ if theirs["restart"].is_null() && !theirs["deploy"]["restart_policy"].is_null() => {
            Value::Null
        }
        RestartPolicy::No => json!("no"),
        RestartPolicy::Always => json!("always"),
        RestartPolicy::UnlessStopped => json!("unless-stopped"),
        RestartPolicy::OnFailure(None) => json!("on-failure"),
        RestartPolicy::OnFailure(Some(times)) => json!(format!("on-failure:{times}")),
    }
}

fn build_context(service: &Service, root: &str) -> Value {
    service.build.as_ref().map_or(Value::Null, |build| {
        below(&build.context.to_string_lossy(), root)
    })
}

fn below(path: &str, root: &str) -> Value {
    match path.strip_prefix(root) {
        Some(rest) => json!(format!("/REPO{rest}")),
        None => json!(path),
    }
}

fn mounts(service: &Service, root: &str) -> Value {
    use msvc_system::model::MountSource;
    let mounts = service.mounts.iter().filter_map(|mount| {
        let (kind, source) = match &mount.source {
            MountSource::Volume(name) => ("volume", json!(name)),
            MountSource::Bind(path) => ("bind", below(&path.to_string_lossy(), root)),
            MountSource::Anonymous => ("volume", Value::Null),
            MountSource::Tmpfs => return None,
        };
        Some(json!([kind, source, mount.target, mount.read_only]))
    });
    mounts.collect()
}

fn their_mounts(theirs: &Value) -> Value {
    let mounts = theirs["volumes"].as_array().cloned().unwrap_or_default();
    let mounts = mounts
        .iter()
        .filter(|mount| mount["type"] != "tmpfs")
        .map(|mount| {
            // A slash at the end of a path says nothing.
            let source = mount["source"]
                .as_str()
                .map(|path| match path.trim_end_matches('/') {
                    "" => "/",
                    path => path,
                });
            json!([
                mount["type"],
                source,
                mount["target"],
                mount["read_only"] == true
            ])
        });
    mounts.collect()
}
