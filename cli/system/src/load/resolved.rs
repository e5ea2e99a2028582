//! What the files of a project say, before anybody makes a system of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::{Map as Object, Value};

use super::model::Loading;
use super::set_where::SetWhere;
use super::{LoadRequest, name, or_report, sources};
use crate::canonical::Variables;
use crate::files::Files;
use crate::id::{ProjectName, ServiceName};
use crate::interpolate::Interpolation;
use crate::interpolate::variables::{self, Variable};
use crate::problem::{Problem, Problems};
use crate::settings_total::SettingsTotal;
use crate::typed::{Context, Given, Held};
use crate::unread::Unread;
use crate::yaml::{Key, Node, NodeValue};
use crate::{consistency, git_source, names_alone, normal_form, profiles};

mod endless;
mod printed;

/// What the files of a project say, before anybody makes a system of it.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What it is called.
    pub project: ProjectName,
    /// The files it was read from, first one first.
    pub files: Vec<PathBuf>,
    /// The project directory.
    pub root: PathBuf,
    /// What is set for interpolation: the caller's environment over `.env`.
    pub environment: BTreeMap<String, String>,
    /// Docker Compose's normal form of all of it: every service, whatever its profiles.
    pub normal: Object<String, Value>,
    /// The services that run, by their profiles.
    pub running: BTreeSet<String>,
    /// Whether what nobody wrote is added.
    is_normalized: bool,
    /// What the files call it, as they write it.
    name_written: Option<Value>,
    /// All files as one tree, in long form.
    pub(super) tree: Node,
    /// Services that rest, with the profiles that would run them.
    pub(super) resting: IndexMap<ServiceName, Vec<String>>,
    /// What files of settings give to the services that run.
    pub(super) given: Given,
    /// What is not known of it.
    pub(super) unread: Unread,
}

/// Services of a project that are asked for.
#[derive(Debug, Clone)]
pub struct Chosen {
    services: BTreeSet<String>,
    /// Whether by their names: what is left out then is not waited for.
    are_named: bool,
}

/// `None` when a step failed that the next ones need.
pub(super) fn resolve_into(
    request: &LoadRequest,
    files: &Files,
    set_where: &mut SetWhere,
    problems: &mut Problems,
) -> Option<Resolved> {
    let sources::Sources {
        paths,
        root,
        mut environment,
        places,
        set_in,
        are_settings_whole,
    } = sources::sources(request, files, problems)?;
    let documents = sources::read(&paths, &[], request.shown_from(), files, problems)?;
    let variables = if request.without.interpolation {
        Variables::Written
    } else {
        Variables::Replaced
    };
    let asked = request.project.as_deref();
    let set = Interpolation::new(&environment).set_in(&set_in);
    let set = set.below(&request.environment);
    let set = (&environment, places.get(name::VARIABLE), set);
    let is_normalized = !request.without.normalization;
    let project = name::name(asked, set, &documents, &root, variables, is_normalized);
    let project = match project {
        // A name may be made of what cannot be read.
        Err(_) if !are_settings_whole => return None,
        project => or_report(project, problems)?,
    };
    let name::Name {
        name: project,
        given,
    } = project;
    let called = match is_normalized {
        true => project.to_string(),
        false => given,
    };
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), called.clone());
    let fetching = git_source::as_switched(files, &environment);
    let mut loading = Loading {
        files: &fetching,
        shown_from: request.shown_from(),
        set_in: &set_in,
        outside: &request.environment,
        lenient: request.lenient,
        variables,
        way: Vec::new(),
        merged: 0,
        nodes: 0,
        written: 0,
        included: 0,
        settings: SettingsTotal::default(),
        unread: Unread::new(!are_settings_whole),
        held: Held::default(),
        set_where: SetWhere::default(),
    };
    let way = (!request.without.paths).then_some(root.as_path());
    let tree = loading.model_of(documents, (&root, way), &environment, problems);
    *set_where = loading.set_where;
    let tree = tree?;
    let empty = ["include", "version"];
    let mut said = tree.entries().iter();
    if problems.errors() == 0 && said.all(|(key, _)| empty.contains(&key.text.as_str())) {
        let what = "nothing is declared in the file";
        let problem = Problem::error(what).at(sources::begins(&paths, request.shown_from())?);
        problems.push(problem.hint("add `services`, or name another file"));
        return None;
    }
    let unread = loading.unread;
    let (told, before) = (unread.told(problems), problems.0.len());
    let name_written = tree.get("name").map(Node::to_json);
    let mut tree = named(tree, called);
    if request.without_msvc {
        forget_msvc(&mut tree);
    }
    if !names_alone::check(&tree, &environment, problems) {
        return None;
    }
    consistency::declared(&tree, &unread, problems);
    let asked = profiles_asked(request, &environment);
    let (running, resting) = profiles::select(&tree, &asked, &request.named, problems);
    let mut resolved = Resolved {
        project,
        files: paths,
        root,
        environment,
        normal: Object::new(),
        running,
        is_normalized,
        name_written,
        tree,
        resting,
        given: Given {
            held: loading.held,
            ..Given::default()
        },
        unread,
    };
    // Without interpolation there is no normal form: a text that holds a variable is no number yet.
    if !request.without.interpolation {
        let mut unread = std::mem::take(&mut resolved.unread);
        (resolved.normal, resolved.given) =
            normal(&resolved, request, files, &mut unread, problems);
        resolved.unread = unread;
        problems.forget_echoes(before, &told);
    }
    Some(resolved)
}

/// The normal form of what is resolved so far, and what contradicts itself there.
fn normal(
    resolved: &Resolved,
    request: &LoadRequest,
    files: &Files,
    unread: &mut Unread,
    problems: &mut Problems,
) -> (Object<String, Value>, Given) {
    let Resolved {
        tree,
        running,
        environment,
        ..
    } = resolved;
    let mut normal = normal_form::project(tree, problems);
    if !request.without.normalization {
        let project = resolved.project.as_str();
        normal_form::normalize::normalize(&mut normal, tree, project, Some(environment));
    }
    if !request.without.consistency {
        consistency::services(tree, |name| running.contains(name), unread, problems);
        normal_form::normalize::replicas(&mut normal, running);
    }
    let shown_from = request.shown_from();
    let context = Context::new(&resolved.root, shown_from, environment, files, tree);
    let context = context.lacking_settings(unread.settings);
    let mut given = Given {
        labels: normal_form::settings::labels(&mut normal, running, &context, problems),
        ..resolved.given.clone()
    };
    if !request.without.settings {
        let running = &resolved.running;
        given.environment =
            normal_form::settings::environment(&mut normal, running, &context, problems);
    }
    // Docker Compose prints it also where there are none.
    normal
        .entry("services")
        .or_insert_with(|| Object::new().into());
    normal_form::in_order(&mut normal);
    (normal, given)
}

impl Resolved {
    /// The names of all services, whether they run or not.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let services = self.tree.entries_of("services");
        let services = services.iter();
        services.map(|(key, _)| key.text.as_str())
    }

    /// The profiles that services name, each once, sorted.
    #[must_use]
    pub fn profiles(&self) -> Vec<String> {
        let services = self.tree.entries_of("services");
        let services = services.iter();
        let named = services.filter_map(|(_, service)| service.get("profiles"));
        let named: BTreeSet<String> = named
            .flat_map(|profiles| profiles.items().iter().filter_map(Node::text))
            .collect();
        named.into_iter().collect()
    }

    /// The models that the services that run name, by what they are.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        let services = self.tree.entries_of("services").iter();
        let running = services.filter(|(key, _)| self.running.contains(&key.text));
        let named: HashSet<&str> = running
            .flat_map(|(_, service)| service.entries_of("models"))
            .map(|(key, _)| key.text.as_str())
            .collect();
        let models = self.tree.entries_of("models").iter();
        models
            .filter(|(key, _)| named.contains(key.text.as_str()))
            .filter_map(|(_, model)| model.get("model")?.text())
            .collect()
    }

    /// The variables that stand in the tree, sorted by name, once each. There are none but where
    /// [`Without::interpolation`] leaves them.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let mut found = BTreeMap::new();
        variables::of_node(&self.tree, &mut found);
        found.into_values().collect()
    }
}

/// The tree with the system's name in it, first.
fn named(mut tree: Node, name: String) -> Node {
    let place = tree.place.clone();
    if let NodeValue::Map(entries) = &mut tree.value {
        entries.retain(|(key, _)| key.text != "name");
        let key = Key {
            text: "name".to_owned(),
            place: place.clone(),
        };
        let name = Node::new(place, NodeValue::String(name));
        entries.insert(0, (key, name));
    }
    tree
}

/// Takes every `x-msvc` away.
fn forget_msvc(node: &mut Node) {
    node.remove("x-msvc");
    match &mut node.value {
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(_, it)| forget_msvc(it)),
        NodeValue::Seq(items) => items.iter_mut().for_each(forget_msvc),
        _ => {}
    }
}

/// `--profile`, else `COMPOSE_PROFILES`.
fn profiles_asked(request: &LoadRequest, environment: &BTreeMap<String, String>) -> Vec<String> {
    if !request.profiles.is_empty() {
        return request.profiles.clone();
    }
    let set = environment
        .get("COMPOSE_PROFILES")
        .map_or("", String::as_str);
    // Without any it is the one without a name, which a service may have.
    set.split(',').map(|it| it.trim().to_owned()).collect()
}
