//! Public Compose files beside Docker Compose's own reading of them: each loads to the same, or
//! ends in errors that name a field which is not supported yet, with its line.
//!
//! The files are third-party data that is read in place and not part of the tree; where they are
//! absent the test says so and passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input has failed"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, load};
use msvc_system::problem::{Problems, Severity};
use serde_json::Value;

#[path = "corpus/reading.rs"]
mod reading;

/// The corpus: `MSVC_COMPOSE_CORPUS`, or `shared/compose-corpus` beside the repository or above it.
fn corpus() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MSVC_COMPOSE_CORPUS") {
        return Some(path.into());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/compose-corpus"))
        .find(|path| path.is_dir())
}

fn load_file(file: &Path) -> Result<msvc_system::load::Loaded, Problems> {
    let request = LoadRequest {
        directory: file.parent().unwrap_or(Path::new("/")).to_path_buf(),
        files: vec![file.to_path_buf()],
        profiles: vec!["*".to_owned()],
        named: Vec::new(),
        environment: BTreeMap::from([("HOME".to_owned(), "/HOME".to_owned())]),
        ..LoadRequest::default()
    };
    let files = Files::new(|path, limit| {
        let bytes = std::fs::read(path)?;
        assert!(bytes.len() as u64 <= limit);
        Ok(bytes)
    });
    load(&request, &files)
}

#[test]
fn every_public_file_loads_as_compose_reads_it_or_names_what_is_not_supported() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no compose-corpus (set MSVC_COMPOSE_CORPUS to its folder)");
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let (mut loaded, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let repository = corpus.join("projects").join(columns[0].replace('/', "+"));
        let file = repository.join(columns[1]);
        let expected = std::fs::read_to_string(corpus.join(columns[4])).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        match load_file(&file) {
            Ok(ours) => {
                loaded += 1;
                let root = repository.to_string_lossy();
                for difference in reading::differences(&ours.system, &expected, &root) {
                    wrong.push(format!("{}/{}: {difference}", columns[0], columns[1]));
                }
            }
            Err(problems) => {
                refused += 1;
                let errors = problems.0.iter().filter(|p| p.severity == Severity::Error);
                for problem in errors {
                    let named =
                        problem.what.contains("not supported yet") && problem.place.is_some();
                    if !named {
                        wrong.push(format!("{}/{}: {problem}", columns[0], columns[1]));
                    }
                }
            }
        }
    }
    eprintln!("{loaded} files loaded, {refused} refused by name");
    assert!(loaded > 80, "only {loaded} files load");
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
