//! What traces a part from outside of its source: an agent or a launcher that its settings, its
//! Dockerfile or its scripts load, or what Spring Boot sets up by itself where it is told to trace.
//! A dependency alone proves nothing.

use msvc_system::problem::Place;

use crate::repository::Repository;
use crate::tree::{TextFile, first};

/// Words of commands and settings that load an agent.
const LOADED: [&str; 13] = [
    "opentelemetry-javaagent",
    "aws-opentelemetry-agent",
    "applicationinsights-agent",
    "elastic-apm-agent",
    "dd-java-agent",
    "skywalking-agent",
    "newrelic.jar",
    "opentelemetry-instrument",
    "auto-instrumentations-node/register",
    "dd-trace/init",
    "ddtrace-run",
    "newrelic-admin run-program",
    "otel_dotnet_auto_home",
];

/// Settings by which Spring Boot traces, and what of it must be there to do so.
const SPRING: [&str; 4] = [
    "management.tracing.",
    "management.zipkin.",
    "management.otlp.tracing",
    "spring.sleuth.",
];
const SPRING_TRACES: [&str; 4] = [
    "micrometer-tracing-bridge-",
    "spring-boot-starter-opentelemetry",
    "opentelemetry-spring-boot-starter",
    "spring-cloud-starter-sleuth",
];

/// The place that shows that a part, of which these are the files, is traced from outside, and how.
#[must_use]
pub fn of(repository: &Repository, part: usize, files: &[&TextFile]) -> Option<(Place, String)> {
    by_setting(repository, part, files).or_else(|| by_file(repository, files))
}

/// The agent that a command or setting, lower case, loads.
fn loaded(said: &str) -> Option<&'static str> {
    let is_jar = |word: &str| word.contains("agent") || word.ends_with(".jar");
    let ends = |word: &str| {
        let mut found = said.match_indices(word);
        found.any(|(at, _)| !said[at + word.len()..].starts_with(char::is_alphanumeric))
    };
    // One that is only copied or fetched is loaded by nobody.
    let is_so = |word: &&&str| ends(word) && (!is_jar(word) || said.contains("-javaagent:"));
    LOADED.iter().find(is_so).copied()
}

/// By a setting of a service that is built of the part.
fn by_setting(
    repository: &Repository,
    part: usize,
    files: &[&TextFile],
) -> Option<(Place, String)> {
    let services = repository.compose.iter().flat_map(|it| &it.services);
    let services = services.filter(|service| {
        let folder = service.build.as_ref();
        folder.is_some_and(|it| repository.contexts.of(&format!("{it}/x")) == Some(part))
    });
    for setting in services.flat_map(|service| &service.settings) {
        let key = setting.key.as_deref().unwrap_or_default().to_lowercase();
        let said = format!("{key}={}", setting.value.to_lowercase());
        if let Some(word) = loaded(&said) {
            return Some((setting.place.clone(), format!("`{word}`")));
        }
        let dotted = key.replace('_', ".");
        if SPRING.iter().any(|it| dotted.starts_with(it)) && has_spring(files) {
            return Some((setting.place.clone(), format!("`{dotted}`")));
        }
    }
    None
}

/// By a file of the part that loads one.
fn by_file(repository: &Repository, files: &[&TextFile]) -> Option<(Place, String)> {
    let name = |file: &TextFile| {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        name.to_lowercase()
    };
    let loads = |file: &&&TextFile| {
        let name = name(file);
        name.contains("dockerfile")
            || ["procfile", "package.json"].contains(&name.as_str())
            || name.ends_with(".sh")
    };
    for file in files.iter().filter(loads) {
        let is_loaded = |line: &str| {
            let line = line.trim_start().to_lowercase();
            let word = loaded(&line)?;
            let runs = ["cmd", "entrypoint", "env ", "\"", "exec ", "export "];
            let is_run =
                !name(file).contains("dockerfile") || runs.iter().any(|it| line.starts_with(it));
            let is_comment = line.starts_with('#') || line.starts_with("//");
            (is_run && !is_comment).then_some(word)
        };
        let mut lines = (1..).zip(file.text.lines());
        if let Some((line, word)) = lines.find_map(|(n, line)| Some((n, is_loaded(line)?))) {
            let place = repository.tree.place(&file.path, line);
            return Some((place, format!("`{word}`")));
        }
    }
    if !has_spring(files) {
        return None;
    }
    let settings = files
        .iter()
        .filter(|file| name(file).starts_with("application"));
    settings.into_iter().find_map(|file| {
        let hit = match file.path.ends_with(".properties") {
            true => first(file, &SPRING).map(|hit| hit.line),
            false => in_management(&file.text),
        };
        let place = repository.tree.place(&file.path, hit?);
        Some((place, "Spring Boot is told to trace".to_owned()))
    })
}

/// Whether the part's build takes in what Spring Boot traces with.
fn has_spring(files: &[&TextFile]) -> bool {
    let builds =
        |file: &&&TextFile| file.path.ends_with("pom.xml") || file.path.contains("build.gradle");
    let mut builds = files.iter().filter(builds);
    builds.any(|file| first(file, &SPRING_TRACES).is_some())
}

/// The line below `management:` of a YAML file that speaks of traces.
fn in_management(text: &str) -> Option<u32> {
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let said = line.trim();
        if said.is_empty() || said.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            inside = said.starts_with("management:");
            if SPRING.iter().any(|it| said.starts_with(it)) {
                return Some(number);
            }
        } else if inside
            && ["tracing:", "zipkin:"]
                .iter()
                .any(|it| said.starts_with(it))
        {
            return Some(number);
        }
    }
    None
}
