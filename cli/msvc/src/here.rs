//! The folder people stand in, and files named as seen from it: in messages, cases and reports.

use std::path::{Path, PathBuf};

use msvc_report::case::Case;
use msvc_report::exit::Exit;
use msvc_system::problem::{Place, Problem};
use msvc_system::shown_path::shown_path;

use crate::failure::Failure;

/// The folder msvc was called in. With `-C` it works in another one, and its messages still name
/// files as seen from here.
#[derive(Debug, Clone, Default)]
pub struct Here(PathBuf);

impl Here {
    /// The process's own, to be taken before [`work_in`]; where it is gone, paths stay whole.
    #[must_use]
    pub fn now() -> Self {
        Self(std::env::current_dir().unwrap_or_default())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A path of the command line as seen from here.
    #[must_use]
    pub fn given(&self, path: &Path) -> PathBuf {
        self.path(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// An absolute path as seen from here; any other one stays.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() && self.0.is_absolute() {
            shown_path(path, &self.0)
        } else {
            path.to_path_buf()
        }
    }

    fn place(&self, place: &mut Place) {
        place.file = self.path(&place.file).into();
    }

    /// A problem with its place seen from here.
    #[must_use]
    pub fn problem(&self, problem: &Problem) -> Problem {
        let mut problem = problem.clone();
        problem.place.iter_mut().for_each(|place| self.place(place));
        problem
    }

    /// A case with its files seen from here.
    #[must_use]
    pub fn case(&self, mut case: Case) -> Case {
        for subject in &mut case.subjects {
            let path = Path::new(subject.as_str());
            if path.is_absolute() {
                *subject = self.path(path).display().to_string();
            }
        }
        for evidence in &mut case.evidence {
            evidence
                .place
                .iter_mut()
                .for_each(|place| self.place(place));
        }
        case
    }
}

/// Goes to the folder that `-C` names, as if msvc had been started there: from then on every
/// relative path of the command line is taken from it.
///
/// # Errors
/// When it cannot be worked in.
pub fn work_in(directory: Option<&Path>) -> Result<(), Failure> {
    let Some(directory) = directory else {
        return Ok(());
    };
    std::env::set_current_dir(directory).map_err(|why| {
        let what = format!("cannot work in {}: {why}", directory.display());
        Failure::new(Exit::Usage, what).hint("`-C` names a folder that can be entered")
    })
}

#[cfg(test)]
mod tests {
    use msvc_report::case::{Evidence, Verdict};

    use super::*;

    #[test]
    fn files_of_a_case_are_named_from_where_one_stands() {
        let here = Here(PathBuf::from("/home/shop"));
        let mut case = Case::new("j", "j", Verdict::Failed);
        case.subjects = vec!["/home/shop/j.yaml".to_owned(), "orders".to_owned()];
        case.evidence = vec![Evidence::said("no").at(Place {
            file: "/home/pacts/a.json".into(),
            line: 1,
            column: 2,
        })];
        let case = here.case(case);
        assert_eq!(case.subjects, ["j.yaml", "orders"]);
        let place = case.evidence[0].place.as_ref().unwrap();
        assert_eq!(&*place.file, Path::new("../pacts/a.json"));
    }
}
