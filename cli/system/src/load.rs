//! Loading a system, in named steps: find, read, `.env`, name, interpolate, long forms, `extends`, merge,
//! fields, typed values, `x-msvc`, profiles, references, edges.
//!
//! What comes in: a [`LoadRequest`] and the [`Files`] to read with. What leaves: a [`Loaded`]
//! system with its warnings, or every problem found. Steps go on after a problem as long as what
//! they would say still means something. What must not enter: effects other than reading through
//! [`Files`]; the process's own environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::extends::Extending;
use crate::files::Files;
use crate::id::{MESH, ProjectName};
use crate::interpolate::Interpolation;
use crate::model::System;
use crate::problem::{Problem, Problems};
use crate::typed::{self, Context};
use crate::yaml::{Key, Node, NodeValue};
use crate::{edges, fields, forms, merge, profiles, references, xmsvc};

mod find;
mod hash;
mod name;
mod sources;
#[cfg(test)]
pub(crate) mod testing;

pub use sources::sources_of;

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The working directory, or `-C`; absolute.
    pub directory: PathBuf,
    /// The folder from which places name files, absolute; `directory` where not given.
    pub shown_from: Option<PathBuf>,
    /// `-f`, in order; empty to look for Compose's own names.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub project: Option<String>,
    /// `--profile`; `*` is all of them.
    pub profiles: Vec<String>,
    /// Services that are asked for by name: they run whatever their profiles.
    pub named: Vec<String>,
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
    /// Unknown keys are warnings.
    pub lenient: bool,
}

/// A loaded system.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The system.
    pub system: System,
    /// What the user should know, sorted by place.
    pub warnings: Vec<Problem>,
    /// The resolved Compose file: merged, interpolated, in long form, dollar signs escaped, so that
    /// it loads to the same again.
    pub resolved: serde_json::Value,
}

impl LoadRequest {
    fn shown_from(&self) -> &Path {
        self.shown_from.as_deref().unwrap_or(&self.directory)
    }
}

/// Loads a system.
///
/// # Errors
/// Every problem found, each with file, line and column where a file is to blame.
pub fn load(request: &LoadRequest, files: &Files) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let loaded = run(request, files, &mut problems);
    let problems = problems.settled(files, request.shown_from());
    match loaded {
        Some(loaded) if !problems.has_errors() => Ok(Loaded {
            warnings: problems.0,
            ..loaded
        }),
        _ => Err(problems),
    }
}

/// `None` when a step failed that the next ones need.
fn run(request: &LoadRequest, files: &Files, problems: &mut Problems) -> Option<Loaded> {
    let (paths, root, environment) = sources::sources(request, files, problems)?;
    let trees = sources::read(&paths, request.shown_from(), files, problems)?;
    let project = or_report(
        name::name(request.project.as_deref(), &environment, &trees, &root),
        problems,
    )?;
    let mut environment = environment;
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), project.to_string());

    let interpolation = Interpolation::new(&environment);
    let mut extending = Extending::new(files, request.shown_from(), interpolation);
    let tree = one_tree(trees, &paths, &root, &mut extending, problems)?;
    let tree = named(tree, &project);
    fields::check(&tree, request.lenient, problems);
    system(
        request,
        files,
        project,
        paths,
        &root,
        &environment,
        &tree,
        problems,
    )
}

/// Steps 5 to 8: variables replaced, short forms lengthened, `extends` followed, files merged.
fn one_tree(
    mut trees: Vec<Node>,
    paths: &[PathBuf],
    root: &Path,
    extending: &mut Extending<'_, '_>,
    problems: &mut Problems,
) -> Option<Node> {
    for (tree, path) in trees.iter_mut().zip(paths) {
        extending.interpolation.tree(tree, problems);
        forms::lengthen(tree, problems);
        extending.resolve(tree, path, root, problems);
    }
    merge::merge(trees, problems)
}

/// The tree with the system's name in it, first.
fn named(mut tree: Node, project: &ProjectName) -> Node {
    let place = tree.place.clone();
    if let NodeValue::Map(entries) = &mut tree.value {
        entries.retain(|(key, _)| key.text != "name");
        let key = Key {
            text: "name".to_owned(),
            place: place.clone(),
        };
        let name = Node::new(place, NodeValue::String(project.to_string()));
        entries.insert(0, (key, name));
    }
    tree
}

/// Typed values, `x-msvc`, profiles, references and edges.
#[expect(
    clippy::too_many_arguments,
    reason = "each is the result of one step before it; a struct would only rename them"
)]
fn system(
    request: &LoadRequest,
    files: &Files,
    project: ProjectName,
    paths: Vec<PathBuf>,
    root: &Path,
    environment: &BTreeMap<String, String>,
    tree: &Node,
    problems: &mut Problems,
) -> Option<Loaded> {
    let context = Context::new(root, request.shown_from(), environment, files, tree);
    unsupported_sections(tree, problems);
    let mut services = typed::services(tree, &context, problems);
    for (name, service) in &mut services {
        if name.as_str() == MESH {
            let what = format!("the service name `{MESH}` is taken: what carries the calls has it");
            let problem = Problem::error(what).at(service.place.clone());
            problems.push(problem.hint("give the service another name"));
        }
        let node = tree.get("services").and_then(|all| all.get(name.as_str()));
        if let Some(node) = node {
            service.x_msvc = xmsvc::service(node, service, &context, problems);
            runnable(node, service, problems);
        }
    }
    let x_msvc = xmsvc::system(tree, &context, problems);
    let volumes = typed::volumes(tree, problems);
    let networks = typed::networks(tree, problems);
    references::networks(tree, problems);

    let asked = profiles_asked(request, environment);
    profiles::unknown(&services, &asked, problems);
    let (mut services, resting) = profiles::select(services, &asked, &request.named);
    references::check(&mut services, &resting, problems);
    if services.is_empty() && !problems.has_errors() {
        problems.push(no_services(tree, !resting.is_empty()));
    }
    let edges = edges::infer(tree, &mut services, problems);
    let mut system = System {
        name: project,
        files: paths,
        root: root.to_path_buf(),
        services,
        resting,
        volumes,
        networks,
        edges,
        x_msvc,
        hash: String::new(),
    };
    system.hash = hash::hash(&system);
    Some(Loaded {
        system,
        warnings: Vec::new(),
        resolved: escaped(tree.to_json()),
    })
}

fn unsupported_sections(tree: &Node, problems: &mut Problems) {
    if let Some((key, node)) = tree.entry("include")
        && !node.is_null()
    {
        problems.push(fields::not_supported(
            "`include`",
            &key.place,
            "name the files with -f FILE -f FILE",
        ));
    }
}

fn runnable(node: &Node, service: &crate::model::Service, problems: &mut Problems) {
    let has_source = service.image.is_some() || service.build.is_some();
    let runs = service.x_msvc.process.command.is_some() || node.get("provider").is_some();
    // A wrong `image` or `build` has been reported already.
    let written = |key: &str| node.get(key).is_some_and(|n| !n.is_null());
    if !has_source && !runs && !written("image") && !written("build") {
        let what = format!(
            "the service `{}` has neither `image` nor `build`",
            service.name
        );
        problems.push(
            Problem::error(what)
                .at(service.place.clone())
                .hint("say what it is made of, or how it runs with `x-msvc.process.command`"),
        );
    } else if service.image.is_none() && written("image") && service.build.is_none() && !runs {
        let what = format!("the `image` of the service `{}` is empty", service.name);
        let place = node
            .get("image")
            .map_or(&service.place, |image| &image.place);
        problems.push(Problem::error(what).at(place.clone()));
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

fn profiles_asked(request: &LoadRequest, environment: &BTreeMap<String, String>) -> Vec<String> {
    let set = environment
        .get("COMPOSE_PROFILES")
        .map_or("", String::as_str);
    let set = set.split(',').map(str::trim).filter(|p| !p.is_empty());
    request
        .profiles
        .iter()
        .cloned()
        .chain(set.map(str::to_owned))
        .collect()
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

fn or_report<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

#[cfg(test)]
mod given;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;
