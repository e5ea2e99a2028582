//! A small system that runs: a supervisor, its mesh and one web service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use msvc_chaos::live::LiveFaults;
use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::Mesh;
use msvc_mesh::spec::{Admission, Backend, EdgeSpec};
use msvc_runtime::contract::Runtime;
use msvc_runtime::instance::{HealthSpec, Hooks, InstanceSpec, Listen, ProcessProgram, Program};
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::{ProcessRuntime, ProjectHome, SupervisorOptions, supervisor_main};
use msvc_system::id::{EdgeId, InstanceId, LaneName};
use msvc_system::model::{Condition, RestartPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::free::free;

/// No condition of these tests takes longer, however busy the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A supervisor ends whoever its process has adopted, so only one may run in the process of the tests.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A system of one web server that the client calls.
pub(crate) struct System {
    pub(crate) faults: LiveFaults,
    /// Where the client's edge listens.
    pub(crate) edge: SocketAddr,
    end: Shutdown,
    supervisor: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
    _alone: tokio::sync::MutexGuard<'static, ()>,
}

impl System {
    pub(crate) async fn up(restart: RestartPolicy) -> Self {
        let alone = ALONE.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let home = ProjectHome::new(folder.path(), "shop".parse().unwrap(), None).unwrap();
        let end = Shutdown::new();
        let supervisor = tokio::spawn(supervise(home.clone(), end.clone()));
        let runtime = connect(&home).await;
        let backend = free();
        let edge = EdgeSpec {
            id: EdgeId {
                lane: LaneName::main(),
                caller: "@client".parse().unwrap(),
                callee: "web".parse().unwrap(),
                port: 80,
            },
            caller_replica: None,
            // A port that the system chose is given up when a gate closes; a named one is kept.
            listen: free(),
            backends: vec![Backend::Tcp(backend)],
            admission: Admission::Accept,
            also_known_as: Vec::new(),
            reasons: Vec::new(),
            transport: msvc_mesh::spec::Transport::Tcp,
        };
        let web = web(backend, folder.path(), restart);
        let id = web.id.clone();
        for deed in [
            Deed::OpenEdge(Box::new(edge)),
            Deed::Start(Box::new(web)),
            Deed::Await(id, Condition::ServiceHealthy),
        ] {
            let cause = "the test wants it".to_owned();
            runtime.apply(&Step { deed, cause }).await.unwrap();
        }
        let edge = runtime.observe().await.unwrap().edges[0].listen;
        Self {
            faults: LiveFaults {
                by: "a test".to_owned(),
                runtime: Arc::new(runtime),
                lane: LaneName::main(),
                clock: MachineClock::shared(),
            },
            edge,
            end,
            supervisor,
            _folder: folder,
            _alone: alone,
        }
    }

    pub(crate) async fn down(self) {
        self.end.request();
        drop(self.faults);
        self.supervisor.await.unwrap();
    }
}

pub(crate) async fn supervise(home: ProjectHome, end: Shutdown) {
    let anywhere = Arc::new(|_: &_| ([127, 0, 0, 1], 0).into());
    // What a run leaves is found by its mark, so that no two may have the same.
    let run = home.socket().to_string_lossy().replace('/', "-");
    let mesh = Mesh::new(MachineClock::shared(), run.clone(), anywhere);
    let options = SupervisorOptions {
        home,
        run,
        build: "test".to_owned(),
        guardian: None,
    };
    supervisor_main(options, mesh, MachineClock::shared(), end)
        .await
        .unwrap();
}

pub(crate) async fn connect(home: &ProjectHome) -> ProcessRuntime {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Ok(Some(runtime)) = ProcessRuntime::connect(home, "test", &MachineClock).await {
            return runtime;
        }
        assert!(Instant::now() < deadline, "the supervisor never answered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn web(
    backend: SocketAddr,
    folder: &std::path::Path,
    restart: RestartPolicy,
) -> InstanceSpec {
    let shell = |script: String| vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
    let (host, port) = (backend.ip(), backend.port());
    InstanceSpec {
        id: InstanceId {
            project: "shop".parse().unwrap(),
            lane: LaneName::main(),
            service: "web".parse().unwrap(),
            replica: 1,
            incarnation: 1,
        },
        hash: "1".to_owned(),
        program: Program::Process(ProcessProgram {
            command: shell(format!("exec python3 -m http.server --bind {host} {port}")),
            directory: folder.to_owned(),
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            folders: Vec::new(),
            files: Vec::new(),
        }),
        listens: vec![Listen { port: 80, backend }],
        health: Some(HealthSpec {
            command: shell("test -d .".to_owned()),
            interval: Duration::from_secs(1),
            timeout: DEADLINE,
            retries: 3,
            start_period: DEADLINE,
        }),
        restart,
        stop_signal: "SIGTERM".to_owned(),
        stop_grace: Duration::from_secs(10),
        hooks: Hooks::default(),
    }
}

pub(crate) async fn get(address: SocketAddr) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{answer:?}");
    began.elapsed()
}
