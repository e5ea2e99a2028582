//! What is printed loads to the same again, as YAML and as JSON, and an override with nothing in it
//! changes nothing: of public files, where they are there, and of projects made up here.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input has failed"
)]

#[path = "support/public_corpus.rs"]
mod public_corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, Resolved, resolve};
use msvc_system::normal_form::yaml;
use proptest::prelude::*;
use public_corpus::corpus;
use serde_json::Value;

#[path = "corpus/differences.rs"]
#[allow(
    dead_code,
    clippy::allow_attributes,
    reason = "a part of it is used here"
)]
mod differences;
#[path = "round_trip/projects.rs"]
mod projects;

/// A project's files: some in memory, the others on the disk.
struct Project {
    directory: PathBuf,
    written: BTreeMap<PathBuf, Vec<u8>>,
}

impl Project {
    fn of(directory: &Path, texts: &[(&str, &str)]) -> Self {
        let written = texts
            .iter()
            .map(|(name, text)| (directory.join(name), text.as_bytes().to_vec()));
        Self {
            directory: directory.to_path_buf(),
            written: written.collect(),
        }
    }

    fn with(mut self, name: &str, text: &str) -> Self {
        self.written
            .insert(self.directory.join(name), text.as_bytes().to_vec());
        self
    }

    fn resolved(&self, files: &[&str]) -> Result<Resolved, String> {
        let request = LoadRequest {
            directory: self.directory.clone(),
            files: files.iter().map(|it| self.directory.join(it)).collect(),
            profiles: vec!["*".to_owned()],
            environment: BTreeMap::from([("HOME".to_owned(), "/HOME".to_owned())]),
            ..LoadRequest::default()
        };
        let written = self.written.clone();
        let files = Files::new(move |path, _| match written.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None => std::fs::read(path),
        });
        resolve(&request, &files)
            .map(|(resolved, _)| resolved)
            .map_err(|problems| problems.to_string())
    }

    fn config(&self, files: &[&str]) -> Result<Value, String> {
        self.resolved(files)?.config(&[], false)
    }
}

/// A normal form as `msvc config` writes it in YAML.
fn in_yaml(resolved: &Resolved) -> String {
    let chosen = resolved.chosen(&[]).unwrap();
    let tree = resolved.clone().into_config_for_yaml(&chosen, false);
    yaml::text(&tree.escaped())
}

/// The same in JSON and in YAML.
fn printed(resolved: &Resolved, config: &Value) -> [(&'static str, String); 2] {
    let json = serde_json::to_string_pretty(config).unwrap();
    [
        ("json", json.replace('$', "$$")),
        ("yaml", in_yaml(resolved)),
    ]
}

/// What is not the same when a project is printed and read again; nothing when all is.
fn lost(directory: &Path, file: &str, project: Project) -> Vec<String> {
    let resolved = match project.resolved(&[file]) {
        Ok(resolved) => resolved,
        Err(problems) => return vec![format!("does not load: {problems}")],
    };
    let config = resolved.config(&[], false).unwrap();
    let mut lost = Vec::new();
    for (form, text) in printed(&resolved, &config) {
        let again = Project::of(directory, &[("printed", &text)]).resolved(&["printed"]);
        // Keys of everybody's own stand in YAML alone.
        if let Ok(again) = &again
            && form == "yaml"
            && in_yaml(again) != text
        {
            lost.push(format!(
                "yaml is not as it was:\n{text}\n{}",
                in_yaml(again)
            ));
        }
        match again.and_then(|again| again.config(&[], false)) {
            Ok(again) if again == config => {}
            Ok(again) => lost.extend(
                differences::between(&again, &config)
                    .into_iter()
                    .map(|it| format!("{form}{it}")),
            ),
            Err(problems) => lost.push(format!("{form} does not load: {problems}\n{text}")),
        }
    }
    let services: String = resolved
        .services()
        .map(|name| format!("  {}: {{}}\n", serde_json::to_string(name).unwrap()))
        .collect();
    let project = project
        .with("nothing", "{}\n")
        .with("empty", "services: {}\n")
        .with("services", &format!("services:\n{services}"));
    for files in [
        [file, "nothing"],
        [file, "empty"],
        [file, "services"],
        ["empty", file],
    ] {
        match project.config(&files) {
            Ok(merged) if merged == config => {}
            Ok(merged) => lost.extend(
                differences::between(&merged, &config)
                    .into_iter()
                    .map(|it| format!("{files:?}{it}")),
            ),
            Err(problems) => lost.push(format!("{files:?} does not load: {problems}")),
        }
    }
    lost
}

#[test]
fn public_files_are_the_same_when_printed_and_read_again_and_under_an_empty_override() {
    let Some(corpus) = corpus() else {
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let repository = corpus.join("projects").join(columns[0].replace('/', "+"));
        let file = repository.join(columns[1]);
        let (directory, name) = (file.parent().unwrap(), file.file_name().unwrap());
        let name = name.to_str().unwrap();
        let lost = lost(directory, name, Project::of(directory, &[]));
        wrong.extend(lost.iter().map(|it| format!("{line}: {it}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_project_is_the_same_when_printed_and_read_again_and_under_an_empty_override(
        text in projects::any()
    ) {
        let directory = Path::new("/project");
        let files = [("c.yaml", text.as_str()), ("e.env", projects::ENV_FILE)];
        let lost = lost(directory, "c.yaml", Project::of(directory, &files));
        prop_assert!(lost.is_empty(), "{}\n{text}", lost.join("\n"));
    }
}
