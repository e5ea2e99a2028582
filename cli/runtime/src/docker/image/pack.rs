//! A static binary as an image of nothing else, made in memory: no builder, no registry.
//!
//! What comes in: a program that was built. What leaves: an image in the engine, under a name that
//! tells what it was made of, and earlier ones gone. What is in it is said by `archive`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::body_full;
use bollard::models::ImageInspect;
use bollard::query_parameters::{
    ImportImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use futures_util::StreamExt;
use msvc_system::model::{MountSource, Service};
use sha2::{Digest, Sha256};

use crate::build::Built;
use crate::docker::engine::{Engine, EngineError};
use crate::docker::labels;

mod archive;

use archive::archive;

/// Changes when images are made of other things than before.
const FORM: &str = "4";

/// The label that tells packed images, with their name and binary.
pub(super) const LABEL: &str = "msvc.packed";

/// An image to make.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Its name and tag; the tag tells what it was made of.
    pub(super) reference: String,
    /// Its name alone.
    name: String,
    binary: PathBuf,
    program: String,
    /// Folders with their owner.
    folders: BTreeMap<String, (u64, u64)>,
    labels: BTreeMap<String, String>,
}

impl Plan {
    /// The image of what was built for `service`.
    pub(super) fn of(
        project: &str,
        service: &Service,
        built: &Built,
        reference: &str,
    ) -> Result<Self, EngineError> {
        let program = built.program.clone().unwrap_or_default();
        let binary = built.folder.clone().unwrap_or_default().join(&program);
        let owner = owner(service);
        let folders: BTreeMap<_, _> = service
            .mounts
            .iter()
            .filter(|mount| {
                matches!(
                    mount.source,
                    MountSource::Volume(_) | MountSource::Anonymous
                )
            })
            .map(|mount| (mount.target.trim_matches('/').to_owned(), owner))
            .filter(|(target, _)| !target.is_empty() && !target.contains(".."))
            .collect();
        let unknown = || EngineError::File {
            path: binary.clone(),
            why: "it is not there".to_owned(),
        };
        let fingerprint = built.fingerprint.as_ref().ok_or_else(unknown)?;
        let name = untagged(reference);
        let made_of = format!("{FORM} {fingerprint} {} {folders:?}", binary.display());
        let tag = &hex(&Sha256::digest(made_of.as_bytes()))[..12];
        Ok(Self {
            reference: format!("{name}:msvc-{tag}"),
            name,
            binary,
            program,
            folders,
            labels: labels::of_image(project, service.name.as_str()).into(),
        })
    }
}

impl Plan {
    /// The image of a program that is no service.
    pub(super) fn of_program(path: &Path, name: &str) -> Result<Self, EngineError> {
        let told = |why: &str| EngineError::File {
            path: path.to_owned(),
            why: why.to_owned(),
        };
        let metadata = std::fs::metadata(path).map_err(|why| told(&why.to_string()))?;
        let modified = metadata.modified().ok();
        let made_of = format!("{FORM} {} {modified:?} {}", metadata.len(), path.display());
        let tag = &hex(&Sha256::digest(made_of.as_bytes()))[..12];
        let program = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            reference: format!("{name}:msvc-{tag}"),
            name: name.to_owned(),
            binary: path.to_owned(),
            program: program.ok_or_else(|| told("it is no file"))?,
            folders: BTreeMap::new(),
            labels: BTreeMap::new(),
        })
    }

    /// What the images of one binary have in common. Another copy of the system has the same
    /// names and binaries of its own: its images are not ours to remove.
    fn label(&self) -> String {
        format!("{} {}", self.name, self.binary.display())
    }

    /// The program's name on the image's PATH.
    pub(super) fn program(&self) -> &str {
        &self.program
    }
}

/// A reference without its tag or digest.
fn untagged(reference: &str) -> String {
    let plain = reference.split('@').next().unwrap_or(reference);
    let last = plain.rfind('/').map_or(0, |slash| slash + 1);
    match plain[last..].find(':') {
        Some(colon) => plain[..last + colon].to_owned(),
        None => plain.to_owned(),
    }
}

/// The user that a service runs as, where that is a number.
fn owner(service: &Service) -> (u64, u64) {
    let field = service.other_fields.get("user").map(|field| &field.value);
    let text = match field {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => return (0, 0),
    };
    let (user, group) = text.split_once(':').unwrap_or((&text, "0"));
    (
        user.parse().unwrap_or_default(),
        group.parse().unwrap_or_default(),
    )
}

/// What is in a packed image, and in which form. Its id hangs on whose labels it has, too: where two
/// projects pack one program under one name at the same time, the name means either's in the end.
pub(super) fn contents(image: &ImageInspect) -> Option<String> {
    let layers = image.root_fs.as_ref()?.layers.as_ref()?;
    Some(format!("{FORM} {}", layers.join(" ")))
}

/// What a slow engine may need to take an image in.
const LOADING: Duration = Duration::from_secs(60);

/// Makes the image and hands it to the engine; earlier ones of the same name that nobody uses go.
pub(super) async fn load(engine: &Engine, plan: &Plan) -> Result<(), EngineError> {
    let made = plan.clone();
    let archive = tokio::task::spawn_blocking(move || archive(&made)).await;
    let archive = archive.map_err(|why| EngineError::File {
        path: plan.binary.clone(),
        why: why.to_string(),
    })??;
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let what = format!("loading image {}", plan.reference);
    let _asking = engine.asking(LOADING, &what);
    let mut answers = engine
        .docker
        .import_image(options, body_full(archive), None);
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(|error| engine.refused(what.as_str(), error))?;
        if let Some(detail) = answer.error_detail {
            return Err(EngineError::Refused {
                what,
                status: 500,
                why: detail.message.unwrap_or_default(),
            });
        }
    }
    forget_earlier(engine, plan).await;
    Ok(())
}

/// One that a container still uses stays until the next time; so does whatever the engine keeps
/// for a reason of its own.
async fn forget_earlier(engine: &Engine, plan: &Plan) {
    let label = format!("{LABEL}={}", plan.label());
    let filters = std::collections::HashMap::from([("label", vec![label])]);
    let options = ListImagesOptionsBuilder::default()
        .filters(&filters)
        .build();
    let Ok(images) = engine.docker.list_images(Some(options)).await else {
        return;
    };
    for image in images {
        let is_ours = |tag: &String| tag.starts_with(&format!("{}:msvc-", plan.name));
        for tag in image.repo_tags.iter().filter(|tag| is_ours(tag)) {
            if *tag != plan.reference {
                let options = RemoveImageOptionsBuilder::default().build();
                let _ = engine.docker.remove_image(tag, Some(options), None).await;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_loses_its_tag_and_digest_and_keeps_its_registry() {
        for (given, expected) in [
            ("shop-orders", "shop-orders"),
            ("orders:1.2", "orders"),
            ("localhost:5000/orders", "localhost:5000/orders"),
            ("localhost:5000/orders:1", "localhost:5000/orders"),
            ("orders:1@sha256:abc", "orders"),
        ] {
            assert_eq!(untagged(given), expected);
        }
    }
}
