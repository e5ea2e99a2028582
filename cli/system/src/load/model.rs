//! One model out of several files: each is read, its variables replaced, what it extends and includes
//! put in, laid over those before it, checked, and made long.
//!
//! What comes in: paths, the folder that relative paths count from, what is set. What leaves: one
//! tree in long form with its defaults, its paths absolute. What must not enter: what the whole
//! means.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::set_where::SetWhere;
use super::sources;
use crate::canonical::{self, Variables, WHOLE_FILE};
use crate::extends::Extending;
use crate::files::Files;
use crate::interpolate::Interpolation;
use crate::paths::Base;
use crate::problem::{FileName, Place, Problem, Problems};
use crate::settings_total::SettingsTotal;
use crate::typed::Held;
use crate::unread::Unread;
use crate::yaml::{MAX_NODES, Node};
use crate::{defaults, fields, include, merge, names_alone, paths};

/// What files are read with, and the way of files that led here.
pub(crate) struct Loading<'a> {
    /// How files are read.
    pub(crate) files: &'a Files,
    /// Where places are shown from.
    pub(crate) shown_from: &'a Path,
    /// Where a person sets a variable but in the environment ("in .env").
    pub(crate) set_in: &'a str,
    /// The environment, which counts before that.
    pub(crate) outside: &'a BTreeMap<String, String>,
    /// Unknown keys are warnings.
    pub(crate) lenient: bool,
    /// Whether variables are replaced.
    pub(crate) variables: Variables,
    /// Files that include each other, the outermost first.
    pub(crate) way: Vec<FileName>,
    /// Nodes read so far.
    pub(crate) nodes: usize,
    /// Nodes that were gone over so far, since files were laid over each other.
    pub(crate) merged: usize,
    /// Bytes that variables became so far.
    pub(crate) written: usize,
    /// How often a file was included so far.
    pub(crate) included: usize,
    /// What files of settings cost so far.
    pub(crate) settings: SettingsTotal,
    /// What is not known.
    pub(crate) unread: Unread,
    /// What variables hold that only included files know.
    pub(crate) held: Held,
    /// Where files of settings set what only included files know.
    pub(crate) set_where: SetWhere,
}

/// Nodes that may be gone over where files are laid over each other: after each of them all is looked at.
const MAX_MERGED: usize = 1_600_000;

impl Loading<'_> {
    /// Whether more was read than is taken, which was told then.
    pub(crate) fn is_full(&self) -> bool {
        self.nodes > MAX_NODES || self.merged > MAX_MERGED
    }

    /// A file's name for messages.
    pub(crate) fn shown(&self, file: &Path) -> PathBuf {
        self.files.shown(file, self.shown_from)
    }

    /// The model of several files; `None` when one of them cannot be read. `from` is where they are
    /// named; they count from `folder`, and `way` is put before their relative paths.
    pub(crate) fn model(
        &mut self,
        files: &[PathBuf],
        from: &[Place],
        (folder, way): (&Path, &Path),
        environment: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Option<Node> {
        let documents = sources::read(files, from, self.shown_from, self.files, problems)?;
        self.model_of(documents, (folder, Some(way)), environment, problems)
    }

    /// Remembers what the secrets and configs of an included model hold that name a variable which its
    /// `own` settings alone set, and not those `around` it.
    pub(crate) fn hold(
        &mut self,
        model: &Node,
        own: &BTreeMap<String, String>,
        around: &BTreeMap<String, String>,
    ) {
        let mut values: HashMap<&str, Arc<str>> = HashMap::new();
        for section in ["secrets", "configs"] {
            for (key, entry) in model.entries_of(section) {
                let variable = entry.get("environment").and_then(Node::as_str);
                let variable = variable.filter(|name| !around.contains_key(*name));
                let set = variable.and_then(|name| own.get_key_value(name));
                if let Some((name, text)) = set {
                    let value = values.entry(name).or_insert_with(|| text.as_str().into());
                    let one = (section, key.text.clone());
                    self.held.insert(one, Arc::clone(value));
                }
            }
        }
    }

    /// The same of files that have been read; a document of a file is as good as a file. Without a
    /// `way` relative paths stay as they are written.
    pub(crate) fn model_of(
        &mut self,
        documents: Vec<Node>,
        (folder, way): (&Path, Option<&Path>),
        environment: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Option<Node> {
        let home = environment.get("HOME").map(String::as_str);
        let mut extending = Extending::new(
            self.files,
            self.shown_from,
            Interpolation::after(environment, self.written)
                .without_some(self.unread.settings)
                .set_in(self.set_in)
                .below(self.outside),
            self.variables,
            home,
        );
        let mut model: Option<Node> = None;
        for mut tree in documents {
            if self.variables == Variables::Replaced {
                extending
                    .interpolation
                    .tree(&mut tree, &WHOLE_FILE, problems);
            }
            self.unread.ask(extending.interpolation.untold());
            problems.0.extend(no_services(&tree));
            let mut told = self.unread.told(problems);
            let after = problems.0.len();
            extending.resolve(&mut tree, folder, problems);
            told.extend(self.unread.ask(extending.interpolation.untold()));
            self.unread
                .leave_behind(std::mem::take(&mut extending.left_behind));
            self.written = extending.interpolation.written();
            include::apply(&mut tree, folder, environment, self, problems);
            extending.interpolation.go_on_after(self.written);
            let was_full = self.is_full();
            self.nodes = self.nodes.saturating_add(tree.count());
            if was_full {
                // That was told of a file that this one includes.
                return None;
            }
            if self.is_full() {
                let what = format!("all files together have more than {MAX_NODES} nodes");
                let problem = Problem::error(what).at(tree.place.clone());
                problems.push(problem.hint("part the system among several projects"));
                return None;
            }
            let mut merged = match model.take() {
                None => tree,
                Some(earlier) => {
                    self.merged = self.merged.saturating_add(earlier.count());
                    if self.is_full() {
                        problems.push(laid_too_often(&tree));
                        return None;
                    }
                    merge::over(earlier, tree, &WHOLE_FILE, &mut Vec::new(), problems)
                }
            };
            merge::clean(&mut merged, problems);
            merge::unique(&mut merged, &WHOLE_FILE);
            let merging = after..problems.0.len();
            let taken_out = fields::check(&mut merged, self.lenient, problems);
            forget_merging(merging, problems);
            self.unread.take_out(taken_out);
            canonical::lengthen(&mut merged, self.variables, problems);
            merge::unique(&mut merged, &WHOLE_FILE);
            problems.forget_echoes(after, &told);
            model = Some(merged);
        }
        let mut model = model?;
        if self.variables == Variables::Replaced {
            names_alone::resolve(&mut model, &mut extending.interpolation, problems);
            self.written = extending.interpolation.written();
        }
        defaults::fill(&mut model);
        if let Some(folder) = way {
            paths::resolve(&mut model, &Base { folder, home }, problems);
        }
        Some(model)
    }
}

/// That files, which are large, are too many.
fn laid_too_often(tree: &Node) -> Problem {
    let what = format!(
        "so many large files are laid over each other that more than {MAX_MERGED} nodes would be gone over"
    );
    let problem = Problem::error(what).at(tree.place.clone());
    problem.hint("write into one file what belongs together")
}

/// Drops that two values cannot be merged where the later one may not stand there at all.
fn forget_merging(merging: Range<usize>, problems: &mut Problems) {
    if merging.is_empty() {
        return;
    }
    let checked = problems.0.iter().skip(merging.end);
    let wrong: HashSet<Place> = checked.filter_map(|it| it.place.clone()).collect();
    let mut at = 0..;
    problems.0.retain(|problem| {
        let is_of_merging = at.next().is_some_and(|at| merging.contains(&at));
        let place = problem.place.as_ref();
        !is_of_merging || place.is_none_or(|place| !wrong.contains(place))
    });
}

/// That `services` is there and is nothing: in one of several files, too.
fn no_services(tree: &Node) -> Option<Problem> {
    let services = tree.get("services")?;
    let is_nothing = services.is_null() && !services.is_reset();
    is_nothing.then(|| {
        let problem = services.expected("`services`", "a mapping");
        problem.hint("write `services: { web: { image: nginx } }`")
    })
}
