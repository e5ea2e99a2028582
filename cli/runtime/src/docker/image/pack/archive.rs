//! What is in a packed image, as `docker load` takes it.
//!
//! The same binary gives the same image: files are in a fixed order, without times, and the
//! image's record names no time either. Besides the program there are: `/tmp`, the few files that
//! name services and certificate checks look for, and the folders that volumes are mounted at, so
//! that a fresh volume belongs to the service's user.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{LABEL, Plan, hex};
use crate::docker::engine::EngineError;
use crate::docker::image::elf;

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

/// The image as `docker load` takes it.
pub(super) fn archive(plan: &Plan) -> Result<Bytes, EngineError> {
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
    let mut labels = plan.labels.clone();
    labels.insert(LABEL.to_owned(), plan.label());
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
            labels: BTreeMap::new(),
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
