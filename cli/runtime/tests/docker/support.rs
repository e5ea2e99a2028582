//! A system in containers, under a name of its own; all of it is gone when a test ends, however
//! it ends.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use msvc_machine::clock::{Clock, MachineClock};
use msvc_machine::disk::read_regular;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_runtime::build::{BuildOutcome, Built};
use msvc_runtime::contract::{ExecOutcome, LogQuery, Runtime};
use msvc_runtime::docker::boot::{self, BootRequest};
use msvc_runtime::docker::image::BuildFrom;
use msvc_runtime::docker::{self, DockerRuntime, Engine};
use msvc_runtime::lane::{LaneOptions, Publish, Subset};
use msvc_runtime::observed::{Observed, ObservedInstance};
use msvc_runtime::up::{Up, UpError};
use msvc_system::files::Files;
use msvc_system::id::{InstanceId, LaneName};
use msvc_system::load::{LoadRequest, load};
use msvc_system::model::System;
use tempfile::TempDir;

use crate::roles;

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) fn clock() -> Arc<dyn Clock> {
    MachineClock::shared()
}

/// The engine, or a loud word that there is none.
pub(crate) async fn engine() -> Option<Engine> {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let needed = environment.contains_key("MSVC_TESTS_SKIP_NOTHING");
    match Engine::find(&environment).await {
        Ok(engine) => Some(engine),
        Err(why) if needed => panic!("this test needs a container engine: {why}"),
        Err(why) => {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let words = format!("\n!!! SKIPPED: {name} needs a container engine: {why}\n");
            // The harness shows no output of a test that passes; this goes past it.
            let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), words.as_bytes());
            None
        }
    }
}

/// A system of a test's own.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) runtime: DockerRuntime,
}

/// Runs `test` on a project, and clears it away whatever came of it.
pub(crate) async fn with_project<F: Future<Output = ()>>(test: impl FnOnce(Arc<Project>) -> F) {
    let Some(engine) = engine().await else { return };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("msvc-test-{}-{number}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let runtime = DockerRuntime::new(engine.clone(), name.parse().unwrap(), &root, clock());
    let project = Arc::new(Project {
        folder,
        name,
        engine,
        runtime,
    });
    let ended = std::panic::AssertUnwindSafe(test(Arc::clone(&project)))
        .catch_unwind()
        .await;
    docker::down(&project.runtime, true).await.unwrap();
    docker::image::forget(&project.engine, &project.name)
        .await
        .unwrap();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

impl Project {
    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root().join(name), text).unwrap();
    }

    /// The system that this Compose text describes.
    pub(crate) fn system(&self, compose: &str) -> System {
        self.write("compose.yaml", compose);
        let request = LoadRequest {
            directory: self.root(),
            project: Some(self.name.clone()),
            environment: BTreeMap::from([("HELD".to_owned(), "held".to_owned())]),
            ..LoadRequest::default()
        };
        let loaded = load(&request, &Files::new(read_regular));
        loaded
            .unwrap_or_else(|problems| panic!("{problems}"))
            .system
    }

    /// Brings it up, each service with a `build` from this very program.
    pub(crate) async fn up(&self, compose: &str) -> Result<Up, UpError> {
        self.up_from(compose, BuildFrom::Host).await
    }

    pub(crate) async fn up_from(&self, compose: &str, from: BuildFrom) -> Result<Up, UpError> {
        self.up_told(compose, from, &|_| {}).await
    }

    /// The same, where `sink` is told of it.
    pub(crate) async fn up_told(
        &self,
        compose: &str,
        from: BuildFrom,
        sink: &(dyn Fn(Event) + Send + Sync),
    ) -> Result<Up, UpError> {
        let system = self.system(compose);
        let built = built(&system);
        let request = BootRequest {
            system: &system,
            options: &self.options(),
            built: &built,
            from,
            mesh: false,
        };
        let clock = clock();
        let shutdown = Shutdown::new();
        boot::up(&self.runtime, &request, &*clock, sink, &shutdown).await
    }

    pub(crate) fn options(&self) -> LaneOptions {
        LaneOptions {
            project: self.name.parse().unwrap(),
            lane: LaneName::main(),
            home: self.root(),
            services: Subset::All,
            publish: Publish::AsTheFileSays,
            environment: BTreeMap::new(),
            further_edges: Vec::new(),
            caller: BTreeMap::new(),
            lenient: false,
            is_folder: |_| false,
        }
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.runtime.observe().await.unwrap()
    }

    pub(crate) async fn seen(&self, service: &str) -> ObservedInstance {
        let observed = self.observe().await;
        let found = observed
            .instances
            .into_iter()
            .find(|it| it.id.service == *service);
        found.unwrap_or_else(|| panic!("{service} is not there"))
    }

    pub(crate) async fn id(&self, service: &str) -> InstanceId {
        self.seen(service).await.id
    }

    /// This program in a role, inside a service's container.
    pub(crate) async fn run_in(&self, service: &str, role: &str) -> ExecOutcome {
        let words = roles::words(role).replace('"', "");
        let words: Vec<String> = words.split(", ").map(str::to_owned).collect();
        let id = self.id(service).await;
        self.runtime
            .exec(&id, &words, Duration::from_secs(20))
            .await
            .unwrap()
    }

    /// Whether `service` reaches an address.
    pub(crate) async fn reaches(&self, service: &str, address: &str) -> bool {
        self.run_in(service, &format!("check {address}"))
            .await
            .status
            == Some(0)
    }

    pub(crate) async fn lines(&self) -> Vec<String> {
        let lines = self.runtime.logs(&LogQuery::default()).await.unwrap();
        lines
            .map(|line| format!("{}: {}", line.instance.service, line.text))
            .collect()
            .await
    }
}

/// A service that listens on port 8080 and says it is healthy.
pub(crate) fn server(more: &str) -> String {
    format!(
        "build: ., command: [{}], expose: [8080], stop_signal: SIGKILL, healthcheck: {{test: [CMD, {}], interval: 1h}}{more}",
        roles::words("serve 8080"),
        roles::words("check 127.0.0.1:8080"),
    )
}

fn built(system: &System) -> BuildOutcome {
    let own = std::env::current_exe().unwrap();
    let services = system.services.values().filter(|it| it.build.is_some());
    BuildOutcome {
        services: services
            .map(|service| {
                let built = Built {
                    folder: own.parent().map(Path::to_owned),
                    program: Some(roles::program()),
                    fingerprint: Some("test".to_owned()),
                };
                (service.name.clone(), built)
            })
            .collect(),
        changed: false,
    }
}
