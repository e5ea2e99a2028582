//! The last steps: a system of what the files say. Typed values, `x-msvc`, references, edges.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{LoadRequest, Loaded, Resolved, hash};
use crate::files::Files;
use crate::id::{MESH, ServiceName};
use crate::model::{Service, System};
use crate::problem::{Problem, Problems};
use crate::typed::{self, Context};
use crate::written::Written;
use crate::yaml::{Key, Node};
use crate::{edges, references, xmsvc};

/// The system that `resolved` says.
pub(super) fn system(
    request: &LoadRequest,
    files: &Files,
    resolved: Resolved,
    problems: &mut Problems,
) -> Loaded {
    let told = problems.places();
    let before = problems.0.len();
    let Resolved {
        project,
        files: paths,
        root,
        environment,
        running,
        tree,
        resting,
        given,
        ..
    } = resolved;
    let shown_from = request.shown_from();
    let context = Context::new(&root, shown_from, &environment, files, &tree).with(given);
    let mut services = services(&tree, &context, &running, problems);
    let x_msvc = xmsvc::system(&tree, &context, problems);
    let volumes = typed::volumes(&tree, problems);
    let networks = typed::networks(&tree, problems);
    references::check(&mut services, &resting, problems);
    if services.is_empty() && !problems.has_errors() {
        problems.push(no_services(&tree, !resting.is_empty()));
    }
    let edges = edges::infer(&tree, &mut services, problems);
    problems.forget_echoes(before, &told);
    let mut system = System {
        name: project,
        files: paths,
        root: root.clone(),
        services,
        resting,
        volumes,
        networks,
        edges,
        x_msvc,
        written: Written::default(),
        hash: String::new(),
    };
    system.hash = hash::hash(&system);
    let resolved = escaped(tree.to_json());
    system.written = Written::of(tree);
    Loaded {
        system,
        warnings: Vec::new(),
        resolved,
    }
}

/// What is wrong with the `x-msvc` of who has one, for who makes no system of the files. What else a
/// system must have is not asked for.
pub(super) fn extensions(
    request: &LoadRequest,
    files: &Files,
    resolved: &Resolved,
    problems: &mut Problems,
) {
    let Resolved {
        root,
        environment,
        running,
        tree,
        given,
        ..
    } = resolved;
    let context = Context::new(root, request.shown_from(), environment, files, tree);
    drop(xmsvc::system(tree, &context, problems));
    let is_extended = |(_, node): &&(Key, Node)| node.get("x-msvc").is_some();
    let nodes: Vec<_> = tree
        .entries_of("services")
        .iter()
        .filter(is_extended)
        .collect();
    if nodes.is_empty() {
        return;
    }
    let context = context.with(given.clone());
    let services = typed::services(tree, &context, running, &mut Problems::default());
    for (name, node) in nodes {
        if let Some((_, service)) = services.iter().find(|(it, _)| it.as_str() == name.text) {
            drop(xmsvc::service(node, service, &context, problems));
        }
    }
}

/// The services that run, each with its `x-msvc`.
fn services(
    tree: &Node,
    context: &Context<'_>,
    running: &BTreeSet<String>,
    problems: &mut Problems,
) -> IndexMap<ServiceName, Service> {
    let mut services = typed::services(tree, context, running, problems);
    for (name, service) in &mut services {
        if name.as_str() == MESH {
            let what = format!("the service name `{MESH}` is taken: what carries the calls has it");
            let problem = Problem::error(what).at(service.place.clone());
            problems.push(problem.hint("give the service another name"));
        }
        let node = tree.get("services").and_then(|all| all.get(name.as_str()));
        if let Some(node) = node {
            service.x_msvc = xmsvc::service(node, service, context, problems);
        }
    }
    services
}

fn no_services(tree: &Node, resting: bool) -> Problem {
    let problem = Problem::error(if resting {
        "every service needs a profile, and none of them was asked for"
    } else {
        "the system has no services"
    });
    let entry = tree.entry("services");
    let place = entry.map_or(&tree.place, |(key, _)| &key.place);
    problem.at(place.clone()).hint(if resting {
        "add --profile NAME"
    } else {
        "write them under `services:`"
    })
}

/// Dollar signs doubled in every text, so that nothing is interpolated again.
fn escaped(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        serde_json::Value::Array(items) => {
            for item in items {
                *item = escaped(item.take());
            }
        }
        serde_json::Value::Object(fields) => {
            for field in fields.values_mut() {
                *field = escaped(field.take());
            }
        }
        _ => {}
    }
    value
}
