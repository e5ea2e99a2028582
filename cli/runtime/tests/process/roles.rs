//! This very program as guardian, supervisor and launcher of the other tests, so that none of
//! them is ever another build than the test: each role is a test that is started by its name,
//! with further arguments, and that does nothing without them.

use std::ffi::OsString;
use std::future::Future;
use std::sync::Arc;

use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::Mesh;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::process::{
    GuardianOptions, Launcher, ProcessRuntime, ProjectHome, SupervisorOptions, guardian_main,
    supervisor_main,
};
use tokio::signal::unix::{SignalKind, signal};

/// How this program becomes a role; what the role is given follows. The test harness takes it for
/// names of tests that there are none of.
pub(crate) fn words(role: &str) -> Vec<OsString> {
    let name = format!("roles::{role}");
    ["--exact", "--nocapture", &name]
        .map(OsString::from)
        .to_vec()
}

pub(crate) fn launcher() -> Launcher {
    Launcher {
        program: std::env::current_exe().unwrap(),
        arguments: words("guardian"),
        build: "test".to_owned(),
    }
}

/// What this process was given as `role`; `None` when it was not started as that.
fn given(role: &str) -> Option<Vec<OsString>> {
    let own: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words = words(role);
    let given = own.strip_prefix(words.as_slice())?;
    (!given.is_empty()).then(|| given.to_vec())
}

fn run(work: impl Future<Output = Result<(), RuntimeError>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work).unwrap();
}

/// Requested by TERM.
fn shutdown() -> Shutdown {
    let shutdown = Shutdown::new();
    let wish = shutdown.clone();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::spawn(async move {
        while terminate.recv().await.is_some() {
            wish.request();
        }
    });
    shutdown
}

#[test]
fn guardian() {
    let Some(given) = given("guardian") else {
        return;
    };
    run(async {
        let program = std::env::current_exe().unwrap();
        let options = GuardianOptions::from_arguments(&given, program, words("supervisor"))?;
        guardian_main(options, MachineClock::shared(), shutdown()).await
    });
}

#[test]
fn supervisor() {
    let Some(given) = given("supervisor") else {
        return;
    };
    run(async {
        let options = SupervisorOptions::from_arguments(&given, "test")?;
        let clock = MachineClock::shared();
        let anywhere = Arc::new(|_: &_| ([127, 0, 0, 1], 0).into());
        let mesh = Mesh::new(Arc::clone(&clock), options.run.clone(), anywhere);
        supervisor_main(options, mesh, clock, shutdown()).await
    });
}

#[test]
fn launch() {
    let Some(given) = given("launch") else { return };
    run(async {
        let home = ProjectHome::from_arguments(&given)?;
        let launched = ProcessRuntime::launch(&home, &launcher(), MachineClock::shared()).await;
        launched.map(drop)
    });
}
