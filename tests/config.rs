//! `msvc config` as it is typed: whole answers. `fixtures/config/full/expected.json` is what Docker
//! Compose 2.40.3 printed of that file (`--profile '*' config --format json`), its folder as
//! `/FOLDER`; so is `expected.yaml` there and in `own-keys` (`config`).

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

#[path = "config/as_written.rs"]
mod as_written;
#[path = "config/output.rs"]
mod output;
mod support;

use std::path::Path;
use std::process::Command;

use support::{Finished, finish, root};

/// `msvc config` with these words, in a folder, in an environment without surprises.
fn config(folder: &Path, words: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command
        .arg("config")
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("HOME", "/HOME");
    finish(command)
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const TWO: &str = "name: two\nservices:\n  web: {image: \"web:${TAG:-1}\", environment: {DB: \"db:5432\"}, depends_on: [db]}\n  db: {image: db, expose: [5432], profiles: [data], volumes: [\"kept:/data\"]}\nvolumes: {kept: , unused: }\n";

#[test]
fn the_normal_form_is_docker_composes_own_byte_for_byte() {
    let full = root().join("tests/fixtures/config/full");
    for (format, expected) in [("json", "expected.json"), ("human", "expected.yaml")] {
        let done = config(&full, &["--profile", "*", "--format", format]).expect(0);
        let printed = done.stdout.replace(full.to_str().unwrap(), "/FOLDER");
        let expected = std::fs::read_to_string(full.join(expected)).unwrap();
        assert_eq!(printed.trim_end(), expected.trim_end());
    }
}

#[test]
fn keys_of_ones_own_are_printed_in_yaml_wherever_docker_compose_prints_them() {
    let own = root().join("tests/fixtures/config/own-keys");
    let done = config(&own, &[]).expect(0);
    let printed = done.stdout.replace(own.to_str().unwrap(), "/FOLDER");
    let expected = std::fs::read_to_string(own.join("expected.yaml")).unwrap();
    assert_eq!(printed, expected);
    let again = folder(&[("compose.yaml", &done.stdout)]);
    assert_eq!(config(again.path(), &[]).expect(0).stdout, done.stdout);
    let json = config(&own, &["--format", "json"]).expect(4);
    assert_eq!(
        json.stderr.lines().next(),
        Some("error: compose.yaml:81:22: JSON has no word for `.inf`")
    );
    assert_eq!(json.stderr.matches("JSON has no word").count(), 1);
}

#[test]
fn what_is_printed_reads_as_the_same_again() {
    let full = root().join("tests/fixtures/config/full");
    let json = ["--profile", "*", "--format", "json"];
    let first = config(&full, &json).expect(0);
    let yaml = config(&full, &["--profile", "*"]).expect(0);
    let again = folder(&[("compose.yaml", &yaml.stdout)]);
    assert_eq!(config(again.path(), &json).expect(0).stdout, first.stdout);
}

#[test]
fn a_text_at_the_end_keeps_its_line_ends_on_standard_output() {
    let text = "services: {a: {image: x, configs: [c]}}\nconfigs: {c: {content: \"a\\n\\n\\n\"}}\n";
    let files = folder(&[("compose.yaml", text)]);
    let printed = config(files.path(), &[]).expect(0).stdout;
    let again = folder(&[("compose.yaml", &printed)]);
    let json = config(again.path(), &["--format", "json"]).expect(0).json();
    assert_eq!(json["configs"]["c"]["content"], "a\n\n\n");
}

#[test]
fn a_scale_stands_in_deploy_too_and_no_limit_of_swap_is_read_again() {
    let text = "services: {a: {image: x, scale: 3, deploy: {mode: replicated, labels: {A: b}}, mem_limit: 1g, memswap_limit: -1}}\n";
    let files = folder(&[("compose.yaml", text)]);
    let service =
        |words: &[&str]| config(files.path(), words).expect(0).json()["services"]["a"].clone();
    let printed = service(&["--format", "json"]);
    let deploy = printed["deploy"].to_string();
    assert!(
        deploy.starts_with(r#"{"mode":"replicated","replicas":3,"labels""#),
        "{deploy}"
    );
    let unchecked = service(&["--format", "json", "--no-consistency"]);
    assert!(unchecked["deploy"].get("replicas").is_none(), "{unchecked}");
    let yaml = config(files.path(), &[]).expect(0).stdout;
    std::fs::write(files.path().join("compose.yaml"), yaml).unwrap();
    assert_eq!(service(&["--format", "json"]), printed);
}

#[test]
fn names_are_printed_one_a_line() {
    let two = folder(&[("compose.yaml", TWO)]);
    for (words, wanted) in [
        (vec!["--services"], ""),
        (vec!["--profile", "data", "--services"], "db\nweb\n"),
        (vec!["--profile", "data", "--images"], "db\nweb:1\n"),
        (vec!["--profile", "data", "--volumes"], "kept\n"),
        (
            vec!["--profile", "data", "--volumes", "--all-resources"],
            "kept\nunused\n",
        ),
        (vec!["--profile", "data", "--networks"], "default\n"),
        (vec!["--profile", "data", "--profiles"], "data\n"),
        (
            vec!["--profile", "data", "--profiles", "--format", "json"],
            "[\n  \"data\"\n]\n",
        ),
    ] {
        let done = config(two.path(), &words);
        if wanted.is_empty() {
            // The service that runs needs one that does not.
            assert_eq!(done.code(), 4, "{words:?}: {}", done.stderr);
            assert!(
                done.stderr.contains("which runs only with its profile"),
                "{}",
                done.stderr
            );
        } else {
            assert_eq!(done.expect(0).stdout, wanted, "{words:?}");
        }
    }
}

#[test]
fn models_are_those_that_somebody_names() {
    let text = "models: {m: {model: one}, n: {model: two}, o: {model: three}}\nservices:\n  a: {image: a, models: [m]}\n  b: {image: b, models: {n: }, profiles: [p]}\n";
    let files = folder(&[("compose.yaml", text)]);
    for (words, wanted) in [
        (&["--models"][..], "one\n"),
        (&["--models", "--no-interpolate"], "one\n"),
        (&["--profile", "p", "--models"], "one\ntwo\n"),
    ] {
        assert_eq!(config(files.path(), words).expect(0).stdout, wanted);
    }
}

#[test]
fn variables_are_told_with_what_stands_for_them() {
    let files = folder(&[(
        "compose.yaml",
        "name: v\nservices: {a: {image: \"x:${TAG:-1}\", command: \"${RUN:?say what}\", user: \"$WHO\"}}\n",
    )]);
    let done = config(files.path(), &["--variables"]).expect(0);
    assert_eq!(
        done.stdout,
        "NAME  REQUIRED  DEFAULT\nRUN   yes\nTAG   no        1\nWHO   no\n"
    );
}

#[test]
fn settings_come_from_the_files_that_are_named() {
    let files = folder(&[
        (
            "compose.yaml",
            "name: e\nservices: {a: {image: \"x:$TAG\"}}\n",
        ),
        (".env", "TAG=dotenv\n"),
        ("other.env", "TAG=other\n"),
    ]);
    assert_eq!(
        config(files.path(), &["--images"]).expect(0).stdout,
        "x:dotenv\n"
    );
    let other = config(files.path(), &["--images", "--env-file", "other.env"]).expect(0);
    assert_eq!(other.stdout, "x:other\n");
    let none = config(files.path(), &["--images", "--env-file", "no.env"]);
    assert_eq!(none.code(), 4, "{}", none.stderr);
    assert!(
        none.stderr.contains("no.env cannot be read"),
        "{}",
        none.stderr
    );
}

#[test]
fn one_service_comes_with_what_it_needs_and_no_more() {
    let files = folder(&[(
        "compose.yaml",
        "name: s\nservices: {orders: {image: a, depends_on: [db]}, db: {image: b}, other: {image: c}}\n",
    )]);
    let done = config(files.path(), &["--format", "json", "orders"]).expect(0);
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let names: Vec<&String> = printed["services"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["db", "orders"]);
    let unknown = config(files.path(), &["order"]);
    assert_eq!(unknown.code(), 2);
    assert_eq!(
        unknown.stderr,
        "error: the system has no service `order`\n  hint: did you mean `orders`?\n"
    );
}

#[test]
fn a_file_of_msvcs_own_is_laid_over_and_can_be_left_out() {
    let own = "services: {a: {x-msvc: {calls: [\"b:80\"]}}}\n";
    let other = "services: {a: {x-msvc: {calls: [\"b:81\"]}}}\n";
    let compose = "name: o\nservices: {a: {image: a}, b: {image: b}}\n";
    for (files, words, calls) in [
        (&[("compose.msvc.yaml", own)][..], &[][..], "a->b:80"),
        (&[("compose.msvc.yml", own)], &[], "a->b:80"),
        (
            &[("compose.msvc.yaml", own), ("compose.msvc.yml", other)],
            &[],
            "a->b:80",
        ),
        // What is named is meant.
        (
            &[("compose.msvc.yaml", own), ("compose.msvc.yml", other)],
            &["-f", "compose.yaml", "-f", "compose.msvc.yml"],
            "a->b:81",
        ),
    ] {
        let files = folder(&[&[("compose.yaml", compose)], files].concat());
        let with = config(files.path(), words).expect(0);
        assert!(with.stdout.contains("x-msvc"), "{}", with.stdout);
        let edges = config(files.path(), &[words, &["--edges"]].concat()).expect(0);
        assert!(edges.stdout.contains(calls), "{}", edges.stdout);
        assert_eq!(edges.stdout.matches("a->b").count(), 1, "{}", edges.stdout);
        let without = config(files.path(), &[words, &["--no-msvc"]].concat()).expect(0);
        assert!(!without.stdout.contains("x-msvc"), "{}", without.stdout);
    }
}

#[test]
fn a_service_that_nobody_has_is_refused_whatever_is_asked_of_it() {
    let files = folder(&[("compose.yaml", "name: f\nservices: {a: {image: a}}\n")]);
    for form in [
        "--services",
        "--images",
        "--volumes",
        "--networks",
        "--profiles",
        "--models",
        "--variables",
        "--environment",
        "--no-interpolate",
        "--edges",
        "--graph=dot",
        "--quiet",
    ] {
        let done = config(files.path(), &[form, "nosuch"]).expect(2);
        assert!(
            done.stderr.contains("no service `nosuch`"),
            "{form}: {}",
            done.stderr
        );
    }
}

#[test]
fn a_folder_called_env_is_no_file_of_settings() {
    let files = folder(&[("compose.yaml", "name: f\nservices: {a: {image: a}}\n")]);
    std::fs::create_dir(files.path().join(".env")).unwrap();
    config(files.path(), &["-q"]).expect(0);
    config(files.path(), &["-q", "--env-file", ".env"]).expect(4);
}

#[test]
fn what_a_hash_is_docker_compose_says_too() {
    let full = root().join("tests/fixtures/config/full");
    let done = config(&full, &["--profile", "*", "--hash", "db"]).expect(0);
    assert_eq!(
        done.stdout,
        "db 0c1e1fa82abb39befc475f199dd0f1f4f8ea730e4231dbb7204588b17bbe8a17\n"
    );
}

#[test]
fn documents_of_a_file_are_laid_over_each_other() {
    let text = "x-a: &a {A: 12345678901234567890123}\nservices: {a: {image: a, ports: [\"80:80\"]}}\n---\nservices: {a: {ports: !reset [], environment: *a}}\n---\nname: last\n";
    let files = folder(&[("compose.yaml", text)]);
    let done = config(files.path(), &["--format", "json", "--no-normalize"]).expect(0);
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(printed["name"], "last");
    let wanted = serde_json::json!({"command": null, "entrypoint": null, "environment": {"A": "1.2345678901234568e+22"}, "image": "a"});
    assert_eq!(printed["services"]["a"], wanted);
}

#[test]
fn what_is_wrong_with_an_extension_of_ours_is_told() {
    let unknown = "services: {a: {image: a, x-msvc: {contex: 1}}}\nx-msvc: {journey: []}\n";
    let calls = "services: {a: {image: a, x-msvc: {calls: [ordres]}}, orders: {image: o}}\n";
    for (text, told) in [
        (
            unknown,
            &["did you mean `context`?", "did you mean `journeys`?"][..],
        ),
        (
            calls,
            &[
                "compose.yaml:1:43: `x-msvc.calls` names the service `ordres`",
                "did you mean `orders`?",
            ],
        ),
    ] {
        let files = folder(&[("compose.yaml", text)]);
        for words in [&["-q"][..], &["--services"], &["--edges"]] {
            let done = config(files.path(), words).expect(4);
            for told in told {
                let times = done.stderr.matches(told).count();
                assert_eq!(times, 1, "{words:?}: {}", done.stderr);
            }
        }
        config(files.path(), &["--no-msvc"]).expect(0);
    }
}

#[test]
fn nothing_is_printed_of_names_that_there_are_none_of() {
    let one = folder(&[("compose.yaml", "services: {a: {image: a}}\n")]);
    for words in ["--volumes", "--profiles", "--models"] {
        assert_eq!(config(one.path(), &[words]).expect(0).stdout, "", "{words}");
    }
}

#[test]
fn a_project_directory_that_is_a_file_stands_for_the_folder_it_is_in() {
    let include = "include: [{path: a.yaml, project_directory: far/f}]\n";
    let included = "services: {a: {image: \"a$A\", build: .}}\n";
    let folder = folder(&[("compose.yaml", include), ("a.yaml", included)]);
    std::fs::create_dir(folder.path().join("far")).unwrap();
    for (name, text) in [("far/f", ""), ("far/.env", "A=settings")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let printed = config(folder.path(), &[]).expect(0).stdout;
    let context = format!("context: {}/far\n", folder.path().display());
    assert!(printed.contains(&context), "{printed}");
    // Docker Compose looks for settings below the file, where there are none.
    assert!(printed.contains("image: a\n"), "{printed}");
}

#[test]
fn a_folder_is_called_as_people_came_to_it() {
    let root = folder(&[]);
    let root = root.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("release-1/deep")).unwrap();
    let compose = "services: {a: {image: a, build: ./d}}\n";
    std::fs::write(root.join("release-1/compose.yaml"), compose).unwrap();
    std::os::unix::fs::symlink("release-1", root.join("current")).unwrap();
    let named = |from: &str, known: &str, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(words)
            .arg("config")
            .current_dir(root.join(from));
        command.env_clear().env("HOME", "/HOME").env("PWD", known);
        let printed = finish(command)
            .expect(0)
            .stdout
            .replace(root.to_str().unwrap(), "");
        let of = |key: &str| {
            let mut lines = printed.lines().map(str::trim);
            lines
                .find_map(|line| line.strip_prefix(key))
                .unwrap_or("")
                .to_owned()
        };
        (of("name: "), of("context: "))
    };
    let whole = |name: &str| root.join(name).display().to_string();
    let (linked, real) = (
        ("current".to_owned(), "/current/d".to_owned()),
        ("release-1".to_owned(), "/release-1/d".to_owned()),
    );
    assert_eq!(named("current", &whole("current"), &[]), linked);
    assert_eq!(named("current/deep", &whole("current/deep"), &[]), linked);
    assert_eq!(named(".", &whole(""), &["-C", "current"]), linked);
    assert_eq!(
        named(".", &whole(""), &["-f", "current/compose.yaml"]),
        linked
    );
    assert_eq!(
        named(".", &whole(""), &["--project-directory", "current"]),
        linked
    );
    // What `PWD` says may be of another time.
    assert_eq!(named("current", &whole(""), &[]), real);
    assert_eq!(named("current", "current", &[]), real);
    for above in ["..", "../.", "../../release-1"] {
        let words = ["-f", "../compose.yaml", "--project-directory", above];
        assert_eq!(named("release-1/deep", "", &words), real, "{above}");
    }
}

#[test]
fn a_file_that_is_laid_over_another_may_include_it() {
    let folder = folder(&[
        ("compose.yaml", "name: l\nservices: {a: {image: a}}\n"),
        ("compose.override.yaml", "include: [compose.yaml]\n"),
    ]);
    config(folder.path(), &["-q"]).expect(0);
    std::fs::write(
        folder.path().join("compose.yaml"),
        "include: [compose.yaml]\n",
    )
    .unwrap();
    let told = config(folder.path(), &["-q"]).expect(4).stderr;
    assert!(
        told.contains("in a circle: compose.yaml -> compose.yaml"),
        "{told}"
    );
}

#[test]
fn paths_of_included_files_stay_relative_where_none_is_resolved() {
    let files = folder(&[("compose.yaml", "include: [sub/compose.yaml]\n")]);
    std::fs::create_dir(files.path().join("sub")).unwrap();
    let text = "services: {a: {build: ./dir, volumes: [\"./d:/d\"]}}\n";
    std::fs::write(files.path().join("sub/compose.yaml"), text).unwrap();
    let words = ["--no-path-resolution", "--format", "json"];
    let printed = config(files.path(), &words).expect(0).json();
    let a = &printed["services"]["a"];
    assert_eq!(a["build"]["context"], "sub/dir");
    assert_eq!(a["volumes"][0]["source"], "sub/d");
}

#[test]
fn the_schema_is_the_published_one() {
    let published = root().join("docs/reference/compose.schema.json");
    let empty = folder(&[]);
    let done = config(empty.path(), &["--schema"]).expect(0);
    assert_eq!(done.stdout, std::fs::read_to_string(published).unwrap());
}
