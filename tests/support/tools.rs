//! An image of this machine's own tools, for services of the tests that are no program of ours:
//! packed without a registry as any user can, from a folder and a Dockerfile of two lines.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::shared_engine::engine;
use super::system::System;

/// What the services of the tests call.
const PROGRAMS: [&str; 9] = [
    "sh", "cat", "echo", "false", "setsid", "sleep", "test", "touch", "true",
];

/// Parts of Python's library that no service of a test uses.
const NOT_USED: [&str; 9] = [
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "dist-packages",
];

/// The image's name; made when the engine does not have it. It has `sh`, a few of coreutils and
/// Python with its library.
pub fn tools() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let files = files();
        let mut hash = DefaultHasher::new();
        for (from, to) in &files {
            let about = from.metadata().unwrap();
            (to, about.len(), about.modified().unwrap()).hash(&mut hash);
        }
        let name = format!("msvc-tests-tools:{:016x}", hash.finish());
        if !engine().unwrap().has_image(&name) {
            make(&name, &files);
        }
        name
    })
}

/// Has it built by msvc, as the image of a job that does nothing.
fn make(name: &str, files: &BTreeSet<(PathBuf, PathBuf)>) {
    let job = "  stop_signal: SIGKILL\n  command: [\"true\"]\n";
    let job = job.replace("  ", "    ");
    let system = System::compose(&format!(
        "services:\n  tools:\n    image: {name}\n    build: .\n{job}"
    ))
    .with_variable("MSVC_RUNTIME", "docker");
    for (from, to) in files {
        let to = system.directory.join("root").join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
    let bin = system.directory.join("root/bin");
    std::os::unix::fs::symlink(python().0, bin.join("python3")).unwrap();
    std::fs::create_dir(system.directory.join("root/tmp")).unwrap();
    let dockerfile = system.directory.join("Dockerfile");
    std::fs::write(&dockerfile, "FROM scratch\nCOPY root /\nENV PATH=/bin\n").unwrap();
    system.up();
    // A system that has one takes its images with it: this one stays for all.
    std::fs::remove_file(dockerfile).unwrap();
}

/// Every file of the image: where it is here, and where there, below its root.
fn files() -> BTreeSet<(PathBuf, PathBuf)> {
    let (python, libraries) = python();
    let mut files = BTreeSet::new();
    let mut add = |from: &Path, to: &Path| {
        let below = to.strip_prefix("/").unwrap().to_owned();
        files.insert((from.canonicalize().unwrap(), below));
    };
    let mut programs = vec![python.clone()];
    for name in PROGRAMS {
        let path = on_path(name);
        add(&path, &Path::new("/bin").join(name));
        programs.push(path);
    }
    add(&python, &python);
    for folder in &libraries {
        for file in walk(folder) {
            if file.extension().is_some_and(|end| end == "so") {
                programs.push(file.clone());
            }
            add(&file, &file);
        }
    }
    for library in needed(&programs) {
        add(&library, &library);
    }
    files
}

/// The interpreter, and the folders of its library.
fn python() -> (PathBuf, Vec<PathBuf>) {
    let script = "import os,sys,sysconfig\n\
        print(os.path.realpath(getattr(sys,'_base_executable',sys.executable)))\n\
        for name in sorted({sysconfig.get_path('stdlib'),sysconfig.get_path('platstdlib')}): print(name)";
    let said = Command::new("python3").args(["-c", script]).output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    let mut paths = said.lines().map(PathBuf::from);
    (paths.next().unwrap(), paths.collect())
}

fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(name));
    all.find(|file| file.exists())
        .unwrap_or_else(|| panic!("no `{name}` on the PATH"))
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if !NOT_USED.contains(&name.as_ref()) && !name.starts_with("config-") {
                found.extend(walk(&path));
            }
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// The libraries that programs load, and the loader, at the paths where they are looked for.
fn needed(programs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let said = Command::new("ldd").args(programs).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let words = said.split_whitespace();
    // What ends in a colon names the program that the lines below it are about.
    words
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .map(PathBuf::from)
        .collect()
}
