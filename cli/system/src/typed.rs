//! The last step of loading: typed values out of the tree.
//!
//! What comes in: the merged, interpolated tree. What leaves: the services and volumes of the
//! model, without edges. Wrong forms are reported with their place, and the value takes its default, so
//! that one run shows all problems; so it does, in silence, where something is a list or mapping and
//! should not be, or none and should. What must not enter: decisions between files, unknown keys and
//! wrong kinds ([`crate::fields`] names them).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::files::Files;
use crate::id::{IdError, ServiceName};
use crate::model::{Placed, Service, ServiceExtension};
use crate::normal_path::normal;
use crate::problem::{Place, Problem, Problems};
use crate::settings_total::SettingsTotal;
use crate::volume_text;
use crate::yaml::{Key, Node, shorten};

mod build;
mod command;
mod depends_on;
pub(crate) mod environment;
pub(crate) mod files;
mod healthcheck;
mod hooks;
pub(crate) mod labels;
mod mounts;
mod networks;
mod others;
mod ports;
mod restart;
pub(crate) mod scalars;
mod volumes;
pub(crate) mod words;

pub(crate) use command::words_of;
pub(crate) use networks::networks;
pub(crate) use restart::is_restart_policy;
pub(crate) use volumes::volumes;

use scalars::{number, optional_text, texts};

/// Compose's default time between the stop signal and the kill.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// Replicas of one service; more is a mistake on one machine.
const MAX_REPLICAS: u32 = 100;
/// Ports that all services together may open: every port of a machine, and then some.
const MAX_PORTS: usize = 100_000;

/// What files of settings give to services, by name: read once, for whoever asks next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// What the files of `env_file` set.
    pub(crate) environment: HashMap<String, IndexMap<String, Placed<String>>>,
    /// What the files of `label_file` say.
    pub(crate) labels: HashMap<String, IndexMap<String, String>>,
    /// What variables hold that only included files know.
    pub(crate) held: Held,
}

/// What a secret or config of an included file holds by the variable that it names, by section and name.
pub(crate) type Held = HashMap<(&'static str, String), Arc<str>>;

/// What typed values are made with.
pub(crate) struct Context<'a> {
    /// The project directory, absolute.
    pub(crate) root: &'a Path,
    /// Where places are shown from.
    pub(crate) shown_from: &'a Path,
    /// What is set for interpolation: the caller's environment over `.env`.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// How files are read.
    pub(crate) files: &'a Files,
    /// All files as one tree.
    pub(crate) tree: &'a Node,
    /// The declared volumes.
    pub(crate) volumes: IndexMap<&'a str, &'a Node>,
    /// What files of settings cost so far.
    pub(crate) settings: SettingsTotal,
    /// What those that were read before gave.
    pub(crate) given: Given,
    /// Whether a file that sets variables for all cannot be read.
    pub(crate) lacks_settings: bool,
    /// Ports opened so far.
    ports: Cell<usize>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        root: &'a Path,
        shown_from: &'a Path,
        environment: &'a BTreeMap<String, String>,
        files: &'a Files,
        tree: &'a Node,
    ) -> Self {
        Self {
            root,
            shown_from,
            environment,
            files,
            tree,
            volumes: tree.named("volumes"),
            settings: SettingsTotal::default(),
            given: Given::default(),
            lacks_settings: false,
            ports: Cell::new(0),
        }
    }

    /// The same with what files of settings gave when they were read before.
    pub(crate) fn with(self, given: Given) -> Self {
        Self { given, ..self }
    }

    /// The same where a file that sets variables for all cannot be read, if one `lacks`.
    pub(crate) fn lacking_settings(self, lacks: bool) -> Self {
        Self {
            lacks_settings: lacks,
            ..self
        }
    }

    /// A path of the file, absolute: from the home folder when it begins with `~`, else from the
    /// project directory. A Windows path stays as it is.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        if volume_text::is_windows(text) {
            return PathBuf::from(text);
        }
        let home = self.environment.get("HOME").map(String::as_str);
        match (text.strip_prefix('~'), home) {
            (Some(""), Some(home)) => PathBuf::from(home),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                normal(&Path::new(home).join(rest.trim_start_matches('/')))
            }
            _ => normal(&self.root.join(text)),
        }
    }

    /// A file's name for messages.
    pub(crate) fn shown(&self, file: &Path) -> PathBuf {
        self.files.shown(file, self.shown_from)
    }

    /// Counts ports; whether they are still few enough.
    pub(crate) fn ports_left(&self, more: usize) -> bool {
        self.ports.set(self.ports.get().saturating_add(more));
        self.ports.get() <= MAX_PORTS
    }
}

/// The way from one folder to another, both absolute; empty where they are the same.
pub(crate) fn way(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (normal(from), normal(to));
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// That a name is none of a service.
fn misnamed(error: &IdError) -> Problem {
    match error {
        IdError::Service(name) => {
            let what = format!("`{}` is no service name", shorten(name));
            Problem::error(what).hint("letters, digits, `.`, `_` and `-`")
        }
        other => Problem::error(shorten(&other.to_string())),
    }
}

/// Every service of the tree that runs.
pub(crate) fn services(
    tree: &Node,
    context: &Context<'_>,
    running: &BTreeSet<String>,
    problems: &mut Problems,
) -> IndexMap<ServiceName, Service> {
    let mut services = IndexMap::new();
    for (key, node) in tree.entries_of("services") {
        if !running.contains(&key.text) {
            continue;
        }
        let name = match ServiceName::new(key.text.as_str()) {
            Ok(name) => name,
            Err(error) => {
                problems.push(misnamed(&error).at(key.place.clone()));
                continue;
            }
        };
        // What is no mapping the table of fields has refused.
        if node.as_map().is_none() {
            continue;
        }
        services.insert(name.clone(), service(name, key, node, context, problems));
    }
    services
}

fn service(
    name: ServiceName,
    key: &Key,
    node: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Service {
    let ports = ports::published(node.get("ports"), context, problems);
    let healthcheck = healthcheck::healthcheck(node.entry("healthcheck"), problems);
    let grace = wait(
        node.get("stop_grace_period"),
        "`stop_grace_period`",
        problems,
    );
    let exposed = ports::exposed(node.get("expose"), context, problems);
    let datagrams = ports::datagrams(&exposed, &ports);
    Service {
        place: key.place.clone(),
        image: image(node, problems),
        build: build::build(node.entry("build"), context, problems),
        entrypoint: words_of(node.get("entrypoint"), "`entrypoint`", problems),
        command: words_of(node.get("command"), "`command`", problems),
        environment: environment::environment(name.as_str(), node, context, problems),
        unset: environment::unset(node, context),
        command_place: command_place(key, node).clone(),
        working_dir: working_dir(node, problems),
        listens: exposed.tcp,
        told: Vec::new(),
        datagrams,
        ports,
        depends_on: depends_on::dependencies(node, problems),
        links: depends_on::links(node, problems),
        mounts: mounts::mounts(node, context, problems),
        files: files::files(node, context, problems),
        post_start: hooks::hooks(node, "post_start", context, problems),
        pre_stop: hooks::hooks(node, "pre_stop", context, problems),
        restart: restart::policy(node, problems),
        stop_grace_period: grace.unwrap_or(DEFAULT_GRACE),
        stop_signal: stop_signal(node, problems),
        replicas: replicas(node, problems),
        profiles: texts(node.get("profiles"), "`profiles`", problems),
        labels_of_files: node.entries_of("labels").is_empty(),
        labels: labels::labels(name.as_str(), node, context, problems),
        other_fields: others::others(node, healthcheck.is_some()),
        healthcheck,
        x_msvc: ServiceExtension::default(),
        name,
    }
}

/// Where the words stand that a service starts with.
fn command_place<'n>(key: &'n Key, node: &'n Node) -> &'n Place {
    let words = node.entry("entrypoint").or_else(|| node.entry("command"));
    words.map_or(&key.place, |(key, _)| &key.place)
}

/// The signal that asks it to end. Whether it is one is looked at when it is to start.
fn stop_signal(node: &Node, problems: &mut Problems) -> Option<Placed<String>> {
    let node = node.get("stop_signal")?;
    let value = optional_text(Some(node), "`stop_signal`", problems)?;
    let place = node.place.clone();
    if value.is_empty() {
        return None;
    }
    Some(Placed { value, place })
}

fn working_dir(node: &Node, problems: &mut Problems) -> Option<Placed<String>> {
    let (key, node) = node.entry("working_dir")?;
    let value = optional_text(Some(node), "`working_dir`", problems)?;
    Some(Placed {
        value,
        place: key.place.clone(),
    })
}

fn image(node: &Node, problems: &mut Problems) -> Option<Placed<String>> {
    let image = node.get("image")?;
    let value = optional_text(Some(image), "`image`", problems).filter(|text| !text.is_empty())?;
    Some(Placed {
        value,
        place: image.place.clone(),
    })
}

/// A duration; `None` when absent or wrong (which is reported).
pub(crate) fn wait(node: Option<&Node>, what: &str, problems: &mut Problems) -> Option<Duration> {
    let node = node.filter(|n| !n.is_null())?;
    let text = optional_text(Some(node), what, problems)?;
    match crate::duration::parse(&text) {
        Ok(duration) => Some(duration),
        Err(error) => {
            problems.push(
                Problem::error(format!(
                    "{what} is `{}`, which is no duration: {error}",
                    shorten(&text)
                ))
                .at(node.place.clone())
                .hint(match node.replaced {
                    Some(_) => crate::duration::ADVICE.to_owned(),
                    None => crate::duration::advice(&text),
                }),
            );
            None
        }
    }
}

fn replicas(node: &Node, problems: &mut Problems) -> u32 {
    let asked = node
        .get("scale")
        .or_else(|| node.at("/deploy/replicas"))
        .filter(|n| !n.is_null());
    match asked.map(|node| number(node, "the number of replicas", MAX_REPLICAS)) {
        Some(Ok(replicas)) => replicas,
        Some(Err(problem)) => {
            problems.push(problem);
            1
        }
        None => 1,
    }
}
