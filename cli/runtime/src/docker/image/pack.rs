//! A static binary as an image of nothing else, made in memory: no builder, no registry.
//!
//! The same binary gives the same image: files are in a fixed order, without times, and the
//! image's record names no time either. Besides the program there are: `/tmp`, the few files that
//! name services and certificate checks look for, and the folders that volumes are mounted at, so
//! that a fresh volume belongs to the service's user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bollard::body_full;
use bollard::query_parameters::{
    ImportImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use bytes::Bytes;
use futures_util::StreamExt;
use msvc_system::model::{MountSource, Service};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{elf, unused};
use crate::build::Built;
use crate::docker::engine::{Engine, EngineError, asked};

/// Where the program stands in the image.
const FOLDER: &str = "usr/local/bin";

/// Where programs are looked up.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where this host keeps the certificates it trusts, in the order looked.
const CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Changes when images are made of other things than before.
const FORM: &str = "3";

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
    /// The project that it is made for; none where any may need it.
    project: Option<String>,
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
            project: Some(project.to_owned()),
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
            project: None,
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

/// Makes the image and hands it to the engine; earlier ones of the same name that nobody uses go.
pub(super) async fn load(engine: &Engine, plan: &Plan) -> Result<(), EngineError> {
    let made = plan.clone();
    let archive = tokio::task::spawn_blocking(move || archive(&made)).await;
    let archive = archive.map_err(|why| EngineError::File {
        path: plan.binary.clone(),
        why: why.to_string(),
    })??;
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let mut answers = engine
        .docker
        .import_image(options, body_full(archive), None);
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(asked(format!("loading image {}", plan.reference)))?;
        if let Some(detail) = answer.error_detail {
            return Err(EngineError::Refused {
                what: format!("loading image {}", plan.reference),
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

/// The image as `docker load` takes it.
fn archive(plan: &Plan) -> Result<Bytes, EngineError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|why| EngineError::File {
            path: path.clone(),
            why: why.to_string(),
        })
    };
    let program = read(&plan.binary)?;
    elf::check(&plan.binary, &program)?;
    let in_memory = |why: std::io::Error| EngineError::File {
        path: plan.binary.clone(),
        why: why.to_string(),
    };
    let layer = layer(plan, &program).map_err(in_memory)?;
    drop(program);
    let layer_digest = hex(&Sha256::digest(&layer));
    let mut labels = std::collections::HashMap::from([(LABEL, plan.label())]);
    labels.extend(plan.project.clone().map(|project| (unused::LABEL, project)));
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Env": [PATH],
            "Cmd": [plan.program],
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "msvc" }],
    });
    let config = config.to_string().into_bytes();
    let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
    let layer_name = format!("{layer_digest}/layer.tar");
    let manifest = json!([{
        "Config": config_name,
        "RepoTags": [plan.reference],
        "Layers": [layer_name],
    }]);
    let mut all = Vec::with_capacity(layer.len() + 64 * 1024);
    let mut tar = tar::Builder::new(&mut all);
    let manifest = manifest.to_string().into_bytes();
    for (name, bytes) in [
        (layer_name.as_str(), layer.as_slice()),
        (config_name.as_str(), config.as_slice()),
        ("manifest.json", manifest.as_slice()),
    ] {
        file(&mut tar, name, 0o644, bytes).map_err(in_memory)?;
    }
    tar.finish().map_err(in_memory)?;
    drop(tar);
    Ok(Bytes::from(all))
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn layer(plan: &Plan, program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut layer = Vec::with_capacity(program.len() + 512 * 1024);
    let mut tar = tar::Builder::new(&mut layer);
    for (name, mode) in [
        ("etc", 0o755),
        ("etc/ssl", 0o755),
        ("etc/ssl/certs", 0o755),
        ("root", 0o700),
        ("tmp", 0o1777),
        ("usr", 0o755),
        ("usr/local", 0o755),
        (FOLDER, 0o755),
    ] {
        folder(&mut tar, name, mode, (0, 0))?;
    }
    let mut made: Vec<String> = Vec::new();
    for (target, owner) in &plan.folders {
        let ends = target.match_indices('/').map(|(at, _)| at);
        let parents: Vec<&str> = ends.map(|at| &target[..at]).collect();
        for parent in parents {
            let there = ["etc", "tmp", "usr", "root", "usr/local"].contains(&parent);
            if !there && !made.iter().any(|name| name == parent) {
                folder(&mut tar, parent, 0o755, (0, 0))?;
                made.push(parent.to_owned());
            }
        }
        folder(&mut tar, target, 0o755, *owner)?;
        made.push(target.clone());
    }
    let passwd =
        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
    let group = "root:x:0:\nnobody:x:65534:\n";
    file(&mut tar, "etc/passwd", 0o644, passwd.as_bytes())?;
    file(&mut tar, "etc/group", 0o644, group.as_bytes())?;
    file(&mut tar, "etc/nsswitch.conf", 0o644, b"hosts: files dns\n")?;
    if let Some(trusted) = CERTIFICATES
        .iter()
        .find_map(|path| std::fs::read(path).ok())
    {
        file(
            &mut tar,
            "etc/ssl/certs/ca-certificates.crt",
            0o644,
            &trusted,
        )?;
    }
    let name = format!("{FOLDER}/{}", plan.program);
    file(&mut tar, &name, 0o755, program)?;
    tar.finish()?;
    drop(tar);
    Ok(layer)
}

fn header(mode: u32, (user, group): (u64, u64)) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(user);
    header.set_gid(group);
    header
}

fn folder(
    tar: &mut tar::Builder<&mut Vec<u8>>,
    name: &str,
    mode: u32,
    owner: (u64, u64),
) -> std::io::Result<()> {
    let mut header = header(mode, owner);
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    tar.append_data(&mut header, format!("{name}/"), std::io::empty())
}

fn file(
    tar: &mut tar::Builder<&mut Vec<u8>>,
    name: &str,
    mode: u32,
    bytes: &[u8],
) -> std::io::Result<()> {
    let mut header = header(mode, (0, 0));
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes)
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

    #[test]
    fn the_same_binary_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("orders");
        std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
        let plan = Plan {
            reference: "shop-orders:msvc-1".into(),
            name: "shop-orders".into(),
            binary: binary.clone(),
            program: "orders".into(),
            folders: BTreeMap::from([("var/lib/orders".into(), (7, 8))]),
            project: Some("shop".into()),
        };
        let first = archive(&plan).unwrap();
        let later = std::fs::read(&binary).unwrap();
        std::fs::remove_file(&binary).unwrap();
        std::fs::write(&binary, later).unwrap();
        assert!(first == archive(&plan).unwrap(), "times got into it");
        let layer = layer(&plan, b"program").unwrap();
        let mut tar = tar::Archive::new(layer.as_slice());
        let owned: Vec<_> = tar
            .entries()
            .unwrap()
            .map(Result::unwrap)
            .filter(|e| e.path().unwrap().ends_with("var/lib/orders"))
            .map(|e| (e.header().uid().unwrap(), e.header().gid().unwrap()))
            .collect();
        assert_eq!(owned, [(7, 8)]);
    }
}
