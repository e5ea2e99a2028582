//! `msvc config`, and more, of files that mean harm: with little time and memory to read them in.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Most resident memory that `msvc` may ever have had, in KiB.
const MOST_MEMORY: u64 = 400_000;

/// Runs a program with 20 s of processor time and writes how it ended and the most memory it had,
/// as the kernel tells who waits for it.
const CAPPED: &str = r#"
import os, resource, sys
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as told:
    told.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss} {usage.ru_utime + usage.ru_stime:.2f}")
"#;

/// A folder of files that mean harm.
pub struct Harmful(tempfile::TempDir);

/// How `msvc config` ended.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Harmful {
    pub fn of(text: impl AsRef<[u8]>) -> Self {
        Self(tempfile::tempdir().unwrap()).with("compose.yaml", text)
    }

    pub fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `msvc config` of these files, which must end by itself, within bounds and with 0 or 4.
    #[track_caller]
    pub fn config_of(&self, files: &[&str]) -> Answer {
        self.command(files, &["--format", "json", "config"])
    }

    #[track_caller]
    pub fn command(&self, files: &[&str], words: &[&str]) -> Answer {
        let told = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", CAPPED]).arg(told.path());
        command.arg(program());
        for file in files {
            command.arg("-f").arg(self.path().join(file));
        }
        command.args(words);
        let done = command
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
        let told = std::fs::read_to_string(told.path()).unwrap();
        let numbers: Vec<&str> = told.split(' ').collect();
        let [code, peak, seconds] = numbers[..] else {
            panic!("`{told}`: {stderr}");
        };
        let (code, peak): (i32, u64) = (code.parse().unwrap(), peak.parse().unwrap());
        let last = stderr.get(..2_000).unwrap_or(&stderr);
        // What only the development build is held to is not measured in the release.
        if words.contains(&"config") {
            tell(std::panic::Location::caller(), peak, seconds);
        }
        assert!(matches!(code, 0 | 4), "{code} after {seconds} s: {last}");
        assert!(!stderr.contains("panicked"), "{last}");
        assert!(peak <= MOST_MEMORY, "{peak} KiB: {last}");
        Answer {
            code,
            stdout,
            stderr,
        }
    }

    #[track_caller]
    pub fn config(&self) -> Answer {
        self.config_of(&["compose.yaml"])
    }

    /// The same, which must be refused with these words.
    #[track_caller]
    pub fn refused(&self, words: &str) {
        let answer = self.config();
        assert_eq!(answer.code, 4, "{words}");
        answer.says(words);
    }

    /// The same, which must be read.
    #[track_caller]
    pub fn read(&self) -> serde_json::Value {
        let answer = self.config();
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        serde_json::from_str(&answer.stdout).unwrap()
    }
}

/// The msvc that reads them: the one built, or another that is measured (`tests/bench/harm.rs`).
fn program() -> std::ffi::OsString {
    std::env::var_os("MSVC_TESTS_HARMED").unwrap_or_else(|| env!("CARGO_BIN_EXE_msvc").into())
}

/// Adds a line of what it took to the file of who measures.
fn tell(place: &std::panic::Location<'_>, peak: u64, seconds: &str) {
    let Some(file) = std::env::var_os("MSVC_TESTS_HARM_TOLD") else {
        return;
    };
    let mut file = std::fs::File::options().append(true).open(file).unwrap();
    // One write: tests that run at once do not part each other's lines.
    let line = format!("{seconds} {peak} {place}\n");
    file.write_all(line.as_bytes()).unwrap();
}

impl Answer {
    #[track_caller]
    pub fn says(&self, words: &str) {
        let said = self.stderr.get(..3_000).unwrap_or(&self.stderr);
        assert!(self.stderr.contains(words), "no `{words}` in {said}");
    }
}

/// `text` so many times, each with its number for `#`.
pub fn each(count: usize, text: &str) -> String {
    let mut all = String::new();
    for number in 0..count {
        write!(all, "{}", text.replace('#', &number.to_string())).unwrap();
    }
    all
}

pub fn service(fields: &str) -> String {
    format!("services:\n  a:\n    image: a\n{fields}")
}
