//! The supervisor's main: answers at the control socket and keeps what it is asked to keep, until
//! somebody wants it to end; then it ends all of it, says why, and is gone.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::Mesh;
use msvc_mesh::protocol::{Handler, serve_connection};
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream, unix::pipe};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::control::{Control, Reason};
use super::edges::Edges;
use super::events::EventLog;
use super::home::{ProjectHome, records};
use super::logs::Logs;
use super::mark::RunMark;
use super::orphans;
use super::records::{EndRecord, Records, State};
use super::shared::Shared;
use super::supervisor::Supervisor;
use crate::contract::RuntimeError;
use msvc_machine::process_table::ProcessIdentity;

/// A supervisor that keeps nothing and that nobody speaks to ends by itself: what launched it has
/// died before it could say what to start.
const IDLE: Duration = Duration::from_secs(30);

/// How long clients may take their last answers.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a supervisor is started with.
pub struct SupervisorOptions {
    /// Whose records.
    pub home: ProjectHome,
    /// The run that everything is marked with.
    pub run: String,
    /// Version of the build, for the hello.
    pub build: String,
    /// The guardian's pid; `None` when it is run by hand, with nobody to end what it leaves.
    pub guardian: Option<u32>,
}

impl SupervisorOptions {
    /// The options that a guardian appended.
    ///
    /// # Errors
    /// When they are not those that a guardian appends.
    pub fn from_arguments(given: &[OsString], build: &str) -> Result<Self, RuntimeError> {
        let [home @ .., run, guardian] = given else {
            return Err(RuntimeError::Refused("a supervisor needs a run".to_owned()));
        };
        Ok(Self {
            home: ProjectHome::from_arguments(home)?,
            run: run.to_string_lossy().into_owned(),
            build: build.to_owned(),
            guardian: guardian.to_str().and_then(|pid| pid.parse().ok()),
        })
    }
}

/// Carries `mesh` and supervises until asked to end, by `shutdown`, by a client, or by the
/// guardian's end.
///
/// # Errors
/// When the records or the socket cannot be made; nothing runs then.
pub async fn supervisor_main(
    options: SupervisorOptions,
    mesh: Mesh,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), RuntimeError> {
    // A closed terminal is no reason to end. A handler, not SIG_IGN: that would be inherited.
    let _hangup = signal(SignalKind::hangup());
    orphans::adopt()?;
    let home = options.home.clone();
    let build = options.build.clone();
    let shared = Arc::new(belongings(options, &mesh, clock)?);
    let control = Control::new(
        Arc::new(Supervisor::new(Arc::clone(&shared))),
        shutdown.clone(),
    );
    let listener = listen(&home.socket())?;
    let finish = Shutdown::new();
    let door = Door {
        control: control.clone(),
        build,
        finish: finish.clone(),
        sessions: Arc::default(),
    };
    let sessions = Arc::clone(&door.sessions);
    let serving = tokio::spawn(door.serve(listener));
    let reason = tokio::select! {
        reason = control.asked_to_end() => reason,
        () = shutdown.requested() => Reason::new("signal SIGTERM", true),
        () = guardian_gone() => Reason::new("its guardian was killed", false),
        () = idle(&control, &sessions) => Reason::new("nobody had anything for it to do", true),
        () = orphans::bury(&*shared.clock, || control.supervisor.pids()) => Reason::new("it lost itself", false),
    };
    let stopped = control.supervisor.stop_all(&shutdown).await;
    orphans::end(&*shared.clock, &shutdown).await;
    let at = shared.clock.wall().duration_since(UNIX_EPOCH);
    let at_ms = u64::try_from(at.unwrap_or_default().as_millis()).ok();
    let recorded = EndRecord::new(at_ms, reason.how, reason.expected).write(&home);
    farewell(&control, stopped).await;
    finish.request_once();
    tokio::select! {
        _ = serving => {}
        () = shared.clock.sleep(FAREWELL) => {}
    }
    mesh.close().await;
    super::records::remove(&home.socket())?;
    recorded
}

/// Makes the records of a supervisor that begins, and what else is its own.
fn belongings(
    options: SupervisorOptions,
    mesh: &Mesh,
    clock: Arc<dyn Clock>,
) -> Result<Shared, RuntimeError> {
    let SupervisorOptions { home, run, .. } = options;
    home.create()?;
    let own = ProcessIdentity::own().ok_or_else(|| {
        records(Path::new("/proc/self/stat"))(io::Error::from(io::ErrorKind::NotFound))
    })?;
    let guardian = options.guardian.and_then(ProcessIdentity::of);
    let state = State::new(&run, guardian, own, home.socket());
    Ok(Shared {
        events: EventLog::new(),
        logs: Logs::new(home.clone(), Arc::clone(&clock)),
        records: Records::begin(home.clone(), state)?,
        edges: Edges::new(mesh.clone()),
        mark: RunMark::new(home.project().clone(), run),
        clock,
    })
}

/// Tells the end to whoever asked for it, and lets followers read to the last line.
async fn farewell(control: &Control, stopped: usize) {
    let shared = &control.supervisor.shared;
    shared.events.close();
    shared.logs.close();
    control.ended(stopped);
    control.readers.gone(&*shared.clock).await;
}

/// Listens where only the user may connect; the socket appears with its mode and ready.
fn listen(socket: &Path) -> Result<UnixListener, RuntimeError> {
    let mut making = socket.as_os_str().to_owned();
    making.push(".new");
    let making = Path::new(&making);
    super::records::remove(making)?;
    let listener = UnixListener::bind(making).map_err(records(making))?;
    fs::set_permissions(making, fs::Permissions::from_mode(0o600)).map_err(records(making))?;
    fs::rename(making, socket).map_err(records(socket))?;
    Ok(listener)
}

struct Door {
    control: Control,
    build: String,
    finish: Shutdown,
    sessions: Arc<AtomicUsize>,
}

impl Door {
    /// Serves connections until finished, and then until each has taken its last answers.
    async fn serve(self, listener: UnixListener) {
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.finish.requested() => break,
                Some(_) = connections.join_next() => continue,
            };
            match stream {
                Ok((stream, _)) => {
                    connections.spawn(self.connection(stream));
                }
                // Out of file descriptors, most likely: some connection has to end first.
                Err(_) => self.control.supervisor.shared.clock.sleep(LOOK).await,
            }
        }
        while connections.join_next().await.is_some() {}
    }

    fn connection(&self, stream: UnixStream) -> impl Future<Output = ()> + use<> {
        let sessions = Arc::clone(&self.sessions);
        sessions.fetch_add(1, Ordering::Relaxed);
        let mesh = self.control.supervisor.shared.edges.mesh();
        let hello = mesh.hello(&*self.build);
        let handler: Arc<dyn Handler> = Arc::new(self.control.clone());
        let finish = self.finish.clone();
        async move {
            // What ended it concerns its client only.
            let _ = serve_connection(stream, hello, handler, finish).await;
            sessions.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

const LOOK: Duration = Duration::from_millis(100);

/// Returns when the guardian is gone: it holds the other end of standard input and never writes.
/// Without a guardian, never.
async fn guardian_gone() {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let Ok(mut stdin) = stdin.and_then(pipe::Receiver::from_owned_fd) else {
        return std::future::pending().await;
    };
    let mut byte = [0];
    while let Ok(1..) = stdin.read(&mut byte).await {}
}

/// Returns once nothing was kept and nobody spoke for [`IDLE`].
async fn idle(control: &Control, sessions: &AtomicUsize) {
    let supervisor = &control.supervisor;
    let clock = &supervisor.shared.clock;
    let mut since = clock.now();
    while clock.now() < since + IDLE {
        clock.sleep(LOOK * 10).await;
        if !supervisor.is_empty() || sessions.load(Ordering::Relaxed) > 0 {
            since = clock.now();
        }
    }
}
