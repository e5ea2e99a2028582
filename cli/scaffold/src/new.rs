//! From a request to a plan: every file in memory and the changed Compose file, nothing written. What a
//! run that was killed left where the service goes is cleared away first, however this one ends.
//!
//! A [`Draft`] knows where the service goes and what is asked; when it has its answers it becomes a
//! [`Plan`], whose `Display` is what `--dry-run` shows.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::value::Value;
use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, Loaded};
use msvc_system::shown_path::shown_path;

use crate::answers::{self, Answers, FOLDER, PORT};
use crate::diff;
use crate::error::ScaffoldError;
use crate::names;
use crate::place;
use crate::render::{self, Facts, File};
use crate::template::{Question, Template, find};
use crate::workspace;

mod compose;
mod in_the_way;
mod known;

/// Ports that are proposed: from the usual one up.
const PORTS: std::ops::RangeInclusive<u16> = 8080..=8999;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The service's name.
    pub name: String,
    /// The template's.
    pub template: String,
    /// Answers given: `--set KEY=VALUE`.
    pub set: Vec<(String, String)>,
    /// The service only: no system is read or changed.
    pub alone: bool,
    /// How the system is found.
    pub load: LoadRequest,
}

/// Where the service goes.
#[derive(Debug, Clone)]
enum Home {
    /// Into a folder, with nothing around it.
    Alone,
    /// Into a folder that has no Compose file yet.
    NoFile,
    /// Into a Compose file that names no service yet: a comment, a name.
    Blank(PathBuf),
    /// Into this system.
    System(Box<Loaded>),
}

/// A service that is being thought about.
#[derive(Debug)]
pub struct Draft {
    request: Request,
    template: Template,
    home: Home,
    /// The folder that the service's folder is seen from; a real path.
    root: PathBuf,
    boundary: PathBuf,
    questions: Vec<Question>,
    answers: Answers,
    defaults: Facts,
    /// Ports of the host that other services are published at.
    taken: BTreeSet<u16>,
    files: Arc<Files>,
}

/// All that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The service's name.
    pub name: String,
    /// The template's.
    pub template: String,
    /// The folder that shown paths are seen from: where the user stands.
    pub shown_from: PathBuf,
    /// The service's folder; it does not exist.
    pub target: PathBuf,
    /// What goes into it.
    pub files: Vec<File>,
    /// Where pacts go.
    pub contracts: PathBuf,
    /// The pacts, none of which exists.
    pub pacts: Vec<File>,
    /// The Compose file, where there is to be one.
    pub compose: Option<ComposeChange>,
    /// The port at which the host calls the service.
    pub port: Option<u16>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A Compose file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeChange {
    /// The file.
    pub path: PathBuf,
    /// As it is; `None` where there is none.
    pub before: Option<Vec<u8>>,
    /// As it will be.
    pub after: Vec<u8>,
    /// The JSON Schema that a new one names to editors, beside it; `None` where one is there.
    pub schema: Option<PathBuf>,
}

impl Draft {
    /// Begins: the name is good and free, the template is there, the system is read, and what was
    /// given fits. `port_is_free` tells whether a port of this machine can be had.
    ///
    /// # Errors
    /// With the first of these that is not so.
    pub fn begin(
        mut request: Request,
        files: Arc<Files>,
        port_is_free: &dyn Fn(u16) -> bool,
    ) -> Result<Self, ScaffoldError> {
        // Nothing is started here, and the new service needs no profile.
        request.load.may_be_empty = true;
        names::check(&request.name)?;
        let template = find(&request.template)?;
        known::no_crate_of(&template, &request.name)?;
        let home = home(&request, &files)?;
        let root = match &home {
            Home::System(loaded) => real(&loaded.system.root)?,
            Home::Blank(path) => real(path.parent().unwrap_or(&request.load.directory))?,
            Home::Alone | Home::NoFile => real(&request.load.directory)?,
        };
        let boundary = place::boundary(&root);
        in_the_way::clear_leftovers(&request, &home, &root, &boundary);
        let mut taken = BTreeSet::new();
        if let Home::System(loaded) = &home {
            known::no_service_of(loaded, &request.name)?;
            taken = known::published_ports(&loaded.system.written.resolved());
        }
        let mut draft = Self {
            boundary,
            questions: answers::questions(&template, request.alone),
            answers: Answers::new(),
            defaults: Facts::new(),
            taken,
            root,
            home,
            template,
            request,
            files,
        };
        for (key, value) in draft.request.set.clone() {
            draft.answer(&key, &value)?;
        }
        draft.defaults = draft.proposed(port_is_free)?;
        Ok(draft)
    }

    /// What is proposed where nothing is answered.
    fn proposed(&self, port_is_free: &dyn Fn(u16) -> bool) -> Result<Facts, ScaffoldError> {
        let mut facts = Facts::new();
        let mut put = |key: &str, value: String| facts.insert(key.to_owned(), Value::from(value));
        put("name", self.request.name.clone());
        put("owner", known::only_owner(&self.home));
        put("folder", known::usual_folder(&self.home, &self.root));
        if !self.request.alone && !self.answers.contains_key(PORT) {
            let free = |port: &u16| !self.taken.contains(port) && port_is_free(*port);
            let port = PORTS.into_iter().find(free).ok_or(ScaffoldError::Ports {
                from: *PORTS.start(),
                to: *PORTS.end(),
            })?;
            put("port", port.to_string());
        }
        Ok(facts)
    }

    /// What is not answered yet, each with what is proposed.
    ///
    /// # Errors
    /// When a default of the template cannot be rendered.
    pub fn open_questions(&self) -> Result<Vec<(Question, String)>, ScaffoldError> {
        let open = self
            .questions
            .iter()
            .filter(|q| !self.answers.contains_key(&q.key));
        open.map(|question| Ok((question.clone(), self.default(question)?)))
            .collect()
    }

    fn default(&self, question: &Question) -> Result<String, ScaffoldError> {
        let shown = format!("{}/template.yaml", self.template.name);
        render::text(&shown, &question.default, &self.defaults)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When it is not asked, or the answer does not fit.
    pub fn answer(&mut self, key: &str, value: &str) -> Result<(), ScaffoldError> {
        let question = answers::question(&self.questions, &self.template.name, key)?;
        let value = answers::check(question, value)?;
        if key == PORT && value.parse().is_ok_and(|port| self.taken.contains(&port)) {
            return Err(ScaffoldError::Answer {
                key: key.to_owned(),
                value,
                why: "another service of the Compose file is published there".to_owned(),
            });
        }
        self.answers.insert(key.to_owned(), value);
        Ok(())
    }

    /// The plan, with what is proposed for what was not answered.
    ///
    /// # Errors
    /// When the target is taken or out of bounds, or the Compose file cannot take the service.
    pub fn plan(mut self) -> Result<Plan, ScaffoldError> {
        for (question, default) in self.open_questions()? {
            self.answer(&question.key, &default)?;
        }
        let folder = self.answers.get(FOLDER).cloned().unwrap_or_default();
        let parent = place::folder(&self.root, Path::new(&folder), &self.boundary);
        let parent = parent.map_err(|error| in_the_way::no_folder(error, &folder))?;
        let target = parent.join(&self.request.name);
        place::is_free(&target).map_err(|error| self.of_target(error))?;
        let workspace = workspace::above(&target)?;
        known::no_package_of(workspace.as_ref(), &self.request.name)?;
        let member = workspace.as_ref().is_some_and(|workspace| workspace.takes);

        let contracts = self.contracts(&target)?;
        let facts = self.facts(&target, &contracts, member);
        let mut files = render::files(&self.template, "files", &facts)?;
        if member {
            // The lock file of the workspace holds for it.
            files.retain(|file| file.path != "Cargo.lock");
        }
        let pacts = render::files(&self.template, "pacts", &facts)?;
        for pact in &pacts {
            place::is_free(&contracts.join(&pact.path)).map_err(in_the_way::of_pact)?;
        }
        let compose = match &self.home {
            Home::Alone => None,
            Home::NoFile => Some(self.new_compose(&facts)?),
            Home::Blank(path) => Some(self.filled_compose(path, &facts)?),
            Home::System(loaded) => Some(self.changed_compose(loaded, &facts)?),
        };
        let port = self.answers.get(PORT).and_then(|port| port.parse().ok());
        let load = &self.request.load;
        let shown_from = load
            .shown_from
            .clone()
            .unwrap_or_else(|| load.directory.clone());
        Ok(Plan {
            notes: notes(&compose, workspace.as_ref(), &shown_from),
            name: self.request.name,
            template: self.template.name,
            shown_from,
            target,
            files,
            contracts,
            pacts,
            compose,
            port,
        })
    }

    /// Where pacts go: where the system keeps them, else beside the Compose file, else with the
    /// service.
    fn contracts(&self, target: &Path) -> Result<PathBuf, ScaffoldError> {
        const USUAL: &str = "contracts/pacts";
        match &self.home {
            Home::Alone => Ok(target.join(USUAL)),
            Home::NoFile | Home::Blank(_) => {
                place::folder(&self.root, Path::new(USUAL), &self.boundary)
            }
            Home::System(loaded) => match &loaded.system.x_msvc.contracts {
                None => place::folder(&self.root, Path::new(USUAL), &self.boundary),
                Some(named) => {
                    let relative = place::way(&loaded.system.root, &named.value);
                    place::folder(&self.root, Path::new(&relative), &self.boundary)
                }
            },
        }
    }

    fn facts(&self, target: &Path, contracts: &Path, member: bool) -> Facts {
        let answers = self.answers.iter();
        let mut facts: Facts = answers
            .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
            .collect();
        let name = &self.request.name;
        let mut put = |key: &str, value: Value| facts.insert(key.to_owned(), value);
        put("name", Value::from(name.as_str()));
        put("crate_name", Value::from(names::crate_name(name)));
        put("alone", Value::from(self.request.alone));
        put("member", Value::from(member));
        put("networks", Value::from(known::shared_networks(&self.home)));
        put("path", Value::from(place::way(&self.root, target)));
        put("contracts", Value::from(place::way(&self.root, contracts)));
        put(
            "pacts_from_service",
            Value::from(place::way(target, contracts)),
        );
        put(
            "pacts_from_client",
            Value::from(place::way(&target.join("client"), contracts)),
        );
        facts
    }
}

fn home(request: &Request, files: &Arc<Files>) -> Result<Home, ScaffoldError> {
    if request.alone {
        return Ok(Home::Alone);
    }
    compose::find(request, files)
}

fn real(path: &Path) -> Result<PathBuf, ScaffoldError> {
    std::fs::canonicalize(path).map_err(|source| ScaffoldError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn notes(
    compose: &Option<ComposeChange>,
    workspace: Option<&workspace::Workspace>,
    shown_from: &Path,
) -> Vec<String> {
    let shown = |path: &Path| shown_path(path, shown_from).display().to_string();
    let mut notes = Vec::new();
    if let Some(ComposeChange {
        path, before: None, ..
    }) = compose
    {
        let path = shown(path);
        notes.push(format!("there was no Compose file: {path} is new"));
    }
    if let Some(workspace) = workspace {
        let manifest = shown(&workspace.manifest);
        notes.push(if workspace.takes {
            format!("it is a member of the Cargo workspace of {manifest}, whose lock file takes up its crates with the next build")
        } else {
            format!("it is a Cargo workspace of its own: {manifest} does not name it as a member")
        });
    }
    notes
}

impl Plan {
    /// A path as it is told to people.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        shown_path(path, &self.shown_from).display().to_string()
    }

    /// What changes in the Compose file, as a diff; empty where none does.
    #[must_use]
    pub fn diff(&self) -> String {
        let Some(compose) = &self.compose else {
            return String::new();
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let before = compose.before.as_deref().map(text).unwrap_or_default();
        diff::unified(&self.shown(&compose.path), &before, &text(&compose.after))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}/", self.shown(&self.target))?;
        for file in &self.files {
            writeln!(f, "  {}", file.path)?;
        }
        if !self.pacts.is_empty() {
            writeln!(f, "{}/", self.shown(&self.contracts))?;
        }
        for pact in &self.pacts {
            writeln!(f, "  {}", pact.path)?;
        }
        if let Some(schema) = self.compose.iter().find_map(|it| it.schema.as_ref()) {
            writeln!(f, "{}", self.shown(schema))?;
        }
        f.write_str(&self.diff())
    }
}
