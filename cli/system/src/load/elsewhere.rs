//! What other files say, of this machine and of repositories: from where their paths count, and how
//! they are named.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::testing::request;
use super::{LoadRequest, Without, resolve};
use crate::files::{Fetched, Files};

/// Files by path; everything of the repository stands in `/cache/1`.
fn files(texts: &'static [(&str, &str)]) -> Files {
    let texts = texts
        .iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
    Files::in_memory(texts.collect()).with_git(|_| {
        Ok(Fetched {
            folder: "/cache/1".into(),
            remote: "https://h/r.git".into(),
        })
    })
}

fn unresolved() -> LoadRequest {
    LoadRequest {
        without: Without {
            paths: true,
            settings: true,
            ..Without::default()
        },
        ..request()
    }
}

/// The context and the sources of the mounts of each service.
fn paths(normal: &Value) -> Vec<Value> {
    let services = normal["services"].as_object().unwrap().values();
    let sources = |service: &Value| -> Vec<Value> {
        let mounts = service["volumes"].as_array().into_iter().flatten();
        mounts.map(|it| it["source"].clone()).collect()
    };
    services
        .map(|it| json!([it["build"]["context"], sources(it)]))
        .collect()
}

const SUB: &[(&str, &str)] = &[
    (
        "/system/compose.yaml",
        "include:\n- sub/compose.yaml\n- /system/sub/whole.yaml\n- {path: sub/own.yaml, project_directory: pd}\n- {path: sub/far.yaml, project_directory: /far}\nservices:\n  a: {extends: {file: sub/base.yaml, service: b}, volumes: ['./z:/z']}\n  b: {extends: {file: same.yaml, service: b}}\n",
    ),
    (
        "/system/sub/compose.yaml",
        "include: [deep/compose.yaml]\nservices: {c: {build: ./dir, volumes: ['./d:/d', '../e:/e']}}\n",
    ),
    (
        "/system/sub/deep/compose.yaml",
        "services: {d: {build: ., volumes: ['../../../up:/u', '/abs:/a'], extends: {file: ../base.yaml, service: c}}}\n",
    ),
    ("/system/sub/whole.yaml", "services: {e: {build: ./dir}}\n"),
    ("/system/sub/own.yaml", "services: {f: {build: ./dir}}\n"),
    ("/system/sub/far.yaml", "services: {g: {build: ./dir}}\n"),
    (
        "/system/sub/base.yaml",
        "services:\n  b: {build: ./dir, extends: {file: deep/b.yaml, service: b}}\n  c: {volumes: ['./c:/c']}\n",
    ),
    (
        "/system/sub/deep/b.yaml",
        "services: {b: {volumes: ['./bb:/bb']}}\n",
    ),
    (
        "/system/same.yaml",
        "services: {b: {build: ., volumes: ['./v:/v', '../w:/w']}}\n",
    ),
];

#[test]
fn paths_of_other_files_lead_to_their_folder_where_paths_stay_relative() {
    let (resolved, _) = resolve(&unresolved(), &files(SUB)).unwrap();
    assert_eq!(
        paths(&resolved.config(&[], true).unwrap()),
        [
            json!(["sub/dir", ["sub/deep/bb", "./z"]]),
            json!([".", ["v", "../w"]]),
            json!(["sub/dir", ["sub/d", "e"]]),
            json!(["sub/deep", ["sub/c", "../up", "/abs"]]),
            json!(["sub/dir", []]),
            json!(["pd/dir", []]),
            json!(["/far/dir", []]),
        ]
    );
    let (resolved, _) = resolve(&request(), &files(SUB)).unwrap();
    assert_eq!(
        paths(&resolved.config(&[], true).unwrap())[..4],
        [
            json!(["/system/sub/dir", ["/system/sub/deep/bb", "/system/z"]]),
            json!(["/system", ["/system/v", "/w"]]),
            json!(["/system/sub/dir", ["/system/sub/d", "/system/e"]]),
            json!(["/system/sub/deep", ["/system/sub/c", "/up", "/abs"]]),
        ]
    );
}

const FETCHED: &[(&str, &str)] = &[
    (
        "/system/compose.yaml",
        "include: ['https://h/r.git#v1:deploy']\nservices: {a: {extends: {file: 'https://h/r.git#v1:base.yaml', service: b}}}\n",
    ),
    (
        "/cache/1/deploy/compose.yml",
        "include: [more/compose.yaml]\nservices: {c: {build: ./dir}}\n",
    ),
    (
        "/cache/1/deploy/more/compose.yaml",
        "services: {d: {build: ./dir}}\n",
    ),
    ("/cache/1/base.yaml", "services: {b: {build: ./dir}}\n"),
];

#[test]
fn paths_of_a_repository_are_whole_ones_in_any_case() {
    let (resolved, _) = resolve(&unresolved(), &files(FETCHED)).unwrap();
    assert_eq!(
        paths(&resolved.config(&[], true).unwrap()),
        [
            json!(["/cache/1/dir", []]),
            json!(["/cache/1/deploy/dir", []]),
            json!(["/cache/1/deploy/more/dir", []]),
        ]
    );
}

#[test]
fn what_is_wrong_in_a_file_of_a_repository_is_told_of_repository_ref_and_path() {
    for (text, wanted) in [
        (
            "services:\n  a: {image: x, imag: x}\n",
            "https://h/r.git#v1:deploy/compose.yaml:2:17: a service has no key `imag` (did you mean `image`?)",
        ),
        (
            "include: [no.yaml]\n",
            "https://h/r.git#v1:deploy/compose.yaml:1:11: the included file https://h/r.git#v1:deploy/no.yaml cannot be read: no such file (a relative path counts from the folder of the file that names it)",
        ),
        (
            "services: {a: {image: a, env_file: e.env}}\n",
            "https://h/r.git#v1:deploy/compose.yaml:1:36: the `env_file` https://h/r.git#v1:deploy/e.env cannot be read: no such file (create it, or write `required: false`)",
        ),
        (
            "services: {a: {extends: {file: no.yaml, service: a}}}\n",
            "https://h/r.git#v1:deploy/compose.yaml:1:32: the extended file https://h/r.git#v1:deploy/no.yaml cannot be read: no such file (a relative path counts from the folder of the file that names it)",
        ),
        (
            "include: [compose.yaml]\n",
            "https://h/r.git#v1:deploy/compose.yaml:1:11: files include each other in a circle: https://h/r.git#v1:deploy/compose.yaml -> https://h/r.git#v1:deploy/compose.yaml (take one of these `include` away)",
        ),
    ] {
        let main = "include: ['https://h/r.git#v1:deploy']\n";
        let texts = [
            ("/system/compose.yaml", main),
            ("/cache/1/deploy/compose.yaml", text),
        ];
        let texts = texts.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()));
        let files = Files::in_memory(texts.into()).with_git(|_| {
            Ok(Fetched {
                folder: "/cache/1".into(),
                remote: "https://h/r.git".into(),
            })
        });
        let problems = resolve(&request(), &files).unwrap_err();
        assert_eq!(problems.to_string(), wanted);
    }
}

#[test]
fn repositories_are_not_fetched_where_that_is_switched_off() {
    let said = |value: &str| {
        let mut request = request();
        let name = "COMPOSE_EXPERIMENTAL_GIT_REMOTE".to_owned();
        request.environment.insert(name, value.to_owned());
        resolve(&request, &files(FETCHED))
            .err()
            .map(|it| it.to_string())
    };
    for on in ["", "1", "true", "T"] {
        assert_eq!(said(on), None, "{on}");
    }
    for (off, wanted) in [
        (
            "false",
            "are switched off by COMPOSE_EXPERIMENTAL_GIT_REMOTE",
        ),
        ("0", "are switched off by"),
        ("no", "`no` of COMPOSE_EXPERIMENTAL_GIT_REMOTE is neither"),
    ] {
        let said = said(off).unwrap();
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn what_variables_become_in_all_included_files_is_bounded() {
    let mut texts = vec![
        (
            PathBuf::from("/system/.env"),
            format!("BIG={}", "x".repeat(900_000)),
        ),
        (
            PathBuf::from("/system/compose.yaml"),
            format!(
                "include: [{}]\nservices: {{a: {{image: a}}}}\n",
                (0..30).map(|i| format!("x/{i}.yaml, ")).collect::<String>()
            ),
        ),
    ];
    texts.extend((0..30).map(|i| {
        let text = format!("services: {{s{i}: {{image: a, labels: {{a: $BIG}}}}}}\n");
        (PathBuf::from(format!("/system/x/{i}.yaml")), text)
    }));
    let texts = texts
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()));
    let problems = resolve(&request(), &Files::in_memory(texts.collect())).unwrap_err();
    let told = problems.to_string();
    assert!(told.starts_with("x/22.yaml:1:"), "{told}");
    assert!(told.contains("20000000"), "{told}");
}
