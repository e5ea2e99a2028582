//! The mains of guardian and supervisor, wired: this very program with a hidden argument. They
//! print nothing; what goes wrong stands in the project's records.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::this_program::this_program;
use msvc_machine::ward::warden_main;
use msvc_mesh::Mesh;
use msvc_runtime::docker::Engine;
use msvc_runtime::docker::aboard::{attach_main, door_main, mesh_main};
use msvc_runtime::docker::keeper::keeper_main;
use msvc_runtime::process::{GuardianOptions, SupervisorOptions, guardian_main, supervisor_main};
use msvc_system::id::EdgeId;

use crate::context::BUILD;
use crate::failure::Failure;

/// Guards a supervisor until nothing of it is left.
///
/// # Errors
/// When the supervisor cannot be started.
pub async fn guardian(
    given: &[OsString],
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let program = this_program().map_err(|why| {
        let what = format!("cannot find the running program: {why}");
        Failure::new(msvc_report::exit::Exit::CouldNot, what)
    })?;
    let arguments = vec![OsString::from("internal-supervisor")];
    let options = GuardianOptions::from_arguments(given, program, arguments)?;
    Ok(guardian_main(options, clock, shutdown).await?)
}

/// Waits for the end of the program that started it, and ends that one's commands where it was
/// killed.
///
/// # Errors
/// When it is not told whose commands, or the pipe to that program cannot be read.
pub async fn warden(
    given: &[OsString],
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let could_not = |what: String| Failure::new(msvc_report::exit::Exit::CouldNot, what);
    let [mark] = given else {
        return Err(could_not("a warden needs one mark".to_owned()));
    };
    warden_main(mark, &*clock, &shutdown)
        .await
        .map_err(|why| could_not(format!("cannot watch over commands: {why}")))
}

/// Supervises a system and carries its edges.
///
/// # Errors
/// When its records or its socket cannot be made.
pub async fn supervisor(
    given: &[OsString],
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let options = SupervisorOptions::from_arguments(given, BUILD)?;
    let id = uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .take(12)
        .collect::<String>();
    // Edges that appear at run time listen on loopback, at a port that the system chooses.
    let allocate = Arc::new(|_: &EdgeId| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mesh = Mesh::new(Arc::clone(&clock), id, allocate);
    // Where the system does not tell, a kill is detected by connections that end or are reset.
    let _ = mesh.hear_refusals();
    Ok(supervisor_main(options, mesh, clock, shutdown).await?)
}

/// Carries the edges of a system in containers; with `attach`, joins its streams to whoever does;
/// with `door`, opens one more port to it.
///
/// # Errors
/// When its records or its socket cannot be made, or nobody carries.
pub async fn mesh(
    given: &[OsString],
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    match given.split_first() {
        Some((word, _)) if word == "attach" => return Ok(attach_main(&*clock).await?),
        Some((word, rest)) if word == "door" => {
            return Ok(door_main(rest, clock, shutdown).await?);
        }
        _ => {}
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let id: String = id.chars().take(12).collect();
    let allocate = Arc::new(|_: &EdgeId| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mesh = Mesh::new(Arc::clone(&clock), id, allocate);
    // A container that has lost the capability hears of ended connections only.
    let _ = mesh.hear_knocks();
    Ok(mesh_main(mesh, BUILD, clock, shutdown).await?)
}

/// Keeps killed services of a system in containers down until it is told, or nobody tells it
/// anything any more.
///
/// # Errors
/// When the engine is not there.
pub async fn keeper(given: &[OsString], clock: Arc<dyn Clock>) -> Result<(), Failure> {
    let environment = std::env::vars().collect();
    let engine = Engine::find(&environment)
        .await
        .map_err(msvc_runtime::contract::RuntimeError::from)?;
    let allocate = Arc::new(|_: &EdgeId| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mesh = Mesh::new(Arc::clone(&clock), "keeper", allocate);
    Ok(keeper_main(given, engine, mesh, clock).await?)
}
