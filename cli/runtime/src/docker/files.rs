//! Files of a container: laid into one that does not run yet (secrets and configs that are no files
//! of the host; they live and go with the container), and read out of one.

use std::io::{self, Read as _};

use bollard::body_full;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::engine::{Engine, EngineError};
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
    let what = format!("laying secrets and configs into container {container}");
    let archive = archive(files).map_err(|why| EngineError::Refused {
        what: engine.questions.named(&what),
        status: 400,
        why: why.to_string(),
    })?;
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let body = body_full(archive.into());
    let docker = &engine.docker;
    let laid = docker.upload_to_container(container, Some(options), body);
    engine.ask(what, laid).await
}

/// Symbolic links that are followed to a file.
const LINKS: usize = 8;
/// What an archive has besides the file: its header, rounding, the end.
const AROUND: usize = 64 * 1024;

/// Reads a file of at most `limit` bytes out of a container, also one that has ended; what is
/// mounted in it is seen.
///
/// # Errors
/// When it is not there, is no file or is larger, or the engine refuses.
pub(super) async fn read(
    engine: &Engine,
    container: &str,
    path: &str,
    limit: usize,
) -> Result<Vec<u8>, EngineError> {
    let what = format!("reading {path} in container {container}");
    let what = engine.questions.named(&what);
    let refused = |why: String| EngineError::Refused {
        what: what.clone(),
        status: 400,
        why,
    };
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let options = DownloadFromContainerOptionsBuilder::default()
            .path(&path)
            .build();
        let mut stream = engine
            .docker
            .download_from_container(container, Some(options));
        let mut archive = Vec::new();
        while let Some(chunk) = stream.next().await {
            archive
                .extend_from_slice(&chunk.map_err(|error| engine.refused(what.as_str(), error))?);
            if archive.len() > limit + AROUND {
                return Err(refused(format!("it is larger than {limit} bytes")));
            }
        }
        match first_of(&archive, limit).map_err(|why| refused(why.to_string()))? {
            First::File(bytes) => return Ok(bytes),
            First::Link(target) => path = linked(&path, &target),
        }
    }
    Err(refused("too many symbolic links lead to it".to_owned()))
}

enum First {
    File(Vec<u8>),
    Link(String),
}

fn first_of(archive: &[u8], limit: usize) -> io::Result<First> {
    let mut tar = tar::Archive::new(archive);
    let entry = tar.entries()?.next().transpose()?;
    let entry = entry.ok_or_else(|| io::Error::other("there is nothing"))?;
    match entry.header().entry_type() {
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let mut bytes = Vec::new();
            entry.take(limit as u64 + 1).read_to_end(&mut bytes)?;
            if bytes.len() > limit {
                return Err(io::Error::other(format!("it is larger than {limit} bytes")));
            }
            Ok(First::File(bytes))
        }
        tar::EntryType::Symlink => {
            let target = entry.link_name()?;
            let target = target.ok_or_else(|| io::Error::other("it is a link to nothing"))?;
            Ok(First::Link(target.to_string_lossy().into_owned()))
        }
        _ => Err(io::Error::other("it is no file")),
    }
}

/// Where a link leads; the engine itself resolves what of it goes up.
fn linked(path: &str, target: &str) -> String {
    match (target.starts_with('/'), path.rsplit_once('/')) {
        (false, Some((folder, _))) => format!("{folder}/{target}"),
        _ => target.to_owned(),
    }
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
