//! What a person sees of each kind of problem that a Compose file can have: whole messages, kept as
//! files. Every folder of `fixtures/problems` is one: its files, the `command` where it is another
//! than `ps`, its `standard-input` where it has one, and what that says in `expected.txt`. `MSVC_TESTS_BLESS=1` writes these anew: read the
//! difference before it is kept.

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

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Finished, finish, root};
use unicode_width::UnicodeWidthStr as _;

const EXPECTED: &str = "expected.txt";
const COMMAND: &str = "command";
const INPUT: &str = "standard-input";

fn cases() -> Vec<PathBuf> {
    let folder = root().join("tests/fixtures/problems");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn case(name: &str) -> PathBuf {
    root().join("tests/fixtures/problems").join(name)
}

/// What the command of a case says in a folder of its own, in an environment without surprises.
fn said(case: &Path, more: &[&str], github: bool) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().canonicalize().unwrap().join("shop");
    std::fs::create_dir(&shop).unwrap();
    for entry in std::fs::read_dir(case).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name != EXPECTED && name != COMMAND && name != INPUT {
            std::fs::copy(entry.path(), shop.join(name)).unwrap();
        }
    }
    let words = std::fs::read_to_string(case.join(COMMAND)).unwrap_or_else(|_| "ps".to_owned());
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command
        .args(words.split_whitespace())
        .args(more)
        .current_dir(&shop)
        .env_clear()
        .env("HOME", folder.path())
        .env("MSVC_RUNTIME", "process");
    if let Ok(input) = std::fs::File::open(case.join(INPUT)) {
        command.stdin(input);
    }
    if github {
        command.env("GITHUB_ACTIONS", "true");
    }
    let mut done = finish(command);
    let here = shop.display().to_string();
    done.stdout = done.stdout.replace(&here, "FOLDER");
    done.stderr = done.stderr.replace(&here, "FOLDER");
    done
}

fn page(done: &Finished) -> String {
    let mut page = done.stderr.clone();
    if !done.stdout.is_empty() {
        page.push_str(&format!("--- on standard output\n{}", done.stdout));
    }
    page.push_str(&format!("--- code {}\n", done.code()));
    page
}

#[test]
fn every_kind_of_problem_reads_as_it_is_written_down() {
    let bless = std::env::var_os("MSVC_TESTS_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let is = page(&said(&case, &[], false));
        check(&case.display().to_string(), &is);
        let path = case.join(EXPECTED);
        if bless {
            std::fs::write(&path, &is).unwrap();
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if is != wanted {
            wrong.push(format!("{}: said\n{is}wanted\n{wanted}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing of a file is wider than a terminal, and every case says that something is wrong.
fn check(name: &str, page: &str) {
    assert!(
        page.contains("error: ") || page.contains("warning: "),
        "{name} tells of no problem: {page}"
    );
    for line in page.lines() {
        let of_a_file = line.split_once(" | ").is_some_and(|(number, _)| {
            let number = number.trim();
            number.is_empty() || number.parse::<u32>().is_ok()
        });
        assert!(!of_a_file || line.width() <= 80, "{name}: {line}");
    }
}

/// Problems that have no hint, by the folder of the case: none yet.
const WITHOUT_HINT: [&str; 0] = [];

#[test]
fn every_problem_says_what_to_do() {
    let mut without = Vec::new();
    for case in cases() {
        let page = support::read(&case.join(EXPECTED));
        let mut open: Option<&str> = None;
        for line in page.lines().chain(["--- end"]) {
            let begins = line.starts_with("error: ") || line.starts_with("warning: ");
            if begins || line.starts_with("---") {
                let name = case.file_name().unwrap().to_string_lossy();
                let is_told = open.is_none_or(|it| it.contains(" more problem"));
                if !is_told && !WITHOUT_HINT.contains(&name.as_ref()) {
                    without.push(format!("{name}: {}", open.unwrap_or_default()));
                }
                open = begins.then_some(line);
            } else if line.starts_with("  hint: ") {
                open = None;
            }
        }
    }
    assert!(without.is_empty(), "no hint:\n{}", without.join("\n"));
}

/// What of `value` is not as `schema` says: of JSON Schema, the words that ours are written with.
fn against(schema: &Value, value: &Value, whole: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return against(whole.pointer(&name[1..]).unwrap(), value, whole, at);
    }
    if let Some(ways) = schema["anyOf"].as_array() {
        let tried = ways.iter().map(|way| against(way, value, whole, at));
        return tried.min_by_key(Vec::len).unwrap();
    }
    let mut wrong = Vec::new();
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => vec![kind.into()],
        one => vec![one.clone()],
    };
    if !kinds.contains(&kind.into()) {
        wrong.push(format!("{at} is {kind}"));
    }
    let allowed = |words: &Value| words.as_array().is_none_or(|all| all.contains(value));
    if !allowed(&schema["enum"]) || schema.get("const").is_some_and(|it| it != value) {
        wrong.push(format!("{at} is {value}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            wrong.push(format!("{at} has no {name}"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => wrong.extend(against(schema, value, whole, &format!("{at}.{name}"))),
            None => wrong.push(format!("{at} has {name}")),
        }
    }
    for item in value.as_array().into_iter().flatten() {
        wrong.extend(against(&schema["items"], item, whole, &format!("{at}[]")));
    }
    wrong
}

#[test]
fn the_json_of_every_problem_is_as_its_published_schema_says() {
    let text = support::read(&root().join("docs/reference/error.schema.json"));
    let schema: Value = serde_json::from_str(&text).unwrap();
    for case in cases() {
        let done = said(&case, &["--format", "json"], false);
        // What loads with a warning is no early end.
        if done.code() != 4 {
            continue;
        }
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let wrong = against(&schema, &document, &schema, "document");
        assert_eq!(
            wrong,
            Vec::<String>::new(),
            "{}: {document:#}",
            case.display()
        );
        assert_eq!(document["exit"], 4);
    }
    let nonsense = serde_json::json!({"schema": "msvc.error/1", "exit": "4", "problems": [{}]});
    let wrong = against(&schema, &nonsense, &schema, "document");
    assert!(
        wrong.contains(&"document.exit is string".to_owned()),
        "{wrong:?}"
    );
    assert!(
        wrong.contains(&"document has no \"lines\"".to_owned()),
        "{wrong:?}"
    );
}

#[test]
fn json_has_severity_place_words_hint_and_line() {
    let done = said(&case("service-key-unknown"), &["--format", "json"], false);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        document["problems"],
        serde_json::json!([{
            "severity": "error",
            "place": {"file": "compose.yaml", "line": 4, "column": 5},
            "what": "a service has no key `enviroment`",
            "hint": "did you mean `environment`?",
            "source": "    enviroment: {}",
        }])
    );
}

#[test]
fn in_github_actions_errors_and_warnings_are_annotated_beside_their_lines() {
    let annotations = |name: &str| {
        let done = said(&case(name), &[], true);
        let lines = done.stderr.lines().filter(|line| line.starts_with("::"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        annotations("service-key-unknown"),
        [
            "::error file=compose.yaml,line=4,col=5,title=msvc::a service has no key `enviroment`%0Ahint: did you mean `environment`?"
        ]
    );
    let warned = annotations("variable-not-set");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].starts_with("::warning file=compose.yaml,line=4,col=25,"),
        "{warned:?}"
    );
}
