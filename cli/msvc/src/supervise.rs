//! The mains of guardian and supervisor, wired: this very program with a hidden argument. They
//! print nothing; what goes wrong stands in the project's records.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::this_program::this_program;
use msvc_mesh::Mesh;
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
    Ok(supervisor_main(options, mesh, clock, shutdown).await?)
}
