//! `x-msvc.process`: how a service is built and run as a host process.

use std::path::{Component, PathBuf};

use indexmap::IndexMap;

use super::{keys, mapping, settings};
use crate::forms::{scalar_text, want_text};
use crate::model::{BuildCommand, Placed, ProcessBuild, ProcessExtension, Service};
use crate::problem::{Problem, Problems};
use crate::typed::scalars::{flag_or_false, optional_text};
use crate::typed::{Context, words_of};
use crate::yaml::{Node, NodeValue, shorten};

/// A service's `x-msvc.process`, out of its `x-msvc`. `service` is the rest of it, read before.
pub(super) fn process(
    node: &Node,
    service: &Service,
    context: &Context<'_>,
    problems: &mut Problems,
) -> ProcessExtension {
    let what = "`x-msvc.process`";
    let Some(node) = mapping(node.get("process"), what, keys::PROCESS, problems) else {
        return ProcessExtension::default();
    };
    let working_dir = optional_text(
        node.get("working_dir"),
        "`x-msvc.process.working_dir`",
        problems,
    );
    ProcessExtension {
        build: node.get("build").and_then(|n| build(n, problems)),
        command: words_of(node.get("command"), "`x-msvc.process.command`", problems),
        command_place: node.entry("command").map(|(key, _)| key.place.clone()),
        working_dir: working_dir.map(|dir| context.path(&dir)),
        environment: settings(
            node.get("environment"),
            "`x-msvc.process.environment`",
            problems,
        ),
        port: node
            .get("port")
            .map(|n| port(n, service, problems))
            .unwrap_or_default(),
    }
}

fn build(node: &Node, problems: &mut Problems) -> Option<ProcessBuild> {
    let what = "`x-msvc.process.build`";
    match &node.value {
        NodeValue::Null => None,
        NodeValue::String(text) if text == "cargo" => Some(ProcessBuild::Cargo { bin: None }),
        NodeValue::String(text) if text == "none" => Some(ProcessBuild::Nothing),
        NodeValue::Map(_) => {
            mapping(Some(node), what, keys::BUILD, problems)?;
            if node.get("command").is_some() {
                return build_command(node, problems).map(ProcessBuild::Command);
            }
            let only_of_commands = ["path", "image"]
                .into_iter()
                .find_map(|key| node.entry(key));
            if let Some((key, _)) = only_of_commands {
                problems.push(
                    Problem::error(format!("{what} says what its command leaves, and has none"))
                        .at(key.place.clone())
                        .hint("name it as `command: [PROGRAM, ARGUMENT]`"),
                );
            }
            let bin = optional_text(node.get("cargo"), "`x-msvc.process.build.cargo`", problems);
            Some(ProcessBuild::Cargo { bin })
        }
        NodeValue::String(_) | NodeValue::Seq(_) => words_of(Some(node), what, problems)
            .filter(|words| !words.is_empty())
            .map(|command| BuildCommand {
                command,
                ..BuildCommand::default()
            })
            .map(ProcessBuild::Command),
        _ => {
            let problem = node.expected(what, "text, a list of texts or a mapping");
            problems.push(problem.hint("write `cargo`, `none` or `[program, argument]`"));
            None
        }
    }
}

/// `build: {command: [PROGRAM, ARGUMENT], path: FOLDER, image: true}`.
fn build_command(node: &Node, problems: &mut Problems) -> Option<BuildCommand> {
    let within = |key| format!("`x-msvc.process.build.{key}`");
    if let Some((key, _)) = node.entry("cargo") {
        problems.push(
            Problem::error("`x-msvc.process.build` names both a command and cargo".to_owned())
                .at(key.place.clone())
                .hint("what cargo builds needs no command"),
        );
    }
    let before = problems.0.len();
    let command = words_of(node.get("command"), &within("command"), problems).unwrap_or_default();
    let is_told = problems.0.len() > before;
    let path = optional_text(node.get("path"), &within("path"), problems).map(PathBuf::from);
    let climbs = |path: &PathBuf| {
        let mut parts = path.components();
        !parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    if let (true, Some(place)) = (path.as_ref().is_some_and(climbs), node.get("path")) {
        problems.push(
            Problem::error(format!("{} leaves the build context", within("path")))
                .at(place.place.clone())
                .hint("name a folder in it, like `build/bin`"),
        );
    }
    let image = flag_or_false(node.get("image"), &within("image"), problems);
    if command.is_empty() && is_told {
        return None;
    }
    if command.is_empty() {
        problems.push(
            Problem::error(format!("{} has no words", within("command")))
                .at(node.place.clone())
                .hint("name it as `command: [PROGRAM, ARGUMENT]`"),
        );
        return None;
    }
    Some(BuildCommand {
        command,
        path,
        image,
    })
}

/// `port: {"8080": LISTEN}`, or `port: LISTEN` where the service has one port.
fn port(node: &Node, service: &Service, problems: &mut Problems) -> IndexMap<u16, Placed<String>> {
    let what = "`x-msvc.process.port`";
    let mut ports = IndexMap::new();
    let mut take = |port: Option<u16>, variable: &Node| match (port, want_text(variable, what)) {
        (Some(port), Ok(value)) => {
            let place = variable.place.clone();
            ports.insert(port, Placed { value, place });
            None
        }
        (_, Err(problem)) => Some(problem),
        (None, Ok(variable_name)) => Some(
            Problem::error(format!(
                "{what} is `{}`, but which port that carries is not clear",
                shorten(&variable_name)
            ))
            .at(variable.place.clone())
            .hint("write `port: {\"8080\": VARIABLE}`"),
        ),
    };
    match &node.value {
        NodeValue::Null => {}
        NodeValue::Map(entries) => {
            for (key, variable) in entries {
                match key.text.parse::<u16>().ok().filter(|port| *port > 0) {
                    Some(port) => problems.0.extend(take(Some(port), variable)),
                    None => problems.push(
                        Problem::error(format!("`{}` is no port", shorten(&key.text)))
                            .at(key.place.clone())
                            .hint("write `port: {\"8080\": VARIABLE}`"),
                    ),
                }
            }
        }
        _ => {
            let variable = scalar_text(node).unwrap_or_default();
            problems.0.extend(take(only_port(service, &variable), node));
        }
    }
    ports
}

/// The port that a variable's value names (`0.0.0.0:8080`, `8080`), else the only one that the
/// service is known to listen on.
fn only_port(service: &Service, variable: &str) -> Option<u16> {
    let value = service.environment.get(variable).map(|v| v.value.as_str());
    let written = value
        .and_then(|value| value.rsplit(':').next())
        .and_then(|port| port.parse().ok())
        .filter(|port| *port > 0);
    let mut known: Vec<u16> = service.ports.iter().map(|port| port.target).collect();
    known.extend(&service.listens);
    known.sort_unstable();
    known.dedup();
    written.or(match *known.as_slice() {
        [port] => Some(port),
        _ => None,
    })
}
