//! What cannot be read of a project, or is left behind on the way: the rest of the files asks for
//! things that may stand there. Nobody is told to miss these: one cause is one problem.

use std::collections::{HashMap, HashSet};

use crate::problem::{FileName, Place, Problem, Problems, nearest};
use crate::yaml::Node;

/// What files declare.
pub(crate) const SECTIONS: [&str; 6] = [
    "services", "volumes", "networks", "secrets", "configs", "models",
];

/// Fields that say what something is, by its section.
const MADE_OF: [(&str, &[&str]); 3] = [
    ("services", &["image", "build", "provider"]),
    ("secrets", &["file", "environment", "external", "driver"]),
    ("configs", &["file", "environment", "content", "external"]),
];

/// The path of something that is declared in a form that nobody can use: a section, an entry of one, or a
/// field that says what that is.
pub(crate) type TakenOut = Vec<String>;

/// The fields that say what an entry of a section is, where `path` is that of one.
pub(crate) fn made_of(path: &[String]) -> &'static [&'static str] {
    let [section, _] = path else { return &[] };
    let mut all = MADE_OF.iter();
    let found = all.find(|(name, _)| name == section);
    found.map_or(&[], |(_, fields)| fields)
}

/// What an unknown key below `path` may be meant for, of what files declare or make something of; it is `told` to
/// be another key. One that is compared with nothing any more may be meant for anything.
pub(crate) fn meant(
    key: &str,
    path: &[String],
    told: Option<&'static str>,
    is_compared: bool,
) -> Option<TakenOut> {
    let wanted = match path {
        [] => &SECTIONS,
        entry => made_of(entry),
    };
    let meant = match is_compared {
        true => {
            let told = || told.filter(|told| wanted.contains(told));
            nearest(key, wanted.iter().copied()).or_else(told)
        }
        false => made_of(path).first().copied(),
    };
    Some([path, &[meant?.to_owned()]].concat())
}

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
    pub(crate) fn take_out(&mut self, taken_out: HashSet<TakenOut>) {
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
        self.file || self.is_taken_out(&[section]) || self.is_taken_out(&[section, name])
    }

    /// Whether something says what an entry is, and cannot be used.
    pub(crate) fn may_be_made(&self, section: &str, name: &str) -> bool {
        let entry = [section.to_owned(), name.to_owned()];
        let mut fields = made_of(&entry).iter();
        fields.any(|field| self.is_taken_out(&[section, name, field]))
    }

    fn is_taken_out(&self, path: &[&str]) -> bool {
        let path = || -> TakenOut { path.iter().map(|&part| part.to_owned()).collect() };
        !self.taken_out.is_empty() && self.taken_out.contains(&path())
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
