//! Centralised logging and distributed tracing: told by what the source of each part does, and by
//! what collects it. A collector that nothing writes to proves nothing.

use crate::agent;
use crate::code::Strings;
use crate::collector::collected;
use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::{TextFile, first, first_of_code, is_source, is_test};

/// Names of source that passes traces on.
const TRACES: [&str; 29] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_api",
    "opentelemetry_otlp",
    "opentelemetry_http",
    "opentelemetry_jaeger",
    "opentelemetry_instrumentation",
    "tracing_opentelemetry",
    "addopentelemetry",
    "globalopentelemetry",
    "otelhttp",
    "otelgrpc",
    "traceparent",
    "otlp",
    "zipkin",
    "jaeger",
    "opentracing",
    "ddtrace",
    "dd-trace",
    "datadog",
    "newrelic",
    "cloud.sleuth",
    "micrometer.tracing",
    "import brave",
    "elastic-apm",
    "elasticapm",
    "aws_xray_sdk",
    "aws-xray-sdk",
    "aws-xray-sdk-core",
];

/// How that is said.
const TRACING: &str = "traces";

/// Names of source that logs in a form that a machine reads.
const LOGS: [&str; 16] = [
    "tracing_subscriber",
    "slog.",
    "log/slog",
    "zerolog",
    "go.uber.org/zap",
    "structlog",
    "jsonlogger",
    "json_logger",
    "pythonjsonlogger",
    "winston",
    "pino",
    "bunyan",
    "logstash",
    "serilog",
    "semantic_logger",
    "lograge",
];

/// Names, and words of which one tells them how to write.
type Told = (&'static [&'static str], &'static [&'static str]);

/// Names of those that write plain text unless they are told otherwise, which the part's source or
/// settings do with one of the others.
const TOLD: [Told; 4] = [
    (
        &["slf4j", "logback", "log4j", "log4j2"],
        &[
            "logstashencoder",
            "logstash-logback-encoder",
            "jsonencoder",
            "jsonlayout",
            "jsontemplatelayout",
            "ecslayout",
            "ecsencoder",
            "logging.structured",
            "structured:",
        ],
    ),
    (&["logrus"], &["jsonformatter"]),
    (&["monolog"], &["jsonformatter", "logstashformatter"]),
    (
        &["ilogger"],
        &["addjsonconsole", "serilog", "nlog", "addopentelemetry"],
    ),
];

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "observability",
        "Logging is central, and traces cross services",
    );
    let tree = &repository.tree;
    if !tree.paths.iter().any(|path| source(path)) {
        finding.saw("there is no source code to look at");
        return finding.stands(
            Standing::Inconclusive,
            "run this where the services' code is",
        );
    }
    let parts = repository.contexts.all.len().max(1);
    let (tracing, _) = having(repository, &TRACES, &[], TRACING, &mut finding);
    let (logging, plain) = having(repository, &LOGS, &TOLD, "structured logs", &mut finding);
    finding.figure("parts", parts);
    finding.figure("parts_with_traces", tracing);
    finding.figure("parts_with_structured_logs", logging);
    let collectors = collected(repository);
    let there = !collectors.seen.is_empty();
    for (place, what) in collectors.seen {
        finding.saw_at(place, what);
    }
    let all = tracing.min(logging) == parts;
    let some = tracing + logging + plain > 0;
    if !some {
        let next = if there {
            "what may collect is there, but no part's source sends it anything: wire the parts first"
        } else {
            finding.saw(
                "no tracing or structured logging in any part's source, and nothing that collects",
            );
            "log in a structured form from every part, with a trace id, and collect it in one place"
        };
        return finding.stands(Standing::NotReady, next);
    }
    if all && collectors.is {
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
            "run what collects logs and traces beside the system, and send them there from every part"
        },
    )
}

/// How many parts have a source file with one of these names, or with one of those that must be
/// told to write what a machine reads, and are; and how many have one that nobody tells.
fn having(
    repository: &Repository,
    words: &[&str],
    told: &[Told],
    what: &str,
    finding: &mut Finding,
) -> (usize, usize) {
    let tree = &repository.tree;
    let contexts = &repository.contexts;
    let (mut having, mut plain) = (0, 0);
    for number in 0..contexts.all.len().max(1) {
        let inside = |path: &str| match contexts.all.is_empty() {
            true => contexts.may_run(path),
            false => contexts.of(path) == Some(number),
        };
        let all = tree.texts.iter().filter(|file| inside(&file.path));
        let all: Vec<&TextFile> = all.collect();
        let sources: Vec<&TextFile> = all.iter().copied().filter(|it| source(&it.path)).collect();
        let named = |words, strings| {
            sources
                .iter()
                .find_map(|it| first_of_code(it, words, strings))
        };
        let is_told = |(_, words): &&Told| all.iter().any(|file| first(file, words).is_some());
        let by_name = |(names, _): &Told| named(names, Strings::None);
        let name = contexts.name(number);
        let by = if name.is_empty() {
            String::new()
        } else {
            format!("{name}: ")
        };
        if what == TRACING
            && named(words, Strings::Arguments).is_none()
            && let Some((place, how)) = agent::of(repository, number, &all)
        {
            having += 1;
            finding.saw_at(place, format!("{by}{what} ({how})"));
            continue;
        }
        let is_so = named(words, Strings::Arguments)
            .or_else(|| told.iter().filter(is_told).find_map(by_name));
        let (hit, what) = if let Some(hit) = is_so {
            having += 1;
            (hit, what)
        } else if let Some(hit) = told.iter().find_map(by_name) {
            plain += 1;
            (
                hit,
                "logs, and nothing that is seen has them written for a machine",
            )
        } else {
            continue;
        };
        finding.saw_at(
            tree.place(&hit.file.path, hit.line),
            format!("{by}{what} (`{}`)", hit.word.trim_matches('.')),
        );
    }
    (having, plain)
}

fn source(path: &str) -> bool {
    is_source(path) && !is_test(path)
}
