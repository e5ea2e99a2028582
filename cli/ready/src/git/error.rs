//! Why git tells nothing: no program, no repository, no permission, a repository that is damaged,
//! or something else, which is told as git says it.

use std::path::{Path, PathBuf};

use msvc_machine::child::ChildError;

/// The repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git program.
    #[error("there is no `git` on PATH: {0}")]
    NoGit(ChildError),
    /// The folder is in no repository, or git refuses to read it.
    #[error("{folder} is no git repository that can be read: {said}")]
    NoRepository {
        /// Which.
        folder: PathBuf,
        /// What git says.
        said: String,
    },
    /// The repository is a server's or a mirror's: it has no files beside its history.
    #[error("{folder} is a bare repository: it has no files to look at")]
    Bare {
        /// Which.
        folder: PathBuf,
    },
    /// This user may not read what git keeps.
    #[error("no permission to read {path} (git says: {said})")]
    Denied {
        /// What may not be read.
        path: PathBuf,
        /// What git says.
        said: String,
    },
    /// Some of what git keeps is lost or spoilt.
    #[error("the repository in {folder} is damaged: {said}")]
    Damaged {
        /// Which.
        folder: PathBuf,
        /// What git says.
        said: String,
    },
    /// Git failed otherwise: for its own settings, for one.
    #[error("`git {command}` failed: {said}")]
    Failed {
        /// Its first word.
        command: String,
        /// What it says.
        said: String,
    },
    /// The user wants to end.
    #[error("interrupted")]
    Interrupted,
}

/// What git says of objects, references and an index that are lost or spoilt, in lower case.
const DAMAGE: [&str; 22] = [
    "corrupt",
    "bad object",
    "bad tree",
    "bad signature",
    "bad shallow line",
    "appears to be broken",
    "broken ref",
    "unable to read tree",
    "unable to read ",
    "unable to parse object",
    "unable to unpack",
    "could not read ",
    "failed to read object",
    "failed to traverse",
    "cannot simplify",
    "inflate:",
    "invalid object",
    "smaller than expected",
    "is too small",
    "unexpected line in",
    "unknown index entry",
    "missing blob",
];

impl GitError {
    /// What a command of git that failed means, in the words that name the cause; `git_folder` is
    /// where git keeps the repository.
    pub(super) fn of(folder: &Path, git_folder: &Path, command: &str, said: &str) -> Self {
        let fatal = said.find("fatal: ").and_then(|at| said.get(at + 7..));
        let lines = fatal.unwrap_or(said).split("; ").map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let cause = lines.join("; ");
        // Git takes what it may not read for broken as often as it says so.
        let denied = denied(git_folder);
        if denied.is_some() || said.contains("Permission denied") {
            return Self::Denied {
                path: denied.unwrap_or_else(|| git_folder.to_path_buf()),
                said: cause,
            };
        }
        match is_damage(said) {
            true => Self::Damaged {
                folder: folder.to_path_buf(),
                said: cause,
            },
            false => Self::Failed {
                command: command.to_owned(),
                said: cause,
            },
        }
    }

    /// What it means that git finds no work tree at `folder`.
    pub(super) fn of_root(folder: &Path, said: String) -> Self {
        let no = |said| Self::NoRepository {
            folder: folder.to_path_buf(),
            said,
        };
        if said.contains("dubious ownership") || said.contains("must be run in a work tree") {
            return no(said);
        }
        let kept = kept(folder);
        if said.contains("not a git repository") {
            // Git has passed by what is no repository to it any more.
            let by = kept.filter(|_| said.contains("parent directories"));
            return match by {
                Some(kept) => match denied(&kept) {
                    Some(path) => Self::Denied {
                        path,
                        said: said.trim_start_matches("fatal: ").to_owned(),
                    },
                    None => Self::Damaged {
                        folder: kept.parent().unwrap_or(folder).to_path_buf(),
                        said: format!("git takes {} for no repository", kept.display()),
                    },
                },
                None => no(said),
            };
        }
        let kept = kept.unwrap_or_else(|| folder.join(".git"));
        Self::of(folder, &kept, "rev-parse", &said)
    }
}

/// Whether git speaks of what is lost or spoilt. What stands in quotes are others' words.
fn is_damage(said: &str) -> bool {
    let own: String = said.split('\'').step_by(2).collect();
    let own = own.to_lowercase();
    DAMAGE.iter().any(|words| own.contains(words))
}

/// The nearest folder above in which git keeps something, as it looks.
fn kept(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let mut all = folder.ancestors().map(|it| it.join(".git"));
    all.find(|it| {
        let is_one = |name| std::fs::symlink_metadata(it.join(name)).is_ok();
        it.is_dir() && (["HEAD", "objects", "refs"].into_iter().any(is_one) || is_closed(it))
    })
}

/// So many of git's files are looked at.
const MOST: usize = 50_000;

/// The first of git's files that this user may not read.
fn denied(git_folder: &Path) -> Option<PathBuf> {
    let mut waiting = vec![git_folder.to_path_buf()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        seen += 1;
        let Ok(kind) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if !(kind.is_dir() || kind.is_file()) || seen > MOST {
            continue;
        }
        if is_closed(&path) {
            return Some(path);
        }
        // What it keeps of others, and what no reader needs.
        let is_passed = path.ends_with("modules") || path.ends_with("hooks");
        if kind.is_dir() && !is_passed {
            let inside = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(inside.map(|it| it.path()));
        }
    }
    None
}

fn is_closed(path: &Path) -> bool {
    let why = match path.is_dir() {
        true => std::fs::metadata(path.join(".")).and(std::fs::read_dir(path).map(drop)),
        false => std::fs::File::open(path).map(drop),
    };
    why.is_err_and(|why| why.kind() == std::io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(said: &str) -> String {
        let nowhere = Path::new("/nowhere/.git");
        GitError::of(Path::new("/r"), nowhere, "log", said).to_string()
    }

    #[test]
    fn damage_is_told_once_in_the_words_that_name_its_cause() {
        let said = "error: inflate: data stream error; error: unable to unpack d37; \
                    fatal: loose object d37 is corrupt";
        assert_eq!(
            told(said),
            "the repository in /r is damaged: loose object d37 is corrupt"
        );
        assert_eq!(told(""), "`git log` failed: ");
        for said in [
            "your current branch appears to be broken",
            "bad object HEAD",
            "bad shallow line: garbage",
            "unable to read tree 1b3ede03",
            ".git/index: index file smaller than expected",
            "unexpected line in .git/packed-refs: garbage",
            "cannot simplify commit 6f60 (because of 82d1)",
        ] {
            let whole = told(&format!("fatal: {said}"));
            assert_eq!(whole, format!("the repository in /r is damaged: {said}"));
        }
    }

    #[test]
    fn what_is_no_damage_is_told_as_git_says_it() {
        for said in [
            "failed to read orderfile '/corrupt': No such file or directory",
            "bad boolean config value 'corrupt' for 'diff.renames'",
            "bad config line 9 in file .git/config",
            "unknown repository extension found:; noop",
            "Out of memory, malloc failed (tried to allocate 9 bytes)",
        ] {
            let whole = told(&format!("fatal: {said}"));
            assert_eq!(whole, format!("`git log` failed: {said}"));
        }
        assert_eq!(
            told("fatal: .git/index: index file open failed: Permission denied"),
            "no permission to read /nowhere/.git (git says: .git/index: index file open failed: \
             Permission denied)"
        );
    }
}
