//! Centralised logging and distributed tracing: told by what the source of each part does, and by
//! what collects it. A collector that nothing writes to proves nothing.

use crate::code::Strings;
use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::{first_of_code, is_source, is_test, says_nothing};

/// Words of source that passes traces on.
const TRACES: [&str; 16] = [
    "opentelemetry",
    "traceparent",
    "tracing_opentelemetry",
    "otlp",
    "zipkin",
    "jaeger",
    "ddtrace",
    "dd-trace",
    "datadog",
    "newrelic",
    "sleuth",
    "micrometer.tracing",
    "brave.",
    "elastic-apm",
    "elasticapm",
    "xray",
];

/// Words of source that logs in a form that a machine reads.
const LOGS: [&str; 21] = [
    "tracing_subscriber",
    "slog.",
    "log/slog",
    "zerolog",
    "go.uber.org/zap",
    "logrus",
    "structlog",
    "jsonlogger",
    "json_logger",
    "winston",
    "pino",
    "bunyan",
    "logback",
    "logstash",
    "slf4j",
    "log4j",
    "serilog",
    "ilogger",
    "semantic_logger",
    "lograge",
    "monolog",
];

/// What collects logs or traces.
const COLLECTORS: [&str; 19] = [
    "otel",
    "opentelemetry",
    "jaeger",
    "zipkin",
    "tempo",
    "loki",
    "promtail",
    "fluentd",
    "fluent",
    "logstash",
    "elasticsearch",
    "opensearch",
    "kibana",
    "graylog",
    "vector",
    "signoz",
    "datadog",
    "agent",
    "grafana",
];

/// Settings that send to a collector, in any deployment file.
const SENDS: [&str; 6] = [
    "otel_exporter",
    "fluentd-address",
    "logging:",
    "loki-url",
    "dd_agent_host",
    "promtail",
];

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "observability",
        "Logging is central, and traces cross services",
    );
    let tree = &repository.tree;
    let source = |path: &str| is_source(path) && !is_test(path);
    if !tree.paths.iter().any(|path| source(path)) {
        finding.saw("there is no source code to look at");
        return finding.stands(
            Standing::Inconclusive,
            "run this where the services' code is",
        );
    }
    let contexts = &repository.contexts.all;
    let parts = contexts.len().max(1);
    let mut count = |words: &[&str], what: &str| {
        let mut having = 0;
        for number in 0..parts {
            let inside = |path: &str| {
                source(path)
                    && match contexts.is_empty() {
                        true => repository.contexts.may_run(path),
                        false => repository.contexts.of(path) == Some(number),
                    }
            };
            let hit = tree
                .texts
                .iter()
                .filter(|file| inside(&file.path))
                .find_map(|file| first_of_code(file, words, Strings::Arguments));
            if let Some(hit) = hit {
                having += 1;
                let name = repository.contexts.name(number);
                let by = if name.is_empty() {
                    String::new()
                } else {
                    format!("{name}: ")
                };
                finding.saw_at(
                    tree.place(&hit.file.path, hit.line),
                    format!("{by}{what} (`{}`)", hit.word.trim_matches('.')),
                );
            }
        }
        having
    };
    let tracing = count(&TRACES, "traces");
    let logging = count(&LOGS, "structured logs");
    finding.figure("parts", parts);
    finding.figure("parts_with_traces", tracing);
    finding.figure("parts_with_structured_logs", logging);
    let collectors: Vec<_> = repository
        .compose
        .iter()
        .flat_map(|compose| compose.of_kind(&COLLECTORS))
        .collect();
    for collector in &collectors {
        finding.saw_at(
            collector.place.clone(),
            format!("{} collects", collector.name),
        );
    }
    let deployment = |path: &str| {
        !is_source(path)
            && [".yml", ".yaml", ".toml", ".env", ".tf"]
                .iter()
                .any(|e| path.ends_with(e))
    };
    let sent = tree.find(&SENDS, deployment);
    let sent = sent.iter().find(|hit| !says_nothing(&hit.file.text));
    if let Some(hit) = sent {
        finding.saw_at(
            tree.place(&hit.file.path, hit.line),
            "logs or traces are sent somewhere",
        );
    }
    let collected = !collectors.is_empty() || sent.is_some();
    if tracing == 0 && logging == 0 {
        let why = if collected {
            "something collects, but no part's source sends it anything: wire the parts first"
        } else {
            "log in a structured form from every part, with a trace id, and collect it in one place"
        };
        if !collected {
            finding.saw(
                "no tracing or structured logging in any part's source, and nothing that collects",
            );
        }
        return finding.stands(Standing::NotReady, why);
    }
    if tracing == parts && logging == parts && collected {
        return finding.stands(
            Standing::Ready,
            "look at one trace of a whole order once a week",
        );
    }
    finding.stands(
        Standing::Partly,
        if tracing < parts {
            "pass `traceparent` on in every part, so that one request is one trace"
        } else if logging < parts {
            "log in a structured form in every part"
        } else {
            "name where logs and traces are collected, and run it beside the system"
        },
    )
}
