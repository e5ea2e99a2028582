//! Files laid into a container that does not run yet: secrets and configs that are no files of the
//! host. They live and go with the container.

use bollard::body_full;
use bollard::query_parameters::UploadToContainerOptionsBuilder;

use super::engine::{Engine, EngineError, asked};
use crate::instance::ContainerFile;

/// Lays `files` into a container, all at once.
///
/// # Errors
/// When the engine refuses them.
pub(super) async fn lay(
    engine: &Engine,
    container: &str,
    files: &[ContainerFile],
) -> Result<(), EngineError> {
    if files.is_empty() {
        return Ok(());
    }
    let what = "laying secrets and configs into a container";
    let archive = archive(files).map_err(|why| EngineError::Refused {
        what: what.to_owned(),
        status: 400,
        why: why.to_string(),
    })?;
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let body = body_full(archive.into());
    let docker = &engine.docker;
    let laid = docker.upload_to_container(container, Some(options), body);
    laid.await.map_err(asked(what))
}

/// Only the files: the engine makes the folders that are missing and leaves others as they are.
fn archive(files: &[ContainerFile]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(file.mode);
        header.set_uid(file.uid.into());
        header.set_gid(file.gid.into());
        header.set_mtime(0);
        header.set_size(file.text.len() as u64);
        let path = file.path.trim_start_matches('/');
        tar.append_data(&mut header, path, file.text.as_bytes())?;
    }
    tar.into_inner()
}
