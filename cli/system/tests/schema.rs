//! The published JSON Schema beside the loader: what the tree and public projects have fits it, and
//! of `x-msvc` it takes what the loader takes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its input has failed"
)]

#[path = "support/public_corpus.rs"]
mod public_corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, load};
use msvc_system::{schema, yaml};
use public_corpus::corpus;
use serde_json::Value;

#[path = "schema/validate.rs"]
mod validate;

/// What the schema says against a file.
fn errors(text: &str) -> Vec<String> {
    let tree = yaml::parse("compose.yaml".as_ref(), text.as_bytes());
    let tree = tree.unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    validate::errors(&schema::compose_file(), &tree.to_json())
}

fn is_loaded(text: &str) -> bool {
    let request = LoadRequest {
        directory: "/system".into(),
        ..LoadRequest::default()
    };
    let files = BTreeMap::from([("/system/compose.yaml".into(), text.as_bytes().to_vec())]);
    load(&request, &Files::in_memory(files)).is_ok()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn of_x_msvc_the_schema_takes_what_the_loader_takes() {
    let service = [
        (
            "{owner: a, context: 1, calls: [b, 'b:1', {service: b, port: 2, key: B}]}",
            true,
        ),
        ("", true),
        ("[]", false),
        ("{owners: a}", false),
        ("{owner: [a]}", false),
        ("{probe: /x}", false),
        ("{probe: }", true),
        ("{calls: b}", false),
        ("{calls: [{port: 1}]}", false),
        ("{calls: [{service: b, port: 0}]}", false),
        ("{calls: [{service: b, port: 70000}]}", false),
        ("{calls: [{service: b, extra: 1}]}", false),
        ("{calls: [[b]]}", false),
        (
            "{process: {build: cargo, command: run it, working_dir: x}}",
            true,
        ),
        (
            "{process: {build: {cargo: b}, environment: {A: 1}, port: {'80': L}}}",
            true,
        ),
        (
            "{process: {build: {command: [b, 1], path: x, image: true}}}",
            true,
        ),
        (
            "{process: {build: [make, all], environment: ['A=1']}}",
            true,
        ),
        ("{process: {build: {path: x}}}", false),
        ("{process: {build: {image: true}}}", false),
        ("{process: {build: {comand: [x]}}}", false),
        ("{process: {environment: [A]}}", false),
        ("{process: {environment: {A: [1]}}}", false),
        ("{process: {environment: 1}}", false),
        ("{process: {port: {http: L}}}", false),
        ("{process: {port: [80]}}", false),
        ("{process: {command: {a: b}}}", false),
        ("{process: [run]}", false),
        (
            "{contract: {states: /x, environment: {A: on}, consumer_test: [t]}}",
            true,
        ),
        ("{contract: {states: x}}", false),
        ("{contract: {state: /x}}", false),
        ("{ca: [x]}", false),
    ];
    let system = [
        (
            "{contracts: c, journeys: [a, {name: b, command: c}], experiments: [e]}",
            true,
        ),
        ("", true),
        ("{inputs: {a: x, b: 1, c: true, d: {secret: s}}}", true),
        ("{journeys: a}", false),
        ("{journeys: [{name: b}]}", false),
        ("{journeys: [{name: b, command: c, more: d}]}", false),
        ("{journeys: [[a]]}", false),
        ("{experiments: {a: b}}", false),
        ("{experiments: [[a]]}", false),
        ("{contracts: [c]}", false),
        ("{inputs: [a]}", false),
        ("{inputs: {run: a}}", false),
        ("{inputs: {'a b': c}}", false),
        ("{inputs: {a: [b]}}", false),
        ("{inputs: {a: {}}}", false),
        ("{inputs: {a: {secret: s, more: x}}}", false),
        ("{owner: a}", false),
    ];
    let secret = [
        ("{generate: true}", true),
        ("{generate: {bytes: 16}}", true),
        ("{generate: }", true),
        ("{generate: yes please}", false),
        ("{generate: {bytes: 8}}", false),
        ("{generate: {bytes: 2000}}", false),
        ("{generate: {byte: 32}}", false),
        ("{generated: true}", false),
        ("[]", false),
    ];
    let with = |service: &str, system: &str, secret: &str| {
        format!(
            "services:\n  a: {{image: a, x-msvc: {service}}}\n  b: {{image: b}}\n\
             secrets: {{s: {{file: ./s, x-msvc: {secret}}}}}\nx-msvc: {system}\n"
        )
    };
    let services = service.map(|(text, holds)| (with(text, "", ""), holds));
    let systems = system.map(|(text, holds)| (with("", text, ""), holds));
    let secrets = secret.map(|(text, holds)| (with("", "", text), holds));
    for (text, holds) in services.into_iter().chain(systems).chain(secrets) {
        assert_eq!(is_loaded(&text), holds, "the loader\n{text}");
        let errors = errors(&text);
        assert_eq!(errors.is_empty(), holds, "the schema\n{text}\n{errors:?}");
    }
}

#[test]
fn keys_of_compose_are_known_where_they_stand() {
    let text = "services:\n  a: {image: a, healthcheck: {tests: x}, ports: [{target: 1, x-own: 2}]}\n\
                x-own: {anything: at all}\n";
    assert_eq!(
        errors(text),
        ["/services/a/healthcheck/tests: is not allowed"]
    );
    assert!(!errors("services: {a: {imag: a}}\n").is_empty());
    assert!(!errors("service: {a: {image: a}}\n").is_empty());
}

#[test]
fn the_shop_and_the_examples_of_the_documentation_fit() {
    let shop = std::fs::read_to_string(repository().join("sample-system/compose.yaml")).unwrap();
    assert_eq!(errors(&shop), [""; 0]);
    let mut examples = 0;
    let reference = std::fs::read_dir(repository().join("docs/reference")).unwrap();
    let how_to = std::fs::read_dir(repository().join("docs/how-to")).unwrap();
    let mut pages: Vec<PathBuf> = reference
        .chain(how_to)
        .map(|it| it.unwrap().path())
        .collect();
    pages.push(repository().join("README.md"));
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|it| it == "md"))
    {
        let text = std::fs::read_to_string(page).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let is_compose = ["services:", "secrets:", "x-msvc:"];
            if is_compose.iter().any(|key| block.starts_with(key)) {
                examples += 1;
                assert_eq!(errors(block), [""; 0], "{}\n{block}", page.display());
            }
        }
    }
    assert!(examples >= 3, "only {examples} examples");
}

#[test]
fn public_files_fit() {
    let Some(corpus) = corpus() else {
        return;
    };
    let schema: Value = schema::compose_file();
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let mut looked_at = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let repository = corpus.join("projects").join(columns[0].replace('/', "+"));
        let bytes = std::fs::read(repository.join(columns[1])).unwrap();
        let tree = yaml::parse(columns[1].as_ref(), &bytes).unwrap();
        let errors = validate::errors(&schema, &tree.to_json());
        assert_eq!(errors, [""; 0], "{line}");
        looked_at += 1;
    }
    assert!(looked_at > 80, "only {looked_at} files");
}
