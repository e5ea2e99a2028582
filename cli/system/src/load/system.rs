//! The last steps: a system of what the files say. Typed values, `x-msvc`, references, edges.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{LoadRequest, Loaded, Resolved};
use crate::files::Files;
use crate::id::{MESH, ServiceName};
use crate::model::{Service, System};
use crate::problem::{Problem, Problems};
use crate::typed::{self, Context};
use crate::written::Written;
use crate::yaml::{Key, Node};
use crate::{edges, own_containers, references, xmsvc};

/// The system that `resolved` says.
pub(super) fn system(
    request: &LoadRequest,
    files: &Files,
    resolved: Resolved,
    problems: &mut Problems,
) -> Loaded {
    let told = resolved.unread.told(problems);
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
        normal,
        unread,
        ..
    } = resolved;
    // Nobody asks for it any more, and it may be as large as all that follows.
    drop(normal);
    let shown_from = request.shown_from();
    let context = Context::new(&root, shown_from, &environment, files, &tree).with(given);
    let mut services = services(&tree, &context, &running, problems);
    own_containers::resolve(&project, &mut services, problems);
    let x_msvc = xmsvc::system(&tree, &context, problems);
    let volumes = typed::volumes(&tree, problems);
    let networks = typed::networks(&tree, problems);
    references::check(&mut services, &resting, &unread, problems);
    if services.is_empty() && !request.may_be_empty && !problems.has_errors() {
        problems.push(no_services(&tree, !resting.is_empty()));
    }
    let edges = edges::infer(&tree, &mut services, problems);
    problems.forget_echoes(before, &told);
    let system = System {
        name: project,
        files: paths,
        root: root.clone(),
        services,
        resting,
        volumes,
        networks,
        edges,
        x_msvc,
        written: Written::of(tree),
    };
    Loaded {
        system,
        warnings: Vec::new(),
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
        resting,
        given,
        unread,
        ..
    } = resolved;
    let context = Context::new(root, request.shown_from(), environment, files, tree);
    drop(xmsvc::system(tree, &context, problems));
    let has_one = |(_, node): &(Key, Node)| node.get("x-msvc").is_some();
    if !tree.entries_of("services").iter().any(has_one) {
        return;
    }
    let context = context.with(given.clone());
    let mut services = typed::services(tree, &context, running, &mut Problems::default());
    extend(&mut services, &context, problems);
    references::calls(&services, resting, unread, problems);
}

/// The services that run, each with its `x-msvc`.
fn services(
    tree: &Node,
    context: &Context<'_>,
    running: &BTreeSet<String>,
    problems: &mut Problems,
) -> IndexMap<ServiceName, Service> {
    let mut services = typed::services(tree, context, running, problems);
    if let Some(service) = services.get(MESH) {
        let what = format!("the service name `{MESH}` is taken: what carries the calls has it");
        let problem = Problem::error(what).at(service.place.clone());
        problems.push(problem.hint("give the service another name"));
    }
    extend(&mut services, context, problems);
    services
}

/// Gives each service the `x-msvc` that it has.
fn extend(
    services: &mut IndexMap<ServiceName, Service>,
    context: &Context<'_>,
    problems: &mut Problems,
) {
    let nodes = context.tree.named("services");
    for (name, service) in services {
        if let Some(node) = nodes.get(name.as_str()) {
            service.x_msvc = xmsvc::service(node, service, context, problems);
        }
    }
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
