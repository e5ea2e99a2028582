//! Secrets and configs of a container: files of the host are mounted, all others laid into it
//! before it starts.

use bollard::models::{HostConfig, Mount, MountType};
use msvc_system::model::{FileSource, GivenFile, MountSource, Service};
use msvc_system::problem::{Problem, Problems};

use super::value::flag;
use crate::instance::ContainerFile;

/// Everybody may read it, as Compose has it.
const MODE: u32 = 0o444;

/// Puts the files of the host into `host`; returns those to lay into the container.
pub(super) fn apply(
    service: &Service,
    host: &mut HostConfig,
    problems: &mut Problems,
) -> Vec<ContainerFile> {
    let mut laid = Vec::new();
    for file in &service.files {
        let what = format!("{}: {}", service.name, file.what);
        let text = match &file.source {
            FileSource::Host(path) => {
                problems.0.extend(owned(&what, file));
                // In this form the engine makes no folder in place of a file that is missing.
                host.mounts.get_or_insert_default().push(Mount {
                    typ: Some(MountType::BIND),
                    source: Some(path.to_string_lossy().into_owned()),
                    target: Some(file.target.clone()),
                    read_only: Some(true),
                    ..Mount::default()
                });
                continue;
            }
            FileSource::Text(text) => text,
            // Told with all that is refused.
            FileSource::Elsewhere => continue,
            FileSource::Variable {
                value: Some(value), ..
            } => value,
            FileSource::Variable { name, value: None } => {
                let what = format!("{what} is in the variable `{name}`, which is not set");
                let problem = Problem::error(what).at(file.place.clone());
                problems.push(problem.hint(format!("set `{name}`, or keep it in a `file`")));
                continue;
            }
        };
        problems.0.extend(cannot_be_laid(service, &what, file));
        laid.push(ContainerFile {
            path: file.target.clone(),
            text: text.clone(),
            uid: file.uid.unwrap_or_default(),
            gid: file.gid.unwrap_or_default(),
            mode: file.mode.unwrap_or(MODE),
        });
    }
    laid
}

/// A file of the host has an owner and permissions already.
fn owned(what: &str, file: &GivenFile) -> Option<Problem> {
    let asks = file.uid.is_some() || file.gid.is_some() || file.mode.is_some();
    asks.then(|| {
        let what = format!("{what} keeps the owner and permissions that its file has on the host");
        Problem::warning(what)
            .at(file.place.clone())
            .hint("`uid`, `gid` and `mode` hold for those with `environment` or `content`")
    })
}

/// Where nothing can be laid, or nobody would see it.
fn cannot_be_laid(service: &Service, what: &str, file: &GivenFile) -> Option<Problem> {
    let read_only = service.other_fields.get("read_only");
    let mut mounts = service.mounts.iter();
    let below = |folder: &str| {
        let folder = folder.trim_end_matches('/');
        let rest = file.target.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let why = if read_only.is_some_and(|field| flag(&field.value) == Some(true)) {
        "`read_only` lets nothing be laid into the container".to_owned()
    } else if let Some(mount) =
        mounts.find(|mount| matches!(mount.source, MountSource::Tmpfs) && below(&mount.target))
    {
        format!("the tmpfs at {} would hide it", mount.target)
    } else {
        return None;
    };
    let problem = Problem::error(format!("{what} cannot be at {}: {why}", file.target));
    let hint = "give it a `file` in place of `environment` or `content`";
    Some(problem.at(file.place.clone()).hint(hint))
}
