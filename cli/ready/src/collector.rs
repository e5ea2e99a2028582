//! What collects logs and traces of the parts: something that runs, and that somebody sends to or
//! that fetches by itself.

use msvc_system::problem::Place;
use msvc_system::yaml::{self, Node};

use crate::compose::{Compose, Service, Setting, leads_to};
use crate::kubernetes::documents;
use crate::pipeline::is_pipeline;
use crate::repository::Repository;
use crate::tree::{TextFile, is_source, says_nothing};

/// Images that take in logs or traces, by their whole last name. What only stores or shows them
/// takes in nothing by itself.
const COLLECTORS: [&str; 27] = [
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "opentelemetry-collector-k8s",
    "otel-collector",
    "otelcol",
    "otel-lgtm",
    "jaeger",
    "jaeger-collector",
    "all-in-one",
    "zipkin",
    "zipkin-slim",
    "tempo",
    "loki",
    "fluentd",
    "fluent-bit",
    "logstash",
    "graylog",
    "signoz-otel-collector",
    "apm-server",
    "seq",
    "splunk",
    "aspire-dashboard",
    "openobserve",
    "uptrace",
    "skywalking-oap-server",
    "adot-collector",
    "aws-otel-collector",
];
/// Those that fetch what others write.
const FETCHERS: [&str; 11] = [
    "promtail",
    "fluent-bit",
    "fluentd",
    "filebeat",
    "vector",
    "alloy",
    "logspout",
    "agent",
    "datadog-agent",
    "grafana-agent",
    "logstash",
];
/// Where a machine keeps the logs of its containers.
const LOGS: [&str; 3] = ["/var/lib/docker", "/var/log", "docker.sock"];

/// Settings whose value is where logs or traces go.
const SENDS: [&str; 11] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_JAEGER_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "DD_AGENT_HOST",
    "DD_TRACE_AGENT_URL",
    "JAEGER_AGENT_HOST",
    "JAEGER_ENDPOINT",
    "FLUENTD-ADDRESS",
    "LOKI-URL",
];

/// What is there that collects.
#[derive(Debug, Default)]
pub struct Collected {
    /// Whether anything does.
    pub is: bool,
    /// What shows it, or why what is there does not.
    pub seen: Vec<(Place, String)>,
}

/// Looks for it in the Compose file, and in files of deployments.
#[must_use]
pub fn collected(repository: &Repository) -> Collected {
    let mut found = Collected::default();
    if let Some(compose) = &repository.compose {
        of_compose(compose, repository, &mut found);
    }
    of_files(repository, &mut found);
    found
}

fn of_compose(compose: &Compose, repository: &Repository, found: &mut Collected) {
    let services = &compose.services;
    for service in services {
        let Some(kind) = collector(service, repository) else {
            continue;
        };
        let (name, place) = (&service.name, service.place.clone());
        if let Some(why) = service.idle {
            found
                .seen
                .push((place, format!("{name} would collect, but {why}")));
            continue;
        }
        let others = || services.iter().filter(|other| other.name != *name);
        let sent = others().any(|other| other.leads_to(name)) || is_written(name, repository);
        let fetches = FETCHERS.contains(&kind.as_str()) && fetches(service);
        let said = match sent || fetches {
            true => format!("{name} collects"),
            false => format!("{name} would collect, but nothing that is seen sends it anything"),
        };
        found.is |= sent || fetches;
        found.seen.push((place, said));
    }
    let hosts: Vec<&str> = services.iter().map(|it| it.name.as_str()).collect();
    for service in services {
        if let Some((driver, place)) = &service.log_driver {
            found.is = true;
            let said = format!("{}'s log is sent elsewhere ({driver})", service.name);
            found.seen.push((place.clone(), said));
        }
        for setting in service.settings.iter().filter(|it| is_sent(it)) {
            // Inside the system it is the collector's own line that says whether it is there.
            if hosts.iter().any(|host| leads_to(&setting.value, host)) {
                continue;
            }
            found.is = true;
            let said = "logs or traces are sent somewhere".to_owned();
            found.seen.push((setting.place.clone(), said));
            return;
        }
    }
}

/// What a service is called that collects.
fn collector(service: &Service, repository: &Repository) -> Option<String> {
    let kind = service.kind();
    let known = |it: &str| COLLECTORS.contains(&it) || FETCHERS.contains(&it);
    // A part that is built here is what its source is, whatever its name.
    let is_part = service.build.as_ref().is_some_and(|folder| {
        let contexts = &repository.contexts.all;
        contexts.iter().any(|it| it.folders.contains(folder))
    });
    // Anybody's agent may be called so.
    let image = service.image.as_deref().unwrap_or_default();
    let is_ours = kind != "agent" || image.contains("datadog") || image.contains("grafana");
    (known(&kind) && !is_part && is_ours).then_some(kind)
}

/// Whether it reads the logs that the machine keeps.
fn fetches(service: &Service) -> bool {
    let mounts = service.mounts.iter();
    mounts
        .into_iter()
        .any(|it| LOGS.iter().any(|log| it.contains(log)))
}

/// Whether a file of the parts, or one for running them, leads to this host.
fn is_written(host: &str, repository: &Repository) -> bool {
    let compose = repository.compose.as_ref().map(|it| it.path.as_str());
    let is_prose = |path: &str| path.ends_with(".md") || path.ends_with(".txt");
    repository.tree.texts.iter().any(|file| {
        let path = file.path.as_str();
        repository.contexts.may_run(path)
            && Some(path) != compose
            && !is_prose(path)
            && !is_pipeline(path)
            && file.text.contains(host)
            && address(&file.text, host)
    })
}

/// Whether a text has an address of this host.
fn address(text: &str, host: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', '*']) && !line.starts_with("//"));
    lines.into_iter().any(|line| {
        let is_name = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
        line.match_indices(host).any(|(at, _)| {
            let after = &line[at + host.len()..];
            let url = line[..at].ends_with("//") && !after.starts_with(is_name);
            let port = after.strip_prefix(':');
            let port = port.is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
            url || (port && !line[..at].ends_with(is_name))
        })
    })
}

fn is_sent(setting: &Setting) -> bool {
    let key = setting.key.as_deref().unwrap_or_default();
    SENDS.contains(&key.to_uppercase().as_str()) && !setting.value.trim().is_empty()
}

/// What deployments other than by Compose say.
fn of_files(repository: &Repository, found: &mut Collected) {
    let tree = &repository.tree;
    for document in documents(tree).iter().filter(|it| it.is_workload()) {
        let kinds = document.images();
        let kinds = kinds.iter().map(|image| {
            let image = image.rsplit('/').next().unwrap_or(image);
            image.split([':', '@']).next().unwrap_or(image).to_owned()
        });
        let fetches = document.kind == "DaemonSet";
        let mut kinds = kinds.filter(|it| FETCHERS.contains(&it.as_str()));
        if let Some(kind) = kinds.next().filter(|_| fetches) {
            found.is = true;
            found
                .seen
                .push((document.place(tree), format!("{kind} collects")));
        }
    }
    let compose = repository.compose.as_ref().map(|it| it.path.as_str());
    let deployment = |path: &str| {
        !is_source(path)
            && Some(path) != compose
            && !is_pipeline(path)
            && [
                ".yml",
                ".yaml",
                ".toml",
                ".env",
                ".tf",
                ".properties",
                "Dockerfile",
            ]
            .iter()
            .any(|ending| path.ends_with(ending))
    };
    for file in tree.texts.iter().filter(|file| deployment(&file.path)) {
        if says_nothing(&file.text) {
            continue;
        }
        if let Some(line) = sent_line(tree.root.as_path(), file) {
            found.is = true;
            let place = tree.place(&file.path, line);
            found
                .seen
                .push((place, "logs or traces are sent somewhere".to_owned()));
            return;
        }
    }
}

/// The line of a file that says where logs or traces go.
fn sent_line(root: &std::path::Path, file: &TextFile) -> Option<u32> {
    let upper = file.text.to_uppercase();
    if !SENDS.iter().any(|it| upper.contains(it)) {
        return None;
    }
    if file.path.ends_with(".yml") || file.path.ends_with(".yaml") {
        for text in file.text.split("\n---") {
            if let Ok(node) = yaml::parse(&root.join(&file.path), text.as_bytes())
                && let Some(line) = sent_node(&node)
            {
                return Some(line);
            }
        }
    }
    // What is set by a sign: `KEY=value`, `key = "value"`, `ENV KEY value`.
    let lines = file.text.lines().enumerate();
    lines.into_iter().find_map(|(number, line)| {
        let line = line
            .trim()
            .trim_start_matches("ENV ")
            .trim_start_matches("export ");
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        let key = key.trim().trim_matches(['"', '\'']).to_uppercase();
        let is_it = SENDS.contains(&key.as_str()) && !value.is_empty();
        is_it.then(|| u32::try_from(number + 1).unwrap_or(u32::MAX))
    })
}

fn sent_node(node: &Node) -> Option<u32> {
    let is_it = |key: &str| SENDS.contains(&key.to_uppercase().as_str());
    let says = |node: &Node| node.text().is_none_or(|it| !it.trim().is_empty());
    // Kubernetes' way: `name` and `value`.
    let name = node.get("name").and_then(Node::text);
    let value = node.get("value").or_else(|| node.get("valueFrom"));
    if name.is_some_and(|it| is_it(&it)) && value.is_some_and(says) {
        return Some(node.place.line);
    }
    for (key, value) in node.entries() {
        if is_it(&key.text) && says(value) {
            return Some(key.place.line);
        }
        if let Some(line) = sent_node(value) {
            return Some(line);
        }
    }
    node.items().iter().find_map(sent_node)
}
