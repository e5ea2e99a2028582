//! Public Compose files beside Docker Compose's own reading of them: the normal form of each is the
//! same as what `docker compose config --format json` printed.
//!
//! The files are third-party data that is read in place and not part of the tree; where they are
//! absent the test says so and passes.

#[path = "support/public_corpus.rs"]
mod public_corpus;

use std::collections::BTreeMap;
use std::path::Path;

use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, resolve};
use public_corpus::corpus;
use serde_json::Value;

#[path = "corpus/differences.rs"]
mod differences;

/// Files that disagree, each with the reason and which of the two is right. At most five.
const DISAGREE: &[(&str, &str)] = &[];

/// The normal form of a file, every profile asked for.
fn config(file: &Path) -> Result<Value, String> {
    let request = LoadRequest {
        directory: file.parent().unwrap_or(Path::new("/")).to_path_buf(),
        files: vec![file.to_path_buf()],
        profiles: vec!["*".to_owned()],
        environment: BTreeMap::from([("HOME".to_owned(), "/HOME".to_owned())]),
        ..LoadRequest::default()
    };
    let files = Files::new(|path, limit| {
        let bytes = std::fs::read(path)?;
        assert!(bytes.len() as u64 <= limit);
        Ok(bytes)
    });
    let (resolved, _) = resolve(&request, &files).map_err(|problems| problems.to_string())?;
    resolved.config(&[], false)
}

#[test]
fn every_public_file_has_the_normal_form_that_docker_compose_prints() {
    let Some(corpus) = corpus() else {
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let (mut same, mut wrong) = (0, Vec::new());
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let name = format!("{}/{}", columns[0], columns[1]);
        let repository = corpus.join("projects").join(columns[0].replace('/', "+"));
        let expected = std::fs::read_to_string(corpus.join(columns[4])).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let found = match config(&repository.join(columns[1])) {
            Ok(ours) => {
                let root = repository.to_string_lossy();
                differences::between(&differences::readable(ours, &root), &expected)
            }
            Err(problems) => vec![problems],
        };
        let excused = DISAGREE.iter().any(|(file, _)| *file == name);
        match (found.is_empty(), excused) {
            (true, false) => same += 1,
            (false, true) => {}
            (true, true) => wrong.push(format!("{name}: agrees, and is excused")),
            (false, false) => wrong.extend(found.iter().map(|it| format!("{name}: {it}"))),
        }
    }
    eprintln!("{same} files the same");
    assert!(DISAGREE.len() <= 5);
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
