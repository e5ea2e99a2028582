//! The sample system and its interfaces, read from the tree as a user's would be.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its input has failed"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::graph;
use msvc_system::load::{LoadRequest, Loaded, load};
use msvc_system::openapi;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn shop() -> Loaded {
    let request = LoadRequest {
        directory: repository().join("sample-system"),
        ..LoadRequest::default()
    };
    let files = Files::new(|path, _| std::fs::read(path));
    load(&request, &files).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The block of code of that language in the shop's README.
fn drawn(language: &str) -> String {
    let readme = std::fs::read_to_string(repository().join("sample-system/README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_edges_of_the_shop_are_those_that_its_readme_draws() {
    let mut caller = String::new();
    let mut listed = BTreeSet::new();
    for line in drawn("text").lines() {
        let callees = match line.split_once("->") {
            Some((name, callees)) => {
                name.trim().clone_into(&mut caller);
                callees
            }
            None => line,
        };
        let callees = callees.split_whitespace();
        listed.extend(callees.map(|callee| format!("{caller}->{callee}")));
    }
    let system = shop().system;
    let found: BTreeSet<String> = system.edges.iter().map(ToString::to_string).collect();
    assert_eq!(found, listed);
    assert_eq!(drawn("mermaid"), graph::mermaid(&system));
}

#[test]
fn the_shop_loads_without_a_warning_and_every_call_is_an_edge() {
    let loaded = shop();
    assert_eq!(loaded.warnings, []);
    let system = loaded.system;
    assert_eq!(system.name.as_str(), "shop");
    for service in system.services.values() {
        assert!(
            service.healthcheck.is_some() && service.build.is_some(),
            "{}",
            service.name
        );
        assert!(
            !service.listens.is_empty(),
            "{} listens nowhere",
            service.name
        );
        for call in &service.x_msvc.calls {
            let edge = |edge: &&msvc_system::model::Edge| {
                edge.caller.key() == service.name.as_str() && edge.callee == call.service
            };
            assert!(
                system.edges.iter().find(edge).is_some(),
                "{} -> {}",
                service.name,
                call.service
            );
        }
    }
    let edges: Vec<_> = system.edges.iter().map(ToString::to_string).collect();
    for wanted in [
        "client->gateway:8080",
        "gateway->orders:8080",
        "orders->inventory:50051",
        "notifications->broker:9092",
        "notifications->mailbox:2525",
    ] {
        assert!(
            edges.iter().any(|edge| edge == wanted),
            "{wanted} is not among {edges:?}"
        );
    }
}

#[test]
fn every_description_of_an_interface_is_read() {
    let folder = repository().join("contracts/openapi");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let document = openapi::read(&path, &std::fs::read(&path).unwrap())
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!document.operations.is_empty(), "{}", path.display());
        read += 1;
    }
    assert!(read > 0);
}
