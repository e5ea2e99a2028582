//! `msvc ready`: the checklist over a git repository. Needs no Compose file and runs nothing but
//! git.

use std::path::Path;
use std::time::SystemTime;

use msvc_machine::disk::read_regular;
use msvc_machine::shutdown::Shutdown;
use msvc_ready::checklist::Checklist;
use msvc_ready::git::{Git, GitError};
use msvc_ready::repository::Repository;
use msvc_report::exit::Exit;
use msvc_report::human;
use msvc_system::files::Files;

use crate::artifacts;
use crate::cli::{Cli, Ready};
use crate::context::run_id;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::outlets;
use crate::terminal::Terminal;

/// Runs every check and says how they stand.
///
/// # Errors
/// When the folder is no git repository, or there is no git.
pub async fn run(
    cli: &Cli,
    request: &Ready,
    terminal: &Terminal,
    shutdown: &Shutdown,
) -> Result<Ending, Failure> {
    let began = std::time::Instant::now();
    let here = terminal.here();
    let given = here.given(&request.path);
    let folder = request.path.canonicalize().map_err(|why| {
        Failure::new(
            Exit::Usage,
            format!("cannot look at {}: {why}", given.display()),
        )
    })?;
    if !folder.is_dir() {
        let what = format!("{} is no folder", given.display());
        return Err(Failure::new(Exit::Usage, what).hint("name a repository, or a folder in one"));
    }
    let checklist = look(&folder, shutdown).await?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut report = checklist.report(&name, &run_id(), &request.fail_on);
    report.started = chrono::Local::now().to_rfc3339();
    report.seconds = began.elapsed().as_secs_f64();
    let real = here.real();
    for case in &mut report.cases {
        *case = real.case(case.clone());
    }
    if let Some(folder) = &cli.global.artifacts {
        let folder = here.whole(folder);
        artifacts::write_alone(terminal, &folder, &report);
    }
    outlets::write(terminal, cli.global.junit.as_deref(), &report);
    if terminal.is_json() {
        terminal.report(&report);
    } else {
        if !terminal.is_quiet() {
            let cases: String = report.cases.iter().map(human::case).collect();
            terminal.result(&cases);
        }
        let closing: Vec<String> = human::wrap(&checklist.to_string(), human::COLUMNS);
        terminal.result(&closing.join("\n"));
    }
    Ok(Ending::of(&report))
}

/// Every check over the repository, or the part of one, at `folder`.
async fn look(folder: &Path, shutdown: &Shutdown) -> Result<Checklist, GitError> {
    let files = Files::new(read_regular);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
    let told = Repository::ask(folder, environment(), shutdown).await?;
    let folder = folder.to_path_buf();
    let looking = tokio::task::spawn_blocking(move || {
        Checklist::of(&Repository::read(&folder, told, &files, now))
    });
    tokio::select! {
        // It writes nothing: it may be left to itself while msvc ends.
        () = shutdown.requested() => Err(GitError::Interrupted),
        done = looking => done.map_err(|why| GitError::Failed {
            command: "ready".to_owned(),
            said: why.to_string(),
        }),
    }
}

/// The same over the whole repository that `folder` lies in.
///
/// # Errors
/// As [`run`].
pub async fn whole(folder: &Path, shutdown: &Shutdown) -> Result<Checklist, GitError> {
    let root = Git::new(folder, environment(), shutdown).root().await?;
    look(&root, shutdown).await
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        match &error {
            GitError::NoGit(_) => Self::new(Exit::CouldNot, error.to_string())
                .hint("install git (`apt-get install git`)"),
            GitError::Bare { folder } => Self::new(Exit::Input, error.to_string()).hint(format!(
                "clone it, and name the clone: `git clone {}`",
                folder.display()
            )),
            GitError::NoRepository { folder, said } if said.contains("dubious ownership") => {
                Self::new(Exit::Input, error.to_string()).hint(format!(
                    "it belongs to another user; to trust it: `git config --global --add \
                     safe.directory {}`",
                    folder.display()
                ))
            }
            GitError::NoRepository { .. } => Self::new(Exit::Input, error.to_string())
                .hint("name a folder of a repository, or make one: `git init`"),
            GitError::Damaged { folder, .. } => {
                Self::new(Exit::Input, error.to_string()).hint(format!(
                    "`git -C {0} fsck` lists what is broken; clone it anew, or bring its objects \
                     again: `git -C {0} fetch --refetch` (a broken index: `rm .git/index`, then \
                     `git reset`)",
                    folder.display()
                ))
            }
            GitError::Denied { path, .. } => {
                let hint = format!(
                    "run it as who may read that, or give it back: `sudo chown -R \"$(id -un)\" {}`",
                    path.display()
                );
                Self::new(Exit::CouldNot, error.to_string()).hint(hint)
            }
            GitError::Failed { .. } => Self::new(Exit::CouldNot, error.to_string()).hint(
                "mend what git names there (`git config --list --show-origin` says where its \
                 settings stand)",
            ),
            GitError::Interrupted => Self::interrupted(),
        }
    }
}
