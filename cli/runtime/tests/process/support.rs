//! A project in a folder of its own; all of it is brought down when a test ends, however it ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use msvc_machine::clock::{Clock, MachineClock};
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, EdgeStatus};
use msvc_report::event::{Event, Stamped};
use msvc_runtime::contract::{LogQuery, Runtime, RuntimeError};
use msvc_runtime::instance::{HealthSpec, Hooks, InstanceSpec, Listen, ProcessProgram, Program};
use msvc_runtime::observed::{ObservedInstance, Phase};
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::{
    Down, Launcher, ProcessIdentity, ProcessRuntime, ProjectHome, State, down,
};
use msvc_system::id::{EdgeId, InstanceId, LaneName, Party};
use msvc_system::model::{Condition, RestartPolicy};
use tempfile::TempDir;

use crate::free::free;
use crate::roles::launcher;

/// No condition of these tests takes longer, however busy the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Project {
    pub(crate) folder: TempDir,
    pub(crate) home: ProjectHome,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = ProjectHome::new(folder.path(), "shop".parse().unwrap(), None).unwrap();
        Self { folder, home }
    }

    pub(crate) async fn launch(&self) -> ProcessRuntime {
        self.try_launch(&launcher()).await.unwrap()
    }

    pub(crate) async fn try_launch(
        &self,
        launcher: &Launcher,
    ) -> Result<ProcessRuntime, RuntimeError> {
        ProcessRuntime::launch(&self.home, launcher, clock()).await
    }

    pub(crate) async fn down(&self) -> Down {
        down(&self.home, false, &MachineClock).await.unwrap()
    }

    pub(crate) fn state(&self) -> State {
        State::read(&self.home).unwrap().unwrap()
    }

    /// A service that runs `script`; never restarted, without ports or healthcheck.
    pub(crate) fn service(&self, name: &str, script: &str) -> InstanceSpec {
        InstanceSpec {
            id: id(name),
            hash: "1".to_owned(),
            program: Program::Process(ProcessProgram {
                command: shell(script),
                directory: self.folder.path().to_owned(),
                environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
                folders: Vec::new(),
                files: Vec::new(),
            }),
            listens: Vec::new(),
            health: None,
            restart: RestartPolicy::No,
            stop_signal: "SIGTERM".to_owned(),
            stop_grace: Duration::from_secs(10),
            hooks: Hooks::default(),
        }
    }

    /// A web server on an address of its own; healthy once its healthcheck's folder is there.
    pub(crate) fn web(&self, name: &str) -> InstanceSpec {
        let backend = free();
        let (host, port) = (backend.ip(), backend.port());
        // While there is something in its way, it does not listen.
        let script = format!(
            "while [ -e in-its-way ]; do sleep 0.01; done; \
             exec python3 -m http.server --bind {host} {port}"
        );
        InstanceSpec {
            listens: vec![Listen { port: 80, backend }],
            health: Some(patient("test -d .")),
            ..self.service(name, &script)
        }
    }

    /// The edge from `caller` to a web server.
    pub(crate) fn edge(&self, caller: &str, callee: &InstanceSpec) -> EdgeSpec {
        let listen = &callee.listens[0];
        EdgeSpec {
            id: EdgeId {
                lane: LaneName::main(),
                caller: caller.parse::<Party>().unwrap(),
                callee: callee.id.service.clone(),
                port: listen.port,
            },
            caller_replica: None,
            listen: ([127, 0, 0, 1], 0).into(),
            backends: vec![Backend::Tcp(listen.backend)],
            admission: Admission::Accept,
            also_known_as: Vec::new(),
            reasons: Vec::new(),
            transport: msvc_mesh::spec::Transport::Tcp,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let home = self.home.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(down(&home, true, &MachineClock))
        });
        if let Ok(Err(error)) = ended.join()
            && !std::thread::panicking()
        {
            panic!("the project could not be brought down: {error}");
        }
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    MachineClock::shared()
}

pub(crate) fn id(service: &str) -> InstanceId {
    InstanceId {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        service: service.parse().unwrap(),
        replica: 1,
        incarnation: 1,
    }
}

pub(crate) fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

pub(crate) fn health(script: &str) -> HealthSpec {
    HealthSpec {
        command: shell(script),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        retries: 3,
        start_period: Duration::ZERO,
    }
}

/// The same, which has as much time to pass as a test has.
pub(crate) fn patient(script: &str) -> HealthSpec {
    HealthSpec {
        timeout: DEADLINE,
        start_period: DEADLINE,
        ..health(script)
    }
}

pub(crate) type Fits = fn(&Phase) -> bool;

pub(crate) fn process_of(spec: &mut InstanceSpec) -> &mut ProcessProgram {
    match &mut spec.program {
        Program::Process(program) => program,
        other => panic!("{other:?}"),
    }
}

/// What the tests ask of a runtime, in short.
#[async_trait::async_trait]
pub(crate) trait Asked: Runtime {
    async fn do_step(&self, deed: Deed) -> Result<(), RuntimeError> {
        let cause = "the test wants it".to_owned();
        self.apply(&Step { deed, cause }).await.map(drop)
    }

    async fn start(&self, spec: &InstanceSpec) {
        self.do_step(Deed::Start(Box::new(spec.clone())))
            .await
            .unwrap();
    }

    async fn wait_for(&self, name: &str, condition: Condition) -> Result<(), RuntimeError> {
        self.do_step(Deed::Await(id(name), condition)).await
    }

    async fn ready(&self, name: &str) {
        self.wait_for(name, Condition::ServiceHealthy)
            .await
            .unwrap();
    }

    async fn seen(&self, name: &str) -> ObservedInstance {
        let observed = self.observe().await.unwrap();
        let found = observed
            .instances
            .into_iter()
            .find(|seen| seen.id.service == name);
        found.unwrap_or_else(|| panic!("{name} is not there"))
    }

    async fn edges(&self) -> Vec<EdgeStatus> {
        self.observe().await.unwrap().edges
    }

    /// Waits until an instance is in a phase that fits.
    async fn until(&self, name: &str, fits: Fits) -> ObservedInstance {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let seen = self.seen(name).await;
            if fits(&seen.phase) {
                return seen;
            }
            assert!(Instant::now() < deadline, "{name} is {:?}", seen.phase);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Every event up to the one that says so, in [`words`].
    async fn events_up_to(&self, last: &str) -> Vec<String> {
        let mut stream = self.watch(1).await.unwrap();
        let mut events = Vec::new();
        while events.last().is_none_or(|it| it != last) {
            let next = tokio::time::timeout(DEADLINE, stream.next()).await;
            let Ok(Some(event)) = next else {
                panic!("no `{last}` after {events:?}");
            };
            events.extend(words(&[event]));
        }
        events
    }

    /// Waits until an instance has been started again so often and is ready.
    async fn back(&self, name: &str, restarts: u32) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let seen = self.seen(name).await;
            if (&seen.phase, seen.restarts) == (&Phase::Ready, restarts) {
                return;
            }
            let so = (seen.phase, seen.restarts);
            assert!(Instant::now() < deadline, "{name} is {so:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn log_of(&self, name: &str) -> Vec<String> {
        let query = LogQuery {
            services: vec![name.parse().unwrap()],
            ..LogQuery::default()
        };
        self.logs(&query)
            .await
            .unwrap()
            .map(|line| line.text)
            .collect()
            .await
    }
}

impl Asked for ProcessRuntime {}

/// What happened, by kind and service.
pub(crate) fn words(events: &[Stamped]) -> Vec<String> {
    let words = events.iter().map(|stamped| match &stamped.event {
        Event::InstanceStarting { instance } => format!("starting {instance}"),
        Event::InstanceStarted { instance, .. } => format!("started {instance}"),
        Event::InstanceReady { instance, .. } => format!("ready {instance}"),
        Event::InstanceUnhealthy { instance, .. } => format!("unhealthy {instance}"),
        Event::InstanceExited { instance, how, .. } => format!("exited {instance}: {how}"),
        Event::InstanceRestarting { instance } => format!("restarting {instance}"),
        Event::InstanceStopped { instance } => format!("stopped {instance}"),
        other => format!("{other:?}"),
    });
    words.map(|words| words.replace("shop/main/", "")).collect()
}

/// Polls until `done`, which must come to be.
pub(crate) async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The process whose pid a script wrote to a file.
pub(crate) async fn process_in(file: &Path) -> ProcessIdentity {
    let mut found = None;
    eventually("a pid in the file", || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        found = text.trim().parse().ok().and_then(ProcessIdentity::of);
        found.is_some()
    })
    .await;
    found.unwrap()
}

pub(crate) fn connects(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}
