//! Where what the user wrote is read from: files, standard input for `-`, and git repositories.

use std::fs::DirEntry;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use msvc_machine::disk::read_regular;
use msvc_machine::git::{Git, GitError, without_password};
use msvc_machine::shutdown::Shutdown;
use msvc_system::files::{Fetched, Files};
use msvc_system::git_source::GitSource;
use msvc_system::problem::{Blame, Problem};

/// Time for one call of git: a shallow fetch of a large repository over a slow line.
const LIMIT: Duration = Duration::from_secs(120);

/// So long at most is a wish to end not seen while standard input is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// The files of a run. What fetches a repository, or waits for standard input, stops when `shutdown`,
/// once it is known, says so.
#[must_use]
pub fn files(shutdown: Arc<OnceLock<Shutdown>>) -> Files {
    let (input, ending) = (StandardInput::default(), Arc::clone(&shutdown));
    let read = move |path: &Path, limit: u64| match path.to_str() {
        Some("-") => input.read(limit, ending.get()),
        // The one device that somebody means: nothing is set.
        Some("/dev/null") => Ok(Vec::new()),
        _ => read_regular(path, limit),
    };
    let git = move |source: &GitSource| {
        let shutdown = shutdown.get().cloned().unwrap_or_default();
        checkout(source, shutdown)
    };
    Files::new(read).with_git(git).with_names(names)
}

/// Names of a folder that are looked at, where one was meant that is not there.
const MOST_NAMES: usize = 5_000;

/// The names of what stands in a folder and may be a file.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        kind => kind.is_ok_and(|kind| kind.is_dir()),
    };
    let entries = entries.take(MOST_NAMES).filter(|entry| !is_folder(entry));
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.collect()
}

/// Standard input can be read only once; who loads a system twice reads the same twice.
#[derive(Default)]
struct StandardInput(Mutex<Option<Vec<u8>>>);

impl StandardInput {
    /// All of it, unless `shutdown` says so before its end: that is interrupted.
    fn read(&self, limit: u64, shutdown: Option<&Shutdown>) -> io::Result<Vec<u8>> {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*read {
            return Ok(bytes.clone());
        }
        let bytes = all_of_it(limit, shutdown)?;
        if bytes.len() as u64 > limit {
            let text = format!("larger than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        *read = Some(bytes.clone());
        Ok(bytes)
    }
}

/// Standard input to its end, or to one byte more than `limit`. Who types it may think better of it, and a
/// read cannot be taken back: it is left to a thread that ends with the process.
fn all_of_it(limit: u64, shutdown: Option<&Shutdown>) -> io::Result<Vec<u8>> {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(limit + 1).read_to_end(&mut bytes);
        // Nobody listens any more where that was interrupted.
        let _ = done.send(read.map(|_| bytes));
    });
    loop {
        match ended.recv_timeout(LOOK) {
            Ok(read) => return read,
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
            Err(RecvTimeoutError::Timeout) if shutdown.is_some_and(Shutdown::is_requested) => {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn checkout(source: &GitSource, shutdown: Shutdown) -> Result<Fetched, Problem> {
    let Some(cache) = cache() else {
        let problem = Problem::error("there is no folder to keep a git repository in");
        let problem = problem.blaming(Blame::Machine);
        return Err(problem.hint("set HOME or XDG_CACHE_HOME"));
    };
    let git = Git {
        program: "git".into(),
        cache,
        limit: LIMIT,
        shutdown,
    };
    let folder = git.checkout(&source.remote, source.reference.as_deref());
    Ok(Fetched {
        folder: folder.map_err(|why| problem(&why))?,
        remote: without_password(&source.remote),
    })
}

/// Why nothing was fetched, and what to do about it.
fn problem(why: &GitError) -> Problem {
    let problem = Problem::error(why.to_string());
    let could_not = |hint: &str| problem.clone().blaming(Blame::Machine).hint(hint);
    match why {
        GitError::Start(_) => could_not("install git, or clone it and name the file"),
        GitError::Failed { .. } => could_not(
            "see whether `git ls-remote` with that address works; git asks for no password in the \
             terminal here",
        ),
        GitError::TooLong { .. } => could_not("clone it, and name the file"),
        GitError::Keep { .. } => could_not("let XDG_CACHE_HOME name a folder to write in"),
        GitError::NoSuchRef { .. } => problem.hint("name one after `#`: `….git#main`"),
        GitError::Refused(_) => problem,
        GitError::Interrupted(_) => problem.blaming(Blame::Interrupt),
    }
}

/// The folder that keeps repositories.
fn cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let caches = set("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))?;
    caches
        .is_absolute()
        .then(|| caches.join("msvc").join("git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_no_file_that_may_have_been_meant() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["config", "deeper"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::os::unix::fs::symlink(at("config"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("lost")).unwrap();
        std::fs::write(at("web.env"), "").unwrap();
        let mut found = names(folder.path());
        found.sort();
        assert_eq!(found, ["lost", "web.env"]);
    }
}
