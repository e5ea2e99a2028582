//! `include` and `extends` of files that stand in a git repository, as people meet it: what `msvc
//! config` prints and says, and how it ends.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Finished, finish, until};

/// A folder with a repository, and a project that includes files of it.
struct Project(tempfile::TempDir);

impl Project {
    /// The repository has a tag `v1`, a branch `main`, and `feat/main` with another image.
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(project.at("work/deploy x")).unwrap();
        project.git("work", &["init", "-q", "-b", "main"]);
        let text = "services: {far: {image: \"far:$TAG\", build: .}}\n";
        project.write("work/deploy x/compose.yml", text);
        project.write("work/deploy x/.env", "TAG=theirs\n");
        project.write("work/broken.yaml", "services:\n  far: {imag: x}\n");
        project.git("work", &["add", "."]);
        project.git("work", &["commit", "-qm", "one"]);
        project.git("work", &["tag", "v1"]);
        project.git("work", &["checkout", "-qb", "feat/main"]);
        project.write("work/deploy x/.env", "TAG=feature\n");
        project.git("work", &["commit", "-qam", "two"]);
        project.git(".", &["clone", "-q", "--bare", "work", "bare.git"]);
        project
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    fn git(&self, folder: &str, words: &[&str]) {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t"];
        let mut command = Command::new("git");
        command.args(who).args(words).current_dir(self.at(folder));
        let done = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output();
        assert!(done.unwrap().status.success(), "{words:?}");
    }

    /// The address of the repository.
    fn address(&self) -> String {
        format!("file://{}", self.at("bare.git").display())
    }

    /// `msvc config` of a project that includes `source`.
    fn including(&self, source: &str) -> Command {
        let text = format!("name: g\ninclude: [\"{source}\"]\n");
        self.write("compose.yaml", &text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(["config", "--format", "json"])
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("XDG_CACHE_HOME", self.at("cache"));
        command
    }

    /// What it says of a place in the repository.
    fn config(&self, place: &str) -> Finished {
        finish(self.including(&format!("{}{place}", self.address())))
    }
}

#[test]
fn files_of_a_git_repository_are_fetched_where_they_are_included() {
    let project = Project::new();
    let done = project.config("#main:deploy x").expect(0);
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let far = &printed["services"]["far"];
    assert_eq!(far["image"], "far:theirs");
    let context = Path::new(far["build"]["context"].as_str().unwrap());
    assert!(
        context.starts_with(project.at("cache/msvc/git")),
        "{context:?}"
    );
    assert!(context.ends_with("deploy x"), "{context:?}");
}

#[test]
fn signs_of_a_ref_and_a_folder_may_be_written_as_digits() {
    let project = Project::new();
    for (place, image) in [
        ("#feat%2Fmain:deploy%20x", "far:feature"),
        ("?ref=feat%2Fmain&subdir=deploy+x", "far:feature"),
        ("#refs/tags/v1:deploy/../deploy%20x", "far:theirs"),
        // The branch of that very name, and not another that ends in it.
        ("#main:deploy x", "far:theirs"),
    ] {
        let done = project.config(place).expect(0);
        assert!(done.stdout.contains(image), "{place}: {}", done.stdout);
    }
}

#[test]
fn what_the_repository_does_not_have_is_wrong_in_the_file_that_asks_for_it() {
    let project = Project::new();
    let commit = "a".repeat(40);
    for reference in ["other", &commit] {
        let none = project.config(&format!("#{reference}:deploy x")).expect(4);
        let wanted = format!("has no branch, tag or commit `{reference}`");
        assert!(none.stderr.contains(&wanted), "{}", none.stderr);
    }
}

#[test]
fn a_problem_in_a_file_of_a_repository_names_repository_ref_and_path() {
    let project = Project::new();
    let done = project.config("#v1:broken.yaml").expect(4);
    let problem = &done.json()["problems"][0];
    let named = format!("{}#v1:broken.yaml", project.address());
    assert_eq!(problem["place"]["file"], named);
    assert_eq!(problem["source"], "  far: {imag: x}");
    assert!(!done.stderr.contains("cache"), "{}", done.stderr);
    // GitHub has no such file to show it beside.
    let mut command = project.including(&named);
    command.env("GITHUB_ACTIONS", "true");
    let done = finish(command).expect(4);
    let annotation = format!("::error title=msvc::{named}:2:9: a service has no key `imag`");
    assert!(done.stderr.contains(&annotation), "{}", done.stderr);
}

#[test]
fn what_cannot_be_fetched_is_no_fault_of_the_files() {
    let project = Project::new();
    let source = format!("{}#v1:deploy x", project.address());
    let mut no_git = project.including(&source);
    no_git.env("PATH", project.at("empty"));
    let mut no_cache = project.including(&source);
    no_cache.env("XDG_CACHE_HOME", "/proc");
    for (mut command, hint) in [(no_git, "install git"), (no_cache, "XDG_CACHE_HOME")] {
        command.arg("--no-color");
        let done = finish(command).expect(3);
        assert!(done.stderr.contains(hint), "{}", done.stderr);
    }
    let gone = finish(project.including("file:///no/such.git#v1")).expect(3);
    assert!(gone.stderr.contains("git cannot reach"), "{}", gone.stderr);
    let mut off = project.including(&source);
    off.env("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "false");
    let off = finish(off).expect(4);
    assert!(off.stderr.contains("switched off"), "{}", off.stderr);
}

#[test]
fn an_interrupt_while_git_waits_ends_as_one() {
    let project = Project::new();
    // It takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("git://{}/r", silent.local_addr().unwrap());
    let mut command = project.including(&address);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let _connection = silent.accept().unwrap();
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(id, Signal::SIGINT).unwrap();
    let ended = until("msvc to end", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(130));
}
