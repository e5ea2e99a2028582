//! Where a report goes besides the terminal: a JUnit file, and GitHub Actions when it runs there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_report::{github, junit};
use msvc_system::problem::Problem;
use msvc_system::shown_path::shown_path;

use crate::failure::Failure;
use crate::here::Here;
use crate::terminal::Terminal;

/// Writes `report` wherever it is wanted; where it cannot be written is noted with the terminal.
pub fn write(terminal: &Terminal, junit_file: Option<&Path>, report: &Report) {
    if let Some(path) = junit_file {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), fs::create_dir_all);
        let written = made.and_then(|()| fs::write(path, junit::report(report)));
        if let Err(why) = written {
            lost(terminal, &terminal.here().given(path), &why);
        }
    }
    let Some(github_actions) = GithubActions::at(terminal.here()) else {
        return;
    };
    let mut seen = report.clone();
    for case in &mut seen.cases {
        let places = case.evidence.iter_mut().filter_map(|it| it.place.as_mut());
        for place in places {
            place.file = github_actions.path(&place.file).into();
        }
    }
    for annotation in github::annotations(&seen) {
        terminal.said(&annotation);
    }
    if let Err((path, why)) = github_actions.add_summary(&github::summary(&seen)) {
        lost(terminal, path, &why);
    }
}

/// That a report may go to a file there, before anything is done for it.
///
/// # Errors
/// When a folder is there, or standard output is meant, which has the result.
pub fn may_be_written(terminal: &Terminal, junit_file: &Path) -> Result<(), Failure> {
    if junit_file == Path::new("-") {
        let what = "`--junit -` names no file: standard output has the result";
        return Err(Failure::new(Exit::Usage, what)
            .hint("name a file: `--junit msvc.xml` (`./-` is one that is called so)"));
    }
    if !junit_file.is_dir() {
        return Ok(());
    }
    let shown = terminal.here().given(junit_file);
    let what = format!("`--junit` names the folder {}, not a file", shown.display());
    let inside = shown.join("msvc.xml");
    let hint = format!("name a file in it: `--junit {}`", inside.display());
    Err(Failure::new(Exit::Usage, what).hint(hint))
}

/// Annotates what is wrong with an input, when it runs in GitHub Actions.
pub fn annotate(terminal: &Terminal, problems: &[Problem]) {
    let Some(github_actions) = GithubActions::at(terminal.here()) else {
        return;
    };
    for problem in problems {
        let mut problem = problem.clone();
        match &mut problem.place {
            Some(place) if terminal.files().is_of_this_machine(&place.file) => {
                place.file = github_actions.path(&place.file).into();
            }
            // GitHub has no such file to show it beside.
            Some(place) => {
                problem.what = format!("{place}: {}", problem.what);
                problem.place = None;
            }
            None => {}
        }
        terminal.said(&github::problem(&problem));
    }
}

fn lost(terminal: &Terminal, path: &Path, why: &io::Error) {
    let what = format!("cannot write {}", path.display());
    let instead = "name a file that can be written";
    terminal.unkept().note(what, why, instead);
}

/// A job of GitHub Actions.
struct GithubActions {
    /// Where the repository was checked out.
    workspace: PathBuf,
    summary: Option<PathBuf>,
    here: Here,
}

impl GithubActions {
    /// The job that runs this, where one does.
    fn at(here: &Here) -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        set("GITHUB_ACTIONS").filter(|value| value == "true")?;
        let workspace = set("GITHUB_WORKSPACE").map(PathBuf::from);
        let workspace = workspace.unwrap_or_else(|| here.folder().to_owned());
        Some(Self {
            workspace: fs::canonicalize(&workspace).unwrap_or(workspace),
            summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            here: here.clone(),
        })
    }

    /// A file as seen from the repository's folder, which is how GitHub knows it.
    fn path(&self, file: &Path) -> PathBuf {
        let whole = self.here.folder().join(file);
        let whole = fs::canonicalize(&whole).unwrap_or(whole);
        shown_path(&whole, &self.workspace)
    }

    fn add_summary(&self, text: &str) -> Result<(), (&Path, io::Error)> {
        let Some(path) = &self.summary else {
            return Ok(());
        };
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| writeln!(file, "{text}"))
            .map_err(|why| (path.as_path(), why))
    }
}
