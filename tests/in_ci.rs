//! msvc in somebody else's pipeline: installed from a release, and every command of the page about
//! CI run in its order, with the installed binary alone, in a repository outside this checkout.

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
use std::process::{Command, Stdio};

use support::{Finished, finish, root};

const NAME: &str = "msvc-x86_64-linux";

/// A folder of releases that holds the binary the tests were built with.
fn releases(folder: &Path) -> PathBuf {
    let releases = folder.join("releases");
    for place in ["latest/download", "download/v0.1.0"] {
        let place = releases.join(place);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_msvc"), place.join(NAME)).unwrap();
        let mut sum = Command::new("sha256sum");
        sum.arg(NAME).current_dir(&place);
        let sum = finish(sum).expect(0).stdout;
        std::fs::write(place.join(format!("{NAME}.sha256")), sum).unwrap();
    }
    releases
}

/// Runs the action's script as a runner would.
fn install(folder: &Path, source: &Path, version: &str) -> Finished {
    let mut command = Command::new(root().join(".ci/install-release"));
    command
        .env("MSVC_SOURCE", source)
        .env("MSVC_VERSION", version)
        .env("RUNNER_TEMP", folder)
        .env("GITHUB_PATH", folder.join("path"));
    finish(command)
}

#[test]
fn what_the_installer_is_not_told_is_a_matter_of_usage() {
    for (given, missing) in [("MSVC_INTO", "MSVC_SOURCE"), ("MSVC_SOURCE", "MSVC_INTO")] {
        let mut command = Command::new(root().join(".ci/install-release"));
        for variable in ["MSVC_SOURCE", "MSVC_INTO", "RUNNER_TEMP"] {
            command.env_remove(variable);
        }
        let done = finish({
            command.env(given, "/nowhere");
            command
        })
        .expect(2);
        let said = format!("msvc: {missing} ");
        assert!(done.stderr.starts_with(&said), "{}", done.stderr);
    }
}

#[test]
fn a_release_is_installed_when_its_checksum_is_right_and_not_else() {
    let folder = tempfile::tempdir().unwrap();
    let releases = releases(folder.path());
    for version in ["latest", "0.1.0", "v0.1.0"] {
        let done = install(folder.path(), &releases, version).expect(0);
        assert_eq!(done.stdout, "msvc 0.1.0\n");
    }
    let installed = folder.path().join("msvc-bin");
    let path = support::read(&folder.path().join("path"));
    assert_eq!(
        path.lines().next().map(Path::new),
        Some(installed.as_path())
    );

    std::fs::remove_dir_all(&installed).unwrap();
    let missing = install(folder.path(), &releases, "9.9.9").expect(3);
    assert!(
        missing.stderr.contains("download/v9.9.9"),
        "{}",
        missing.stderr
    );
    install(folder.path(), &releases, "../../etc").expect(2);
    let tampered = releases.join("latest/download").join(NAME);
    std::fs::write(&tampered, "#!/bin/sh\necho mine\n").unwrap();
    let refused = install(folder.path(), &releases, "latest").expect(1);
    assert!(refused.stderr.contains("checksum"), "{}", refused.stderr);
    assert!(!installed.exists());
}

#[test]
fn the_action_runs_the_script_that_is_tested() {
    let action: serde_json::Value =
        serde_yaml::from_str(&support::read(&root().join("action.yml"))).unwrap();
    let step = &action["runs"]["steps"][0];
    assert_eq!(step["run"], "\"$GITHUB_ACTION_PATH/.ci/install-release\"");
    for name in ["MSVC_VERSION", "MSVC_SOURCE"] {
        assert!(step["env"][name].is_string(), "{name}");
    }
}

/// The commands of the page's code blocks in one language, each `run:` a command.
fn commands(page: &str) -> (Vec<String>, Vec<String>) {
    let block = |language: &str| {
        let begin = page.split(&format!("```{language}\n")).nth(1).unwrap();
        begin.split("```").next().unwrap().to_owned()
    };
    let workflow: serde_json::Value = serde_yaml::from_str(&block("yaml")).unwrap();
    let steps = workflow["jobs"]["system"]["steps"].as_array().unwrap();
    let runs = steps.iter().filter_map(|step| step["run"].as_str());
    let first = block("sh").lines().map(str::to_owned).collect();
    (first, runs.map(str::to_owned).collect())
}

#[test]
fn every_command_of_the_page_about_ci_holds_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), &releases(folder.path()), "latest").expect(0);
    let repository = folder.path().join("repository");
    std::fs::create_dir(&repository).unwrap();
    let page = support::read(&root().join("docs/how-to/ci.md"));
    let (first, steps) = commands(&page);
    let git = "git -c user.name=t -c user.email=t@example.org";
    // A port of its own: the page's 8080 may be somebody else's on this machine.
    let port = support::free_port();
    let mut lines = vec!["git init -q".to_owned()];
    lines.extend(first.iter().map(|line| format!("{line} --set port={port}")));
    lines.push(format!("git add -A && {git} commit -q -m 'Begin'"));
    // A cold build takes longer than any command waits.
    lines.push("cd services/inventory && cargo build --locked -q".to_owned());
    lines.extend(
        steps
            .iter()
            .map(|step| step.replace("8080", &port.to_string())),
    );
    for line in lines {
        let mut shell = Command::new("bash");
        shell.args(["-euc", &line]).current_dir(&repository);
        let path = std::env::var("PATH").unwrap();
        let installed = folder.path().join("msvc-bin");
        shell.env("PATH", format!("{}:{path}", installed.display()));
        // In containers the service would be built once more, linked statically.
        shell.env("MSVC_RUNTIME", "process");
        shell.env("NO_COLOR", "1").stdin(Stdio::null());
        support::building(&mut shell);
        let done = shell.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{line}\n{said}");
    }
    assert!(repository.join("out/contracts.xml").exists());
    assert!(repository.join("out/chaos/receipts.ndjson").exists());
}

#[test]
fn doctor_names_what_is_there_and_how_to_get_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bare = Command::new(env!("CARGO_BIN_EXE_msvc"));
    bare.args(["doctor", "--format", "json"]).env_clear();
    bare.env("PATH", folder.path());
    bare.env(
        "DOCKER_HOST",
        format!("unix://{}/none.sock", folder.path().display()),
    );
    let report = finish(bare).expect(0).json();
    let standing = |id: &str| {
        let cases = report["cases"].as_array().unwrap();
        let case = cases
            .iter()
            .find(|case| case["id"] == format!("doctor/{id}"));
        case.unwrap_or_else(|| panic!("no {id} in {report:#}"))
            .clone()
    };
    assert_eq!(standing("processes")["standing"], "there");
    assert_eq!(standing("engine")["standing"], "missing");
    assert_eq!(standing("cargo")["standing"], "missing");
    assert_eq!(standing("make")["next"], "install make");
    for (runtime, code, said) in [
        ("docker", 3, "MSVC_RUNTIME=docker, which is missing"),
        ("bogus", 2, "MSVC_RUNTIME is `bogus`, which is no runtime"),
        ("process", 0, "host processes, by MSVC_RUNTIME=process"),
    ] {
        let mut chosen = Command::new(env!("CARGO_BIN_EXE_msvc"));
        chosen.arg("doctor").env("MSVC_RUNTIME", runtime);
        let nowhere = format!("unix://{}/none.sock", folder.path().display());
        chosen.env("DOCKER_HOST", nowhere);
        let done = finish(chosen).expect(code).stdout;
        let plain = done.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains(said), "{done}");
        let can = done.ends_with("this machine can run systems\n");
        assert_eq!(can, code == 0, "{done}");
    }
    let mut here = Command::new(env!("CARGO_BIN_EXE_msvc"));
    here.arg("doctor");
    let said = finish(here).expect(0).stdout;
    assert!(said.contains("there    git: git version "), "{said}");
    assert!(said.ends_with("this machine can run systems\n"), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
}
