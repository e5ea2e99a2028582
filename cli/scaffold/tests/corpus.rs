//! A service put into public Compose files: each file that can be read takes it, and loses no line.
//!
//! The files are third-party data that is read in place and not part of the tree; where they are
//! absent the test says so and passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input has failed"
)]

#[path = "../../system/tests/support/public_corpus.rs"]
mod public_corpus;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use msvc_scaffold::error::ScaffoldError;
use msvc_scaffold::new::{Draft, Plan, Request};
use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, load};
use public_corpus::corpus;

fn compose_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            compose_files(&path, found);
        } else if name.ends_with(".yml") || name.ends_with(".yaml") {
            found.push(path);
        }
    }
}

fn files() -> Files {
    Files::new(|path, _| std::fs::read(path))
}

fn planned(load: LoadRequest) -> Result<Plan, ScaffoldError> {
    let request = Request {
        name: "brand-new".to_owned(),
        template: "rust-axum".to_owned(),
        set: Vec::new(),
        alone: false,
        load,
    };
    Draft::begin(request, Arc::new(files()), &|_| true)?.plan()
}

#[test]
fn every_public_file_that_can_be_read_takes_a_service_and_loses_no_line() {
    let Some(corpus) = corpus() else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: there is no corpus of Compose files"
        );
        return;
    };
    let mut all = Vec::new();
    compose_files(&corpus.join("projects"), &mut all);
    let mut taken = 0;
    for file in all {
        let request = LoadRequest {
            directory: file.parent().unwrap().to_path_buf(),
            files: vec![file.clone()],
            profiles: vec!["*".to_owned()],
            named: Vec::new(),
            environment: [("HOME".to_owned(), "/HOME".to_owned())].into(),
            ..LoadRequest::default()
        };
        if load(&request, &files()).is_err() {
            continue;
        }
        let plan = planned(request).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let change = plan.compose.unwrap();
        let before = String::from_utf8(change.before.unwrap()).unwrap();
        let after = String::from_utf8(change.after).unwrap();
        let mut lines = after.lines();
        let kept = before.lines().all(|line| lines.any(|other| other == line));
        assert!(kept, "{}:\n{after}", file.display());
        taken += 1;
    }
    assert!(taken > 50, "only {taken} files could be read");
}
