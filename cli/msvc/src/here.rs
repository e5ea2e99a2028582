//! The folder people stand in, and files named as seen from it: in messages, cases and reports.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use msvc_report::case::Case;
use msvc_report::exit::Exit;
use msvc_system::normal_path::normal;
use msvc_system::problem::{Place, Problem};
use msvc_system::shown_path::shown_path;

use crate::failure::Failure;

/// The folder msvc was called in. With `-C` it works in another one, and its messages still name
/// files as seen from here.
///
/// Both are called as people call them: who came through a link (`PWD`) stands in the folder of that
/// name, after which a project is called, as with Docker Compose.
#[derive(Debug, Clone, Default)]
pub struct Here {
    folder: PathBuf,
    working: PathBuf,
}

impl Here {
    /// The process's own, and the one that `-C` names; to be taken before [`work_in`]. Where it is
    /// gone, paths stay whole.
    #[must_use]
    pub fn of(directory: Option<&Path>) -> Self {
        let own = std::env::current_dir().unwrap_or_default();
        let named = std::env::var_os("PWD").map(PathBuf::from);
        let folder = match named {
            Some(named) if named.is_absolute() && is_same(&named, &own) => normal(&named),
            _ => own,
        };
        let working = match directory {
            Some(directory) => called(&folder, directory),
            None => folder.clone(),
        };
        Self { folder, working }
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that is worked in.
    #[must_use]
    pub fn working(&self) -> &Path {
        &self.working
    }

    /// The same place by the names that the machine has for it, for paths that came from programs.
    #[must_use]
    pub fn real(&self) -> Self {
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        Self {
            folder: real(&self.folder),
            working: real(&self.working),
        }
    }

    /// A path of the command line, whole.
    #[must_use]
    pub fn whole(&self, path: &Path) -> PathBuf {
        called(&self.working, path)
    }

    /// A path of the command line as seen from here.
    #[must_use]
    pub fn given(&self, path: &Path) -> PathBuf {
        self.path(&self.whole(path))
    }

    /// An absolute path as seen from here; any other one stays.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        if path.is_absolute() && self.folder.is_absolute() {
            shown_path(path, &self.folder)
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

/// What `path` is as seen from `folder`, by the names that it was called by. `..` behind a link leads
/// elsewhere than the name says: then by those that the machine has for it.
fn called(folder: &Path, path: &Path) -> PathBuf {
    let whole = folder.join(path);
    let named = normal(&whole);
    if whole == named || is_same(&named, &whole) {
        return named;
    }
    whole.canonicalize().unwrap_or(named)
}

/// Whether both are there, and lead to the same.
fn is_same(one: &Path, other: &Path) -> bool {
    let known = |path| fs::metadata(path).map(|it| (it.dev(), it.ino()));
    matches!((known(one), known(other)), (Ok(one), Ok(other)) if one == other)
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
        let here = Here {
            folder: "/home/shop".into(),
            ..Here::default()
        };
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

    #[test]
    fn a_folder_is_called_as_people_call_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("releases/one/conf")).unwrap();
        std::os::unix::fs::symlink("releases/one", root.join("current")).unwrap();
        let current = root.join("current");
        for (path, whole) in [
            ("conf", "current/conf"),
            ("./conf/../conf", "current/conf"),
            ("..", "releases"),
            ("../one", "releases/one"),
            ("no/such", "current/no/such"),
        ] {
            assert_eq!(
                called(&current, Path::new(path)),
                root.join(whole),
                "{path}"
            );
        }
        assert!(is_same(&current, &root.join("releases/one")));
        assert!(!is_same(&current, &root) && !is_same(&root.join("no"), &root.join("no")));
    }
}
