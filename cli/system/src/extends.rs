//! `extends`: a service takes what another one says, of this file or of another, and lays its own
//! over it by the rules of [`crate::merge`].
//!
//! What comes in: the tree of one file in long form. What leaves: the same without `extends`;
//! relative paths of another file's services lead to that file's folder first. Circles, missing
//! services and files are reported where `extends` stands, once for all services that come by there.
//! What must not enter: the order of several files; `include`.
//!
//! A chain may be as long as a file: each service is resolved once, in place, and the way down a chain
//! is a list of our own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::canonical::{self, Variables, WHOLE_FILE};
use crate::fields::{SERVICE, Shape};
use crate::files::Files;
use crate::git_source::{self, Found};
use crate::include::leave_out_middle;
use crate::interpolate::Interpolation;
use crate::load::sources::documents;
use crate::merge;
use crate::paths::{self, Base};
use crate::problem::{Place, Problem, Problems, there_are};
use crate::unread::LeftBehind;
use crate::yaml::{MAX_NODES, MAX_TEXT, Node, NodeValue, shorten};
use source::{At, Source, State};

mod kinds;
mod source;
#[cfg(test)]
mod tests;

/// The shape of a service.
static A_SERVICE: Shape = Shape::level(&SERVICE);

/// The keys of `extends`.
const KEYS: [&str; 2] = ["service", "file"];

/// Advice for a file that cannot be read.
const COUNTS_FROM: &str = "a relative path counts from the folder of the file that names it";

/// What other files are read with.
pub(crate) struct Extending<'a, 'e> {
    /// How files are read.
    pub(crate) files: &'a Files,
    /// Where places are shown from.
    pub(crate) shown_from: &'a Path,
    /// What replaces variables.
    pub(crate) interpolation: Interpolation<'e>,
    /// Whether they are to be.
    variables: Variables,
    /// The home folder, where it is known.
    home: Option<String>,
    /// Files whose services are extended.
    sources: Vec<Source>,
    /// Those that were read here, by file and folder; `None` when they cannot be.
    read: HashMap<(PathBuf, PathBuf), Option<usize>>,
    /// Nodes made so far.
    nodes: usize,
    /// Bytes of their texts.
    text: usize,
    /// Whether the file that is looked at includes others.
    includes: bool,
    /// What the files declare of which services are taken.
    pub(crate) left_behind: LeftBehind,
}

/// A service on the way down a chain.
struct Step {
    at: At,
    /// Where it says what it extends.
    place: Place,
    /// The folder that paths of what it extends are laid on, where that stands in another file.
    way: Option<PathBuf>,
}

/// Why a chain ends nowhere; nothing where that has been told.
type Wrong = Option<Problem>;

impl<'a, 'e> Extending<'a, 'e> {
    pub(crate) fn new(
        files: &'a Files,
        shown_from: &'a Path,
        interpolation: Interpolation<'e>,
        variables: Variables,
        home: Option<&str>,
    ) -> Self {
        Self {
            files,
            shown_from,
            interpolation,
            variables,
            home: home.map(str::to_owned),
            sources: Vec::new(),
            read: HashMap::new(),
            nodes: 0,
            text: 0,
            includes: false,
            left_behind: LeftBehind::default(),
        }
    }

    /// Resolves every `extends` of a tree that stands in `folder`.
    pub(crate) fn resolve(&mut self, tree: &mut Node, folder: &Path, problems: &mut Problems) {
        let services = tree.entries_of("services");
        if !services
            .iter()
            .any(|(_, service)| service.get("extends").is_some())
        {
            return;
        }
        self.includes = tree.get("include").is_some();
        let source = self.sources.len();
        let taken = Source::of(tree, folder.to_path_buf());
        let count = taken.len();
        self.sources.push(taken);
        for service in 0..count {
            self.service(At { source, service }, problems);
        }
        if let Some(done) = self.sources.get_mut(source) {
            std::mem::take(done).put_back(tree);
        }
    }

    /// Resolves one service, and all that it extends.
    fn service(&mut self, start: At, problems: &mut Problems) {
        let mut chain = Vec::new();
        let ended = match self.down(start, &mut chain, problems) {
            Ok(base) => self.up(&mut chain, base, problems),
            Err(wrong) => Err(wrong),
        };
        if let Err(wrong) = ended {
            problems.0.extend(wrong);
            for step in chain {
                if let Some(source) = self.sources.get_mut(step.at.source) {
                    source.give_up(step.at.service, step.place);
                }
            }
        }
    }

    /// Goes from a service to one that extends nothing, or nothing any more.
    fn down(
        &mut self,
        start: At,
        chain: &mut Vec<Step>,
        problems: &mut Problems,
    ) -> Result<At, Wrong> {
        let mut at = start;
        loop {
            let source = self.sources.get_mut(at.source).ok_or(None)?;
            match source.state(at.service) {
                State::Resolved => return Ok(at),
                State::Wrong => return Err(None),
                State::Open => return Err(Some(self.circle(chain, at))),
                State::Written => {}
            }
            let Some(extends) = source.open(at.service) else {
                return Ok(at);
            };
            chain.push(Step {
                at,
                place: service_named(&extends).place.clone(),
                way: None,
            });
            let (base, way) = self.extended(at.source, &extends, problems)?;
            if let Some(step) = chain.last_mut() {
                step.way = way;
            }
            at = base;
        }
    }

    /// Goes the same way back, laying each service over what it extends.
    fn up(
        &mut self,
        chain: &mut Vec<Step>,
        mut base: At,
        problems: &mut Problems,
    ) -> Result<(), Wrong> {
        while let Some(Step { at, place, way }) = chain.last() {
            if self.nodes > MAX_NODES || self.text > MAX_TEXT {
                // That has been told.
                return Err(None);
            }
            let at = *at;
            let source = self.sources.get(base.source).ok_or(None)?;
            let mut extended = source.service(base.service).cloned().ok_or(None)?;
            // What its file takes back or replaces is not what this one does.
            merge::settle(&mut extended);
            if let Some(folder) = way {
                let home = self.home.as_deref();
                paths::of_service(&mut extended, &Base { folder, home }, problems);
            }
            let source = self.sources.get_mut(at.source).ok_or(None)?;
            let (name, mut own) = source.take(at.service).ok_or(None)?;
            let mut path = vec!["services".to_owned(), name];
            // `!override` replaces what an earlier file says of the service, not what it extends.
            let tag = own.tag.take();
            let mut merged = merge::over(extended, own, &A_SERVICE, &mut path, problems);
            merged.tag = tag;
            self.nodes = self.nodes.saturating_add(merged.count());
            self.text = self.text.saturating_add(merged.text_bytes());
            source.resolved(at.service, merged);
            if self.nodes > MAX_NODES || self.text > MAX_TEXT {
                let what = format!(
                    "with `extends` followed the services have more than {MAX_NODES} nodes, or \
                     more than {MAX_TEXT} bytes of text"
                );
                let problem = Problem::error(what).at(place.clone());
                return Err(Some(problem.hint("let fewer services extend others")));
            }
            chain.pop();
            base = at;
        }
        Ok(())
    }

    /// The service that one of a source extends.
    fn extended(
        &mut self,
        from: usize,
        extends: &Node,
        problems: &mut Problems,
    ) -> Result<(At, Option<PathBuf>), Wrong> {
        kinds::check(extends)?;
        let service = service_named(extends);
        let place = &service.place;
        let wanted = service.as_str().map(str::to_owned);
        let wanted = wanted.filter(|name| !name.is_empty());
        let wanted = wanted.ok_or_else(|| no_service(extends, place))?;
        let named = extends.get("file");
        let (source, way) = match named.and_then(|file| Some((&file.place, file.as_str()?))) {
            None => (from, None),
            Some((place, text)) => {
                let source = self.sources.get(from).ok_or(None)?;
                let found = git_source::file(text, &source.folder, self.files, place)?;
                let way = found.way(&source.folder, &found.root);
                (self.file(found, place, problems)?, Some(way))
            }
        };
        let other = self.sources.get(source).ok_or(None)?;
        match other.find(&wanted) {
            Some(service) => {
                is_mapping(other, service, &wanted, place)?;
                Ok((At { source, service }, way))
            }
            None => {
                let includes = self.includes && way.is_none();
                Err(Some(missing(other, &wanted, place, includes, problems)))
            }
        }
    }

    /// That services extend each other in a circle: the circle alone, since what leads there says
    /// nothing of it, and its files where there are several.
    fn circle(&self, chain: &[Step], again: At) -> Problem {
        let begins = chain.iter().position(|step| step.at == again);
        let circle = chain.iter().skip(begins.unwrap_or_default());
        let circle: Vec<At> = circle.map(|step| step.at).chain([again]).collect();
        let in_one_file = circle.iter().all(|at| at.source == again.source);
        let name = |at: &At| {
            let source = self.sources.get(at.source)?;
            let name = source.name(at.service)?;
            Some(match in_one_file {
                true => shorten(name),
                false => format!("{} ({})", shorten(name), source.shown.display()),
            })
        };
        let mut names: Vec<String> = circle.iter().filter_map(name).collect();
        leave_out_middle(&mut names);
        let names = names.join(" -> ");
        let problem = Problem::error(format!("services extend each other in a circle: {names}"))
            .hint(match names.split_once(" -> ") {
                Some((one, other)) if one == other => {
                    "take `extends` away, or name another service"
                }
                _ => "take one of these `extends` away",
            });
        match chain.last() {
            Some(step) => problem.at(step.place.clone()),
            None => problem,
        }
    }

    /// The source that another file is.
    fn file(
        &mut self,
        found: Found,
        place: &Place,
        problems: &mut Problems,
    ) -> Result<usize, Wrong> {
        let Found { file, root, .. } = found;
        let key = (file, root);
        if let Some(read) = self.read.get(&key) {
            // Why it cannot be had has been told.
            return read.ok_or(None);
        }
        self.read.insert(key.clone(), None);
        let path = key.0.as_path();
        let bytes = self.files.read(path).map_err(|error| {
            let named = self.files.named(path);
            let what = format!(
                "the extended file {} cannot be read: {error}",
                named.display()
            );
            Problem::error(what)
                .at(place.clone())
                .hint(self.files.advice(path, &error, COUNTS_FROM))
        })?;
        self.files.as_compose(path);
        let shown = self.files.shown(path, self.shown_from);
        let documents = match documents(&shown, &bytes, problems) {
            Ok(documents) => documents,
            Err(found) => {
                problems.0.extend(found.0);
                return Err(None);
            }
        };
        let source = match self.one_of(documents, problems) {
            Some(mut tree) => {
                self.left_behind.add(&tree);
                Source::of(&mut tree, key.1.clone())
            }
            None => Source::empty(shown, key.1.clone()),
        };
        let at = self.sources.len();
        self.sources.push(source);
        self.read.insert(key, Some(at));
        Ok(at)
    }

    /// The documents of a file as one, in long form.
    fn one_of(&mut self, documents: Vec<Node>, problems: &mut Problems) -> Option<Node> {
        let mut merged: Option<Node> = None;
        for mut tree in documents {
            if self.variables == Variables::Replaced {
                self.interpolation.tree(&mut tree, &WHOLE_FILE, problems);
            }
            let mut tree = match merged.take() {
                None => tree,
                Some(earlier) => merge::over(earlier, tree, &WHOLE_FILE, &mut Vec::new(), problems),
            };
            canonical::lengthen(&mut tree, self.variables, problems);
            merged = Some(tree);
        }
        merged
    }
}

/// The node of an `extends` that names the service; all of it where none does.
fn service_named(extends: &Node) -> &Node {
    extends.get("service").unwrap_or(extends)
}

/// That an `extends` names no service, at `place`.
fn no_service(extends: &Node, place: &Place) -> Problem {
    match extends.misspelt("service", &KEYS) {
        Some(key) => key.unknown("`extends`", KEYS),
        None => Problem::error("`extends` does not say which `service`")
            .at(place.clone())
            .hint("write `service: NAME`, of this file or of the `file` beside it"),
    }
}

fn is_mapping(source: &Source, at: usize, name: &str, place: &Place) -> Result<(), Problem> {
    let value = source.service(at).map(|service| &service.value);
    if matches!(value, Some(NodeValue::Map(_) | NodeValue::Null) | None) {
        return Ok(());
    }
    let (name, file) = (shorten(name), source.shown.display());
    let what = format!("`extends` names `{name}` of {file}, which is no mapping of fields");
    let problem = Problem::error(what).at(place.clone());
    Err(problem.hint("write its fields below its name, as `image: nginx`"))
}

fn missing(
    source: &Source,
    name: &str,
    place: &Place,
    includes: bool,
    problems: &Problems,
) -> Problem {
    let what = format!(
        "`extends` names the service `{}`, which {} does not have",
        shorten(name),
        source.shown.display()
    );
    let problem = Problem::error(what).at(place.clone());
    match problems.nearest(name, source.names()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if includes => {
            problem.hint("name the `file` too, if it stands in one that is included")
        }
        None => problem.hint(there_are("services", source.names())),
    }
}
