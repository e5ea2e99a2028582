//! Git repositories that tests make: their files, their commits, and what `msvc ready` says of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Finished, finish};

/// A git repository of the test's own.
pub struct Repository {
    folder: tempfile::TempDir,
    commits: u32,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
            commits: 0,
        };
        repository.git(&["init", "-q", "-b", "main"], "ann");
        repository
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    pub fn git(&self, arguments: &[&str], author: &str) {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(arguments);
        // Nothing of this machine's own settings, and dates that never change.
        let date = format!("{} +0000", 1_700_000_000 + u64::from(self.commits) * 3600);
        let address = format!("{author}@example.org");
        command.env_clear().env("HOME", self.path());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", author),
            ("GIT_COMMITTER_NAME", author),
            ("GIT_AUTHOR_EMAIL", &address),
            ("GIT_COMMITTER_EMAIL", &address),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_DATE", &date),
        ] {
            command.env(name, value);
        }
        finish(command).expect(0);
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn commit(&mut self, author: &str) {
        self.commits += 1;
        self.git(&["add", "-A"], author);
        let subject = format!("Change {}", self.commits);
        self.git(&["commit", "-q", "-m", &subject], author);
    }

    /// Commits that each change two files in every one of `folders`, by turns of `authors`.
    pub fn changes(&mut self, number: u32, folders: &[&str], authors: &[&str]) {
        self.changes_of(number, folders, authors, &["main.py", "model.py"]);
    }

    pub fn changes_of(&mut self, number: u32, folders: &[&str], authors: &[&str], files: &[&str]) {
        for n in 0..number {
            for folder in folders {
                for file in files {
                    self.write(&format!("{folder}/{file}"), &format!("print({n})\n"));
                }
            }
            let author = authors[n as usize % authors.len()];
            self.commit(author);
        }
    }

    pub fn ready(&self, arguments: &[&str]) -> Finished {
        ready(&self.path(), arguments)
    }

    /// How each check stands.
    #[track_caller]
    pub fn standings(&self) -> Value {
        let done = self
            .ready(&["--format", "json", "--fail-on", "never"])
            .expect(0);
        let mut standings = serde_json::Map::new();
        for check in done.json()["detail"]["checks"].as_array().unwrap() {
            let name = check["check"].as_str().unwrap().to_owned();
            standings.insert(name, check["standing"].clone());
        }
        standings.into()
    }
}

/// `msvc ready` on a folder.
pub fn ready(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.arg("ready").arg(folder).args(arguments);
    command.env("NO_COLOR", "1");
    finish(command)
}
