//! One start of an instance: its folders made, its ports reserved, its process in a session of
//! its own with exactly its environment, its output drained.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use msvc_machine::atomic_write::atomic_write;
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Stream;
use msvc_system::id::InstanceId;
use nix::sys::signal::{Signal, killpg};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use socket2::{Domain, Socket, Type};
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::logs::{LogWriter, Logs};
use super::mark::{MARK, RunMark};
use crate::contract::RuntimeError;
use crate::instance::{InstanceSpec, Listen, ProcessFile, ProcessProgram};
use msvc_machine::process_table::{ProcessIdentity, as_pid};

/// How long the output of what is gone may still arrive.
const DRAIN: Duration = Duration::from_millis(500);

/// A started process.
#[derive(Debug)]
pub(super) struct Child {
    identity: ProcessIdentity,
    process: Box<dyn ChildWrapper>,
    readers: Vec<JoinHandle<()>>,
    /// No more than what is there is read once this is requested.
    over: Shutdown,
    /// Its ports, bound without listening where somebody else could be given them.
    _reserved: Vec<Socket>,
}

impl Child {
    /// Starts `spec` as the incarnation `id`.
    pub(super) fn start(
        spec: &InstanceSpec,
        id: &InstanceId,
        mark: &RunMark,
        logs: &Logs,
    ) -> Result<Self, RuntimeError> {
        let refused = |why: String| RuntimeError::Start {
            instance: id.clone(),
            why,
        };
        let program = spec.process().map_err(|e| refused(e.to_string()))?;
        let reserved = spec
            .listens
            .iter()
            .map(reserve)
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>, _>>()?;
        for folder in &program.folders {
            fs::create_dir_all(folder)
                .map_err(|e| refused(format!("its folder {}: {e}", folder.display())))?;
        }
        for file in &program.files {
            write(file).map_err(|e| refused(format!("its file {}: {e}", file.path.display())))?;
        }
        let writer = logs.open(id)?;
        let environment = marked(program, mark.value(id));
        let mut process = command(program, &program.command, environment)
            .and_then(|mut command| {
                command
                    .command_mut()
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                command.spawn()
            })
            .map_err(|e| refused(cannot_run(program, &program.command, &e)))?;
        let over = Shutdown::new();
        let readers = readers(process.as_mut(), &writer, &over);
        let Some(identity) = process.id().and_then(ProcessIdentity::of) else {
            // What cannot be recorded must not run; gone already is as good.
            let _ = process.start_kill();
            return Err(refused("its process cannot be found".to_owned()));
        };
        Ok(Self {
            identity,
            process: process.into_inner(),
            readers,
            over,
            _reserved: reserved,
        })
    }

    pub(super) fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Waits for the process itself, not for what it started.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Sends a signal to the process and its group. To be called only before [`Child::wait`] has
    /// told its end: till then its pid is nobody else's.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        as_pid(self.identity.pid).is_some_and(|pid| killpg(pid, signal).is_ok())
    }

    /// Waits until what it wrote is in the log. Somebody who left its session may hold the stream
    /// open, so not for more than what is there after a while.
    pub(super) async fn drained(self, clock: &dyn Clock) {
        let deadline = clock.now() + DRAIN;
        for mut reader in self.readers {
            tokio::select! {
                _ = &mut reader => continue,
                () = clock.sleep_until(deadline) => self.over.request_once(),
            }
            let _ = reader.await;
        }
    }
}

fn readers(
    process: &mut dyn ChildWrapper,
    writer: &LogWriter,
    over: &Shutdown,
) -> Vec<JoinHandle<()>> {
    let mut readers = Vec::new();
    let (writer, over) = (|| writer.clone(), || over.clone());
    if let Some(stdout) = process.stdout().take() {
        readers.push(tokio::spawn(writer().drain(stdout, Stream::Stdout, over())));
    }
    if let Some(stderr) = process.stderr().take() {
        readers.push(tokio::spawn(writer().drain(stderr, Stream::Stderr, over())));
    }
    readers
}

/// An instance's environment with the mark of its run.
pub(super) fn marked(program: &ProcessProgram, mark: String) -> Vec<(String, String)> {
    let mut environment = program.environment.clone();
    environment.retain(|(name, _)| name != MARK);
    environment.push((MARK.to_owned(), mark));
    environment
}

/// Writes a file that nobody but the user reads; what stood there is replaced whole.
fn write(file: &ProcessFile) -> io::Result<()> {
    let folder = file.path.parent().unwrap_or(Path::new("/"));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    atomic_write(&file.path, file.text.as_bytes())
}

/// A command in the surroundings of `program`, in a session of its own.
pub(super) fn command(
    program: &ProcessProgram,
    words: &[String],
    environment: Vec<(String, String)>,
) -> io::Result<CommandWrap> {
    let (name, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no command"))?;
    if !program.directory.is_dir() {
        let text = format!("its folder {} is not there", program.directory.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
    }
    let mut command = Command::new(name);
    command
        .args(arguments)
        .current_dir(&program.directory)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null());
    let mut command = CommandWrap::from(command);
    command.wrap(ProcessSession);
    Ok(command)
}

/// Why a command could not be started, for people.
pub(super) fn cannot_run(program: &ProcessProgram, words: &[String], error: &io::Error) -> String {
    let name = words.first().map_or("", String::as_str);
    let path = program.environment.iter().find(|(key, _)| key == "PATH");
    match error.kind() {
        io::ErrorKind::NotFound if name.contains('/') => format!("there is no `{name}`"),
        io::ErrorKind::NotFound => format!(
            "`{name}` is not found on its PATH ({})",
            path.map_or("it has none".to_owned(), |(_, value)| beginning(value))
        ),
        io::ErrorKind::PermissionDenied => format!("`{name}` may not be executed"),
        _ => format!("`{name}`: {error}"),
    }
}

/// The first folders of a PATH, and how many more there are.
fn beginning(path: &str) -> String {
    const SHOWN: usize = 3;
    let folders: Vec<&str> = path.split(':').collect();
    match folders.len().checked_sub(SHOWN) {
        None | Some(0) => path.to_owned(),
        Some(more) => format!("{} and {more} more", folders[..SHOWN].join(":")),
    }
}

/// Takes a port without listening on it: connects stay refused, and nobody else is given it. The
/// service binds it beside this socket (both with SO_REUSEADDR, as servers do).
///
/// A port on an address of its own outside the range that the kernel gives away is only looked
/// at: nobody else comes there, and a service without SO_REUSEADDR can bind it.
fn reserve(listen: &Listen) -> Result<Option<Socket>, RuntimeError> {
    let address = listen.backend;
    let socket = bind(address).map_err(|e| RuntimeError::PortTaken {
        address: address.to_string(),
        owner: None,
        hint: format!("{e}; end who has it, or give the service another port"),
    })?;
    let contested = address.ip().is_unspecified() || given_away(address.port());
    Ok(contested.then_some(socket))
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Whether the kernel gives this port to whoever asks for any. Where that cannot be told: yes.
fn given_away(port: u16) -> bool {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = range.split_ascii_whitespace().map(str::parse::<u16>);
    match (bounds.next(), bounds.next()) {
        (Some(Ok(low)), Some(Ok(high))) => (low..=high).contains(&port),
        _ => true,
    }
}
