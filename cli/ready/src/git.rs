//! The history and the file list of a repository, through the git program: plumbing output, no
//! shell, no pager, nothing of the repository's own settings that could run a program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use msvc_machine::child::{self, ChildCommand, ChildEnd, ChildLine};
use msvc_machine::shutdown::Shutdown;

use crate::history::{Commit, History};

mod error;
pub mod listing;
mod names;

pub use error::GitError;
use names::Names;

/// Commits that are read, the newest first; more say nothing more about today.
pub const MOST_COMMITS: usize = 20_000;

/// A file that was renamed is as like the one before as git takes it to be by itself; or the same.
const NEAR: &str = "--find-renames=50%";
const SAME: &str = "--find-renames=100%";
/// Of a commit that adds and removes more files than so many, those that stay as they are are known
/// alone: comparing costs the product of both.
const MOST_RENAMED: &str = "-l400";

/// Between the fields of a commit's line; cannot stand in a name or subject line.
const FIELD: char = '\u{1}';

/// The git program on one folder.
#[derive(Debug)]
pub struct Git<'a> {
    folder: PathBuf,
    in_github: bool,
    environment: Vec<(OsString, OsString)>,
    shutdown: &'a Shutdown,
}

impl<'a> Git<'a> {
    /// Git in `folder`, with PATH, HOME and what sets git's own settings out of the caller's
    /// `environment`; nothing else of it.
    pub fn new(
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        shutdown: &'a Shutdown,
    ) -> Self {
        let kept = |name: &str| {
            matches!(name, "PATH" | "HOME" | "XDG_CONFIG_HOME") || name.starts_with("GIT_CONFIG_")
        };
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let in_github = environment
            .iter()
            .any(|(name, value)| name == "GITHUB_ACTIONS" && value == "true");
        let mut environment: Vec<(OsString, OsString)> = environment
            .into_iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        for (name, value) in [
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            // What a partial clone lacks is not fetched: by a newer git, and by an older one that
            // knows no such setting.
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_ALLOW_PROTOCOL", "none"),
            ("LC_ALL", "C"),
        ] {
            environment.push((name.into(), value.into()));
        }
        Self {
            folder: folder.to_path_buf(),
            in_github,
            environment,
            shutdown,
        }
    }

    fn command(&self, arguments: &[&str]) -> ChildCommand {
        let settings = [
            "core.fsmonitor=false",
            "core.hooksPath=/dev/null",
            "core.quotePath=false",
            "log.showSignature=false",
            "log.follow=false",
        ];
        let mut words: Vec<OsString> = vec!["--no-pager".into()];
        for setting in settings {
            words.extend(["-c".into(), setting.into()]);
        }
        words.extend(arguments.iter().map(OsString::from));
        ChildCommand {
            program: "git".into(),
            arguments: words,
            directory: self.folder.clone(),
            environment: self.environment.clone(),
        }
    }

    /// What it answers to lines on its standard input, as far as it goes.
    async fn ask(&self, arguments: &[&str], lines: &[&str]) -> Result<Vec<u8>, GitError> {
        let question = lines
            .iter()
            .flat_map(|line| [*line, "\n"])
            .collect::<String>();
        let command = self.command(arguments);
        let asked = child::ask(&command, question.into_bytes(), self.shutdown).await;
        match asked.map_err(GitError::NoGit)? {
            (ChildEnd::Interrupted, _) => Err(GitError::Interrupted),
            (ChildEnd::Exited(_), answer) => Ok(answer),
        }
    }

    async fn run(&self, arguments: &[&str]) -> Result<Result<Vec<String>, String>, GitError> {
        let command = self.command(arguments);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ended = child::run(&command, self.shutdown, |line| match line {
            ChildLine::Out(line) => out.push(line),
            ChildLine::Err(line) => err.push(line),
        });
        match ended.await.map_err(GitError::NoGit)? {
            ChildEnd::Interrupted => Err(GitError::Interrupted),
            ChildEnd::Exited(status) if status.success() => Ok(Ok(out)),
            ChildEnd::Exited(_) => Ok(Err(err.join("; "))),
        }
    }

    async fn must(&self, arguments: &[&str]) -> Result<Vec<String>, GitError> {
        let command = arguments.first().copied().unwrap_or_default();
        match self.run(arguments).await? {
            Ok(lines) => Ok(lines),
            Err(said) => Err(self.failed(command, &said).await),
        }
    }

    /// Why a command failed that said so.
    async fn failed(&self, command: &str, said: &str) -> GitError {
        let kept = match self.run(&["rev-parse", "--git-common-dir"]).await {
            Ok(lines) => lines.unwrap_or_default(),
            Err(why) => return why,
        };
        let kept = self
            .folder
            .join(kept.first().map_or(".git", String::as_str));
        GitError::of(&self.folder, &kept, command, said)
    }

    /// The folder in which the repository's work tree stands.
    ///
    /// # Errors
    /// When there is none, or no git.
    pub async fn root(&self) -> Result<PathBuf, GitError> {
        let found = self.run(&["rev-parse", "--show-toplevel"]).await?;
        let Ok(lines) = found else {
            let bare = self.run(&["rev-parse", "--is-bare-repository"]).await?;
            if bare.is_ok_and(|lines| lines.first().is_some_and(|line| line == "true")) {
                let folder = self.folder.clone();
                return Err(GitError::Bare { folder });
            }
            let said = found.err().unwrap_or_default();
            return Err(GitError::of_root(&self.folder, said));
        };
        match lines.first().filter(|line| !line.is_empty()) {
            Some(root) => Ok(PathBuf::from(root)),
            None => Err(GitError::NoRepository {
                folder: self.folder.clone(),
                said: "it has no work tree".to_owned(),
            }),
        }
    }

    /// The history of this folder, newest first.
    ///
    /// # Errors
    /// When git fails. A repository without commits has an empty history.
    pub async fn history(&self) -> Result<History, GitError> {
        let shallow = self.must(&["rev-parse", "--is-shallow-repository"]).await?;
        let shallow = shallow.first().is_some_and(|line| line == "true");
        if !self.has_commits().await? {
            return Ok(History {
                shallow,
                in_github: self.in_github,
                ..History::default()
            });
        }
        let mut read = self.log(Some(NEAR)).await?;
        if read.is_err() {
            // What is like another file is told by what they say; a partial clone lacks that.
            read = self.log(Some(SAME)).await?;
        }
        let (mut commits, without_files) = match read {
            Ok(commits) => (commits, false),
            Err(_) if self.is_partial().await? => {
                // Who worked is told without trees, of the repository as a whole.
                let whole = self.must(&["rev-parse", "--show-prefix"]).await?;
                let whole = whole.first().is_none_or(String::is_empty);
                let told = if whole {
                    self.log(None).await?
                } else {
                    Err(String::new())
                };
                (told.unwrap_or_default(), true)
            }
            Err(said) => return Err(self.failed("log", &said).await),
        };
        let cut = commits.len() > MOST_COMMITS;
        commits.truncate(MOST_COMMITS);
        Ok(History {
            commits,
            shallow,
            in_github: self.in_github,
            cut,
            without_files,
        })
    }

    /// Whether the branch has any: one that is not born yet is told from one that is broken.
    async fn has_commits(&self) -> Result<bool, GitError> {
        let last = self.run(&["rev-parse", "--verify", "--quiet", "HEAD"]);
        if last.await?.is_ok() {
            return Ok(true);
        }
        match self.run(&["log", "--max-count=1", "--format=%H"]).await? {
            Ok(lines) => Ok(!lines.is_empty()),
            Err(said) if said.contains("does not have any commits yet") => Ok(false),
            Err(said) => Err(self.failed("log", &said).await),
        }
    }

    /// The newest commits, with what they touched of this folder, or without; `renames` is how like
    /// a file has to be that is taken for one under another name.
    async fn log(&self, renames: Option<&str>) -> Result<Result<Vec<Commit>, String>, GitError> {
        let most = format!("--max-count={}", MOST_COMMITS + 1);
        let format = format!("--format={FIELD}%H{FIELD}%P{FIELD}%ct{FIELD}%aE{FIELD}%aN{FIELD}%s");
        let mut words = vec!["log", &most, &format];
        if let Some(renames) = renames {
            words.extend([
                "--name-status",
                "--relative",
                renames,
                MOST_RENAMED,
                "--no-ext-diff",
                "--no-textconv",
                "--",
                ".",
            ]);
        }
        let lines = self.run(&words).await?;
        Ok(lines.map(|lines| commits(&lines)))
    }

    /// Whether it is a partial clone: its remote keeps what is missing here.
    async fn is_partial(&self) -> Result<bool, GitError> {
        let promised = ["config", "--get-regexp", r"^remote\..*\.promisor$"];
        Ok(self
            .run(&promised)
            .await?
            .is_ok_and(|lines| !lines.is_empty()))
    }
}

fn commits(lines: &[String]) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    let mut names = Names::default();
    for line in lines {
        if let Some(head) = line.strip_prefix(FIELD) {
            let mut fields = head.split(FIELD);
            let mut field = || fields.next().unwrap_or_default().to_owned();
            commits.push(Commit {
                id: field(),
                merge: field().contains(' '),
                at: field().parse().unwrap_or_default(),
                email: field().to_lowercase(),
                name: field(),
                subject: field(),
                files: Vec::new(),
            });
            names.begin();
        } else if let Some((status, paths)) = line.split_once('\t')
            && let Some(commit) = commits.last_mut()
        {
            let mut paths = paths.split('\t').map(unquoted);
            let first = paths.next().unwrap_or_default();
            commit.files.push(names.of(status, first, paths.next()));
        }
    }
    commits
}

/// A name as git writes it: in quotes, with escapes, where it has control characters or quotes.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(first @ b'0'..=b'3') => {
                let digits = [Some(first), rest.next(), rest.next()];
                let value = digits.iter().flatten().fold(0_u32, |value, digit| {
                    value * 8 + u32::from(digit.wrapping_sub(b'0') & 7)
                });
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(sign) => bytes.push(match sign {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                sign => sign,
            }),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_commit_by_commit() {
        let log = "\u{1}a1\u{1}p q\u{1}100\u{1}A@X.org\u{1}Ann\u{1}Merge it\n\n\u{1}b2\u{1}p\u{1}90\u{1}b@x.org\u{1}Ben\u{1}Do: it\n\nM\tx/a.rs\nA\t\"y/\\\"b\\\".rs\"\n";
        let lines: Vec<String> = log.lines().map(str::to_owned).collect();
        let commits = commits(&lines);
        assert!(commits[0].merge && commits[0].email == "a@x.org");
        assert_eq!(commits[1].files, ["x/a.rs", "y/\"b\".rs"]);
        assert_eq!((commits[1].at, commits[1].subject.as_str()), (90, "Do: it"));
    }

    #[test]
    fn names_in_quotes_are_read_with_all_their_escapes() {
        assert_eq!(unquoted(r#""a\001\"\tb\303\274\\""#), "a\u{1}\"\tbü\\");
        assert_eq!(unquoted("a b"), "a b");
    }
}
