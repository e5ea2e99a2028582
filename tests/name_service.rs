//! The binary on a newer Debian than it was built on, whose nsswitch.conf names services that only
//! that one's own glibc can load: a static one that did what it says would die of them.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use support::skipped;

/// As Debian 13 and Fedora write it.
const NSSWITCH: &str = "\
passwd: files systemd
group: files [SUCCESS=merge] systemd
hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns
";

const API: &str = "\
openapi: 3.0.3
info: { title: Door, version: '1' }
paths: { /: { get: { operationId: knock, responses: { '200': { description: in } } } } }
";

const JOURNEY: &str = "\
arazzo: 1.0.1
info: { title: Visit, version: '1' }
sourceDescriptions: [{ name: door, url: door.openapi.yaml, type: openapi }]
workflows:
  - workflowId: visit
    steps:
      - stepId: knock
        operationId: knock
        successCriteria: [{ condition: $statusCode == 200 }]
";

/// A folder with a newer Debian's glibc and name services, unpacked; root alone may enter it.
fn newer_debian() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("MSVC_TESTS_NEWER_DEBIAN")?);
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    is_root.then_some(folder)
}

/// Answers every request with 200.
fn door() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let _ = lines.take_while(|line| !line.is_empty()).count();
            let _ = (&stream)
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nin");
        }
    });
    port
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// What every system has.
fn devices(root: &Path) {
    let folder = root.join("dev");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, minor) in [("null", "3"), ("random", "8"), ("urandom", "9")] {
        let device = folder.join(name);
        if !device.exists() {
            let mut make = Command::new("mknod");
            make.arg(&device).args(["c", "1", minor]);
            assert!(make.status().unwrap().success(), "{device:?}");
        }
    }
}

#[test]
fn a_name_is_found_where_nsswitch_names_services_that_a_static_program_cannot_load() {
    let Some(root) = newer_debian() else {
        return skipped("root, and a newer Debian's name services (.ci/run unpacks them)");
    };
    for (link, to) in [("lib", "usr/lib"), ("lib64", "usr/lib/x86_64-linux-gnu")] {
        let _ = symlink(to, root.join(link));
    }
    write(
        &root,
        &[
            ("etc/nsswitch.conf", NSSWITCH),
            ("etc/hosts", "127.0.0.1 door.test\n"),
            (
                "system/compose.yaml",
                "services: { door: { image: door } }\n",
            ),
            ("system/door.openapi.yaml", API),
            ("system/visit.arazzo.yaml", JOURNEY),
        ],
    );
    std::fs::copy(env!("CARGO_BIN_EXE_msvc"), root.join("msvc")).unwrap();
    devices(&root);
    let url = format!("http://door.test:{}", door());
    let played = Command::new("chroot")
        .arg(&root)
        .args(["/msvc", "-C", "/system", "journey", "run", "--url", &url])
        .arg("/system/visit.arazzo.yaml")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&played.stderr);
    assert_eq!(played.status.code(), Some(0), "{:?}\n{said}", played.status);
    assert!(said.contains("held    visit"), "{said}");
}
