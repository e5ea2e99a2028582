//! Guardian and supervisor of the process runtime as a program, for the tests of this package:
//! `supervise guardian …` and `supervise supervisor …`; `supervise launch …` launches both and ends.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
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

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let role = arguments.next().unwrap_or_default();
    let given: Vec<OsString> = arguments.collect();
    match run(role.to_str(), &given).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn run(role: Option<&str>, given: &[OsString]) -> Result<(), RuntimeError> {
    let clock = MachineClock::shared();
    let shutdown = Shutdown::new();
    let wish = shutdown.clone();
    tokio::spawn(async move {
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            while terminate.recv().await.is_some() {
                wish.request();
            }
        }
    });
    if role == Some("guardian") {
        let words = vec!["supervisor".into()];
        let options = GuardianOptions::from_arguments(given, own_program()?, words)?;
        return guardian_main(options, clock, shutdown).await;
    }
    if role == Some("launch") {
        let launcher = Launcher {
            program: own_program()?,
            arguments: vec!["guardian".into()],
            build: "test".to_owned(),
        };
        let home = ProjectHome::from_arguments(given)?;
        return ProcessRuntime::launch(&home, &launcher, clock)
            .await
            .map(drop);
    }
    let options = SupervisorOptions::from_arguments(given, "test")?;
    let anywhere = Arc::new(|_: &_| ([127, 0, 0, 1], 0).into());
    let mesh = Mesh::new(Arc::clone(&clock), options.run.clone(), anywhere);
    supervisor_main(options, mesh, clock, shutdown).await
}

fn own_program() -> Result<PathBuf, RuntimeError> {
    std::env::current_exe().map_err(|source| RuntimeError::Records {
        path: "/proc/self/exe".into(),
        source,
    })
}
