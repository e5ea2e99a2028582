//! What cannot be read of a project, or is left behind on the way: the rest of the files asks for
//! things that may stand there. Nobody is told to miss these: one cause is one problem.

use std::collections::{HashMap, HashSet};

use crate::problem::{FileName, Place, Problem, Problems};
use crate::yaml::Node;

/// What files declare.
pub(crate) const SECTIONS: [&str; 6] = [
    "services", "volumes", "networks", "secrets", "configs", "models",
];

/// Something that is declared in a form that nobody can use: a section, or an entry of one.
pub(crate) type TakenOut = (String, Option<String>);

/// What files declare of which `extends` takes single services.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeftBehind(HashMap<FileName, HashSet<(&'static str, String)>>);

impl LeftBehind {
    /// Adds what a file declares.
    pub(crate) fn add(&mut self, tree: &Node) {
        let names = self.0.entry(tree.place.file.clone()).or_default();
        for section in SECTIONS {
            let entries = tree.entries_of(section).iter();
            names.extend(entries.map(|(key, _)| (section, key.text.clone())));
        }
    }
}

/// What is not known of a project.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread {
    /// Whether a whole file is missing, which may declare anything.
    pub(crate) file: bool,
    /// Whether a file is missing that may set any variable.
    pub(crate) settings: bool,
    taken_out: HashSet<TakenOut>,
    left_behind: LeftBehind,
    /// Places that ask for something that is not known.
    asking: HashSet<Place>,
}

impl Unread {
    /// Of a project of which `settings` may be missing.
    pub(crate) fn new(settings: bool) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Adds what stands there in a wrong form.
    pub(crate) fn take_out(&mut self, taken_out: Vec<TakenOut>) {
        self.taken_out.extend(taken_out);
    }

    /// Adds what files declare of which single services are taken.
    pub(crate) fn leave_behind(&mut self, files: LeftBehind) {
        self.left_behind.0.extend(files.0);
    }

    /// Adds places that ask for something that is not known, and gives them back.
    pub(crate) fn ask(&mut self, places: Vec<Place>) -> Vec<Place> {
        self.asking.extend(places.iter().cloned());
        places
    }

    /// Whether something of that name may be declared all the same. Who asks for it, at `place`, is
    /// told nothing more.
    pub(crate) fn may_declare(&mut self, section: &str, name: &str, place: &Place) -> bool {
        let may = self.may_have(section, name);
        if may {
            self.asking.insert(place.clone());
        }
        may
    }

    /// The same of who asks for nothing else there.
    pub(crate) fn may_have(&self, section: &str, name: &str) -> bool {
        let has = |name: Option<&str>| {
            let one = (section.to_owned(), name.map(str::to_owned));
            self.taken_out.contains(&one)
        };
        self.file || !self.taken_out.is_empty() && (has(None) || has(Some(name)))
    }

    /// The problem that something of that name is not declared, as `what` says, where the file that asks
    /// for it declares it, of which `extends` takes a service without that.
    pub(crate) fn left(
        &self,
        section: &'static str,
        name: &str,
        what: &str,
        place: &Place,
    ) -> Option<Problem> {
        let names = self.left_behind.0.get(&place.file)?;
        names.get(&(section, name.to_owned()))?;
        let file = place.file.display();
        let what =
            format!("{what}: `extends` takes a service of {file} without what else is there");
        let problem = Problem::error(what).at(place.clone());
        Some(problem.hint("declare it in the file that extends, too"))
    }

    /// Places of which nothing more needs to be said: something is wrong there, or asked for that is
    /// not known.
    pub(crate) fn told(&self, problems: &Problems) -> HashSet<Place> {
        let mut told = problems.places();
        told.extend(self.asking.iter().cloned());
        told
    }
}
