//! A folder to make services in, `msvc` and `cargo` run there, and the proof that nothing changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{self, Finished, building, finish};

/// A folder to make services in.
pub struct Ground {
    pub folder: tempfile::TempDir,
}

impl Ground {
    /// An empty git repository.
    pub fn repository() -> Self {
        let ground = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        ground.git(&["init", "-q"]);
        ground
    }

    /// The same with files in it.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let ground = Self::repository();
        for (path, text) in files {
            let path = ground.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        ground
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        support::read(&self.path(path))
    }

    /// `msvc` in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("COMPOSE_FILE")
            .stdin(Stdio::null());
        building(&mut command);
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    /// `msvc new NAME --template rust-axum` with more arguments.
    #[track_caller]
    pub fn new_service(&self, name: &str, more: &[&str]) -> Finished {
        let mut arguments = vec!["new", name, "--template", "rust-axum"];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// The same refused: with this code, with these words, and with nothing written.
    #[track_caller]
    pub fn refuses(&self, name: &str, more: &[&str], code: i32, words: &[&str]) {
        let before = self.everything();
        let refused = self.new_service(name, more).expect(code);
        for word in words {
            assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
        }
        assert_eq!(refused.stdout, "");
        assert_eq!(self.everything(), before, "{name} {more:?}");
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@t",
                "-c",
                "core.autocrlf=false",
            ])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every file, folder and link, with what is in it.
    pub fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if entry.file_name() == ".git" {
            continue;
        } else if kind.is_dir() {
            collect(&path, found);
            found.insert(path, Vec::new());
        } else if kind.is_symlink() {
            found.insert(path, b"a link".to_vec());
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
}

#[track_caller]
pub fn cargo(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(folder);
    building(&mut command);
    // Not by `finish`: a cold build takes longer than any other test waits for anything.
    let output = command.stdin(Stdio::null()).output().unwrap();
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The turn of one test to build. Cargo would let the others wait too, but inside a command that
/// is given so much time and no more.
pub fn turn_to_build() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A system that is there already.
pub const SMALL: &str = "\
# The whole system.
services:
  # It was here first.
  elder:
    image: x # as it is
    ports: [\"8080:80\"]

# The end.
";
