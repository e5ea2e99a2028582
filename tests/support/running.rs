//! A command run to its end, or beside the test.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::machine::kill;
use super::{TO_ITS_END, until};

/// A command that ran to its end.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The exit code.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {self:#?}"))
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|why| panic!("{why}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// What a command has written so far. Bytes: a read may end within a character.
type Gathered = Arc<Mutex<Vec<u8>>>;

/// `msvc` beside the test; ended with it.
pub struct Running {
    child: Child,
    stdout: Gathered,
    stderr: Gathered,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(super) fn new(mut command: Command) -> Self {
        // Tests of the other runtime ask for it themselves, whatever engine answers here.
        if command.get_envs().all(|(name, _)| name != "MSVC_RUNTIME") {
            command.env("MSVC_RUNTIME", "process");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (Gathered::default(), Gathered::default());
        let readers = vec![
            gather(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            gather(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Sends a signal by name, for example `INT`.
    pub fn signal(&self, signal: &str) {
        kill(signal, self.pid());
    }

    /// Waits until standard output or error holds `text`.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        until(&format!("`{text}` in the output"), || {
            // Looked at before the output: what it wrote last is read a little later.
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() {
                for reader in self.readers.drain(..) {
                    let _ = reader.join();
                }
            }
            let (stdout, stderr) = (self.stdout(), self.stderr());
            if stdout.contains(text) || stderr.contains(text) {
                return Some(());
            }
            assert!(
                ended.is_none(),
                "ended ({ended:?}) without `{text}`\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
            );
            None
        });
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let deadline = Instant::now() + TO_ITS_END;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "waited {TO_ITS_END:?} for the end of the command\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout(),
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Finished {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            kill("INT", self.child.id());
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn gather(mut from: impl Read + Send + 'static, into: Gathered) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0_u8; 4096];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            into.lock().unwrap().extend_from_slice(&bytes[..n]);
        }
    })
}

fn text(gathered: &Gathered) -> String {
    String::from_utf8_lossy(&gathered.lock().unwrap()).into_owned()
}

/// Runs a command to its end.
#[track_caller]
pub fn finish(command: Command) -> Finished {
    Running::new(command).finish()
}

/// Runs a command beside the test.
pub fn beside(command: Command) -> Running {
    Running::new(command)
}
