//! `msvc new`, as a user meets it: what it writes, what it refuses, and that what it made builds,
//! passes its own tests, boots, keeps its contract and can be broken on purpose.
//!
//! The generated services are built into one folder below the target folder, which stays from run
//! to run: the first run compiles their dependencies, some hundred crates, twice over (once to
//! check, once to run); later runs take seconds.

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

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use support::{Finished, finish, http, root};

/// A folder to make services in.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    /// An empty git repository.
    fn repository() -> Self {
        let ground = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        ground.git(&["init", "-q"]);
        ground
    }

    /// The same with files in it.
    fn with(files: &[(&str, &str)]) -> Self {
        let ground = Self::repository();
        for (path, text) in files {
            let path = ground.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        ground
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    fn read(&self, path: &str) -> String {
        support::read(&self.path(path))
    }

    /// `msvc` in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("COMPOSE_FILE")
            .stdin(Stdio::null());
        building(&mut command);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    /// `msvc new NAME --template rust-axum` with more arguments.
    #[track_caller]
    fn new_service(&self, name: &str, more: &[&str]) -> Finished {
        let mut arguments = vec!["new", name, "--template", "rust-axum"];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// The same refused: with this code, with these words, and with nothing written.
    #[track_caller]
    fn refuses(&self, name: &str, more: &[&str], code: i32, words: &[&str]) {
        let before = self.everything();
        let refused = self.new_service(name, more).expect(code);
        for word in words {
            assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
        }
        assert_eq!(refused.stdout, "");
        assert_eq!(self.everything(), before, "{name} {more:?}");
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@t",
                "-c",
                "core.autocrlf=false",
            ])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every file, folder and link, with what is in it.
    fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(self.folder.path(), &mut found);
        found
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if entry.file_name() == ".git" {
            continue;
        } else if kind.is_dir() {
            collect(&path, found);
            found.insert(path, Vec::new());
        } else if kind.is_symlink() {
            found.insert(path, b"a link".to_vec());
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
}

/// Builds of generated services: into one folder, without what only a debugger needs.
fn building(command: &mut Command) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffold");
    command
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
    for (name, _) in std::env::vars_os() {
        let outer = name.to_str().is_some_and(|name| {
            name == "CARGO"
                || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                    .iter()
                    .any(|p| name.starts_with(p))
        });
        if outer {
            command.env_remove(name);
        }
    }
}

#[track_caller]
fn cargo(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(folder);
    building(&mut command);
    // Not by `finish`: a cold build takes longer than any other test waits for anything.
    let output = command.stdin(Stdio::null()).output().unwrap();
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const SMALL: &str = "\
# The whole system.
services:
  # It was here first.
  elder:
    image: x # as it is
    ports: [\"8080:80\"]

# The end.
";

#[test]
fn a_new_service_passes_its_own_checks_and_writes_the_very_pact_it_came_with() {
    let ground = Ground::repository();
    ground
        .new_service("stock-take", &["--set", "owner=warehouse"])
        .expect(0);
    ground.git(&["add", "-A"]);
    ground.git(&["commit", "-qm", "new"]);
    let service = ground.path("services/stock-take");
    cargo(&service, &["fmt", "--all", "--check"]).expect(0);
    cargo(
        &service,
        &[
            "clippy",
            "--locked",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )
    .expect(0);
    let tested = cargo(&service, &["test", "--locked"]).expect(0);
    for test in [
        "items_outlive_the_process",
        "the_service_answers_as_this_client_relies_on",
    ] {
        assert!(
            tested.stdout.contains(&format!("{test} ... ok")),
            "{}",
            tested.stdout
        );
    }
    // Neither the lock file nor the pact became another.
    assert_eq!(ground.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_new_service_boots_answers_keeps_its_contract_and_feels_a_fault() {
    let ground = Ground::repository();
    let made = ground.new_service("inventory", &[]).expect(0);
    assert!(
        made.stderr.contains("there was no Compose file"),
        "{}",
        made.stderr
    );
    let project = format!("new-{}", std::process::id());
    let system = Booted {
        ground: &ground,
        project: &project,
    };
    system.run(&["up", "-d"]).expect(0);
    let ps = system.run(&["ps", "--format", "json"]).expect(0).json();
    let url = ps["instances"][0]["urls"][0].as_str().unwrap().to_owned();
    let lamp = json!({"name": "Lamp", "quantity": 3});
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", trace)];
    let put = http("PUT", &format!("{url}/items/lamp"), &headers, Some(lamp));
    assert_eq!(
        put,
        (201, json!({"id": "lamp", "name": "Lamp", "quantity": 3}))
    );
    assert_eq!(http("GET", &format!("{url}/items/lamp"), &[], None).0, 200);
    assert_eq!(
        http("POST", &format!("{url}/_pact/states"), &[], Some(json!({}))).0,
        404
    );
    let logs = system.run(&["logs", "inventory"]).expect(0).stdout;
    let line = logs
        .lines()
        .find(|line| line.contains("/items/lamp"))
        .unwrap();
    assert!(line.contains("0af7651916cd43dd8448eb211c80319c"), "{line}");

    let verified = system
        .run(&["contract", "verify", "--format", "json"])
        .expect(0)
        .json();
    let cases = verified["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    assert!(
        cases.iter().all(|case| case["verdict"] == "held"),
        "{verified:#}"
    );

    let began = std::time::Instant::now();
    let items = format!("{url}/items");
    let edge = "@client->inventory";
    let script = format!("import urllib.request; urllib.request.urlopen('{items}').read()");
    let mut inject = vec!["chaos", "inject", "latency", "--edge", edge];
    inject.extend(["--delay", "300ms", "--", "python3", "-c", &script]);
    system.run(&inject).expect(0);
    assert!(began.elapsed() >= std::time::Duration::from_millis(300));
}

/// A system in a ground, taken down however the test ends.
struct Booted<'g> {
    ground: &'g Ground,
    project: &'g str,
}

impl Booted<'_> {
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Finished {
        let mut all = vec!["-p", self.project];
        all.extend(arguments);
        self.ground.run(&all)
    }
}

impl Drop for Booted<'_> {
    fn drop(&mut self) {
        let _ = self
            .ground
            .command(&["-p", self.project, "down", "--volumes"])
            .output();
    }
}

#[test]
fn the_compose_file_keeps_its_comments_and_gets_the_service_at_a_port_that_is_free() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    ground.new_service("younger", &[]).expect(0);
    let after = ground.read("compose.yaml");
    let (head, tail) = SMALL.split_once("\n# The end.\n").unwrap();
    assert!(after.starts_with(head), "{after}");
    assert!(
        after.contains("\n# The end.\n") && tail.is_empty(),
        "{after}"
    );
    assert!(
        after.contains("  younger:\n    build: ./services/younger\n"),
        "{after}"
    );
    assert!(!after.contains("\"8080:8080\""), "{after}");
    // It can be done again, and every name of it is known then.
    ground.refuses("younger", &[], 2, &["`younger` is taken"]);
    ground.refuses("elder", &[], 2, &["`elder` is taken"]);
    ground.new_service("youngest", &[]).expect(0);
    let resolved = ground.read("compose.yaml");
    let ports: Vec<&str> = resolved
        .lines()
        .filter(|line| line.contains(":8080\"]"))
        .collect();
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn the_shops_file_takes_a_service_and_loses_no_line() {
    let shop = std::fs::read_to_string(root().join("sample-system/compose.yaml")).unwrap();
    let ground = Ground::with(&[("sample/compose.yaml", &shop)]);
    let made = ground.run(&[
        "-C",
        "sample",
        "new",
        "stock",
        "--template",
        "rust-axum",
        "--format",
        "json",
    ]);
    let made = made.expect(0).json();
    assert_eq!(made["compose"]["file"], "sample/compose.yaml");
    assert_eq!(made["folder"], "sample/services/stock");
    // The shop names the folder of its contracts itself.
    assert_eq!(made["contracts"], "contracts/pacts");
    let diff = made["compose"]["diff"].as_str().unwrap();
    assert!(
        diff.lines().skip(2).all(|line| !line.starts_with('-')),
        "{diff}"
    );
    let after = ground.read("sample/compose.yaml");
    let kept: Vec<&str> = after
        .lines()
        .filter(|line| shop.lines().any(|l| l == *line))
        .collect();
    assert!(shop.lines().all(|line| kept.contains(&line)));
    assert!(after.find("  stock:").unwrap() < after.find("\nvolumes:").unwrap());
    assert!(
        ground
            .path("contracts/pacts/stock-client-stock.json")
            .exists()
    );
    let consumer = ground.read("sample/services/stock/client/tests/consumer.rs");
    assert!(
        consumer.contains("\"../../../../contracts/pacts\""),
        "{consumer}"
    );
}

#[test]
fn a_dry_run_shows_everything_and_writes_nothing() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    let before = ground.everything();
    let shown = ground.new_service("younger", &["--dry-run"]).expect(0);
    assert!(
        shown.stdout.contains("services/younger/\n"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("  src/main.rs\n"), "{}", shown.stdout);
    assert!(shown.stdout.contains("+  younger:\n"), "{}", shown.stdout);
    assert!(shown.stderr.contains("nothing was written"));
    assert_eq!(ground.everything(), before);
    let json = ground
        .new_service("younger", &["--dry-run", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["schema"], "msvc.new/1");
    assert_eq!(json["written"], false);
    assert_eq!(ground.everything(), before);
}

#[test]
fn a_service_alone_touches_nothing_around_it() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    ground.new_service("younger", &["--alone"]).expect(0);
    assert_eq!(ground.read("compose.yaml"), SMALL);
    assert!(
        ground
            .path("younger/contracts/pacts/younger-client-younger.json")
            .exists()
    );
    assert!(!ground.path("services").exists() && !ground.path("contracts").exists());
    ground.refuses(
        "other",
        &["--alone", "--set", "port=8080"],
        2,
        &["no `port`"],
    );
}

#[test]
fn the_list_names_templates_and_what_they_ask() {
    let ground = Ground::repository();
    let listed = ground.run(&["new", "--list"]).expect(0).stdout;
    for word in ["rust-axum", "owner", "port", "folder"] {
        assert!(listed.contains(word), "{listed}");
    }
    let json = ground
        .run(&["new", "--list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["templates"][0]["name"], "rust-axum");
}

#[test]
fn a_name_that_is_good_for_nothing_else_is_refused() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    for name in [
        "Inventory",
        "1st",
        "a_b",
        "a.b",
        "a/b",
        "../x",
        "a b",
        "ä",
        "é",
        "日本",
        "a--b",
        "a-",
        "",
        "test",
        "core",
        "std",
        "fn",
        "async",
        "con",
        "com1",
        "localhost",
        "build",
        "axum",
        "serde",
        "tower-http",
        &"x".repeat(51),
    ] {
        ground.refuses(name, &[], 2, &[]);
    }
    ground.refuses("stock", &["--template", "rust-axum"], 2, &[]);
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    for (answer, word) in [
        ("port=0", "1 to 65535"),
        ("port=http", "1 to 65535"),
        ("port=8080", "another service"),
        ("folder=..", "`..`"),
        ("folder=/etc", "inside the system's"),
        ("prot=8085", "did you mean `port`"),
        ("description=two\nlines", "one line"),
        ("description=", "give something"),
    ] {
        ground.refuses("younger", &["--set", answer], 2, &[word]);
    }
    let refused = ground
        .run(&["new", "younger", "--template", "rust-axun"])
        .expect(2);
    assert!(
        refused.stderr.contains("did you mean `rust-axum`"),
        "{}",
        refused.stderr
    );
    ground.run(&["new", "younger"]).expect(2);
}

#[test]
fn a_name_that_somebody_else_answers_to_is_refused() {
    let ground = Ground::with(&[
        (
            "compose.yaml",
            "services:\n  a: {image: x, container_name: taken, profiles: [p]}\n  b: {image: x, hostname: held}\nvolumes:\n  kept-data:\n",
        ),
        ("Cargo.toml", "[workspace]\nmembers = [\"old/*\"]\n"),
        ("old/x/Cargo.toml", "[package]\nname = \"elder\"\n"),
        ("services/there/README.md", "mine"),
        ("contracts/pacts/pacted-client-pacted.json", "{}"),
    ]);
    ground.refuses("a", &[], 2, &["has a service `a`"]);
    ground.refuses("taken", &[], 2, &["container_name"]);
    ground.refuses("held", &[], 2, &["hostname"]);
    ground.refuses("elder", &[], 2, &["package `elder`"]);
    ground.refuses("there", &[], 2, &["exists already"]);
    ground.refuses("pacted", &[], 2, &["exists already"]);
    ground.refuses("kept", &[], 4, &["kept-data"]);
}

#[test]
fn a_file_that_cannot_be_read_or_changed_is_left_as_it_is() {
    for (text, word) in [
        ("services: [", "compose.yaml:1"),
        ("services:\n  a: {imagee: x}\n", "did you mean `image`"),
        ("x-all: &all\n  a: {image: x}\nservices: *all\n", "by hand"),
        (
            "x-v: &v {}\nservices:\n  a: {image: x}\nvolumes: *v\n",
            "by hand",
        ),
    ] {
        Ground::with(&[("compose.yaml", text)]).refuses("younger", &[], 4, &[word]);
    }
    let ground = Ground::repository();
    ground.refuses("younger", &["-f", "nowhere.yaml"], 4, &["nowhere.yaml"]);
    let broken = Ground::with(&[("Cargo.toml", "[workspace\n")]);
    broken.refuses("younger", &[], 4, &["Cargo.toml:1"]);
}

#[test]
fn files_in_other_styles_take_a_service_too() {
    for text in [
        "services: {elder: {image: x}}\n",
        "{\n  \"services\": {\n    \"elder\": {\"image\": \"x\"}\n  }\n}\n",
        "services:\r\n    elder:\r\n        image: x\r\n",
        "---\nservices:\n  elder:\n    image: x\n...\n",
        "name: t\nservices:\n  elder: &e\n    image: x\n  other: *e",
        "\u{feff}services:\n  elder:\n    image: x\t# tabs\n\n\n\n",
    ] {
        let ground = Ground::with(&[("compose.yaml", text)]);
        ground.new_service("younger", &[]).expect(0);
        let after = ground.read("compose.yaml");
        assert_eq!(after.contains("\r\n"), text.contains("\r\n"));
        // Whoever reads the system finds both; the first thing `up` does is to read it.
        let seen = ground.run(&["up", "--dry-run", "younger"]).expect(0);
        assert!(seen.stdout.contains("younger"), "{}", seen.stdout);
    }
}

#[test]
fn a_link_out_of_the_repository_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    std::os::unix::fs::symlink(outside.path(), ground.path("services")).unwrap();
    ground.refuses("younger", &[], 2, &["outside"]);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    std::os::unix::fs::symlink("nowhere", ground.path("dangling")).unwrap();
    ground.refuses("dangling", &["--set", "folder=."], 2, &["exists already"]);
    // A Compose file that is a link is changed where it is, and stays a link.
    let linked = Ground::with(&[("real/system.yaml", SMALL)]);
    std::os::unix::fs::symlink("real/system.yaml", linked.path("compose.yaml")).unwrap();
    linked.new_service("younger", &[]).expect(0);
    assert!(linked.path("compose.yaml").is_symlink());
    assert!(linked.read("real/system.yaml").contains("younger:"));
}

#[test]
fn where_nothing_can_be_written_nothing_is() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    let mut rights = std::fs::metadata(ground.path("compose.yaml"))
        .unwrap()
        .permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(ground.path("compose.yaml"), rights).unwrap();
    ground.refuses("younger", &[], 3, &["compose.yaml", "read-only"]);
    // Not even root makes a folder there.
    let refused = ground.run(&[
        "-C",
        "/proc",
        "new",
        "younger",
        "--template",
        "rust-axum",
        "--alone",
    ]);
    assert!(refused.expect(3).stderr.contains("cannot write"));
}

#[test]
fn a_cargo_workspace_that_names_the_folder_takes_the_service_and_another_does_not() {
    let member = Ground::with(&[(
        "Cargo.toml",
        "[workspace]\nmembers = [\"services/*\"]\nresolver = \"3\"\n",
    )]);
    member.new_service("younger", &[]).expect(0);
    let manifest = member.read("services/younger/Cargo.toml");
    assert!(!manifest.contains("[workspace]"), "{manifest}");
    assert!(!member.path("services/younger/Cargo.lock").exists());
    let alone = Ground::with(&[(
        "Cargo.toml",
        "[workspace]\nmembers = [\"apps/*\"]\nresolver = \"3\"\n",
    )]);
    alone.new_service("younger", &[]).expect(0);
    assert!(
        alone
            .read("services/younger/Cargo.toml")
            .contains("[workspace]")
    );
    for (ground, root) in [(&member, ""), (&alone, "services/younger")] {
        let known = cargo(
            &ground.path("services/younger"),
            &["metadata", "--no-deps", "--format-version", "1"],
        );
        let known = known.expect(0).json();
        assert_eq!(
            known["workspace_root"],
            ground.path(root).to_str().unwrap().trim_end_matches('/')
        );
        assert_eq!(known["packages"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn paths_with_blanks_and_folders_below_the_system_are_no_obstacle() {
    let ground = Ground::with(&[
        ("my system/compose.yaml", SMALL),
        ("my system/deep/er/x", ""),
    ]);
    let made = ground.run(&[
        "-C",
        "my system/deep/er",
        "new",
        "younger",
        "--template",
        "rust-axum",
        "--set",
        "folder=a $b/c",
        "--format",
        "json",
    ]);
    assert_eq!(made.expect(0).json()["folder"], "my system/a $b/c/younger");
    let after = ground.read("my system/compose.yaml");
    assert!(after.contains("build: \"./a $$b/c/younger\""), "{after}");
    let plan = ground
        .run(&["-C", "my system", "up", "--dry-run", "younger"])
        .expect(0);
    assert!(plan.stdout.contains("a $b/c/younger"), "{}", plan.stdout);
}

#[test]
fn a_compose_file_above_the_repository_is_not_this_ones() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join("compose.yaml"), SMALL).unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir_all(inner.join(".git")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command
        .args(["new", "younger", "--template", "rust-axum"])
        .current_dir(&inner);
    finish(command).expect(0);
    assert_eq!(support::read(&outer.path().join("compose.yaml")), SMALL);
    assert!(inner.join("compose.yaml").exists());
}

#[test]
fn on_a_terminal_it_asks_until_the_answer_fits() {
    let ground = Ground::repository();
    let msvc = env!("CARGO_BIN_EXE_msvc");
    let asked = |answers: &str, more: &str| {
        let line = format!("{msvc} new younger --template rust-axum --set context=c {more}");
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .current_dir(ground.folder.path());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    // The end of the input before the last answer: nobody is there.
    let (code, said) = asked("\nwarehouse\n\u{4}", "");
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(ground.everything().len(), 0);
    let (code, said) = asked("Counts \"things\"\nwarehouse\n..\napps\n70000\n8765\n", "");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("Which team owns it?") && !said.contains("bounded context"),
        "{said}"
    );
    assert!(said.contains("1 to 65535"), "{said}");
    let compose = ground.read("compose.yaml");
    assert!(
        compose.contains("owner: warehouse") && compose.contains("8765:8080"),
        "{compose}"
    );
    assert!(
        ground
            .read("apps/younger/README.md")
            .contains("Counts \"things\"")
    );
}

/// Packages of a lock file that have a source: name and version with checksum.
fn locked(lock: &str) -> Vec<(String, String)> {
    let field = |package: &str, name: &str| {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    lock.split("[[package]]\n")
        .filter(|package| package.contains("\nsource = "))
        .map(|package| {
            let exact = format!(
                "{} {}",
                field(package, "version"),
                field(package, "checksum")
            );
            (field(package, "name"), exact)
        })
        .collect()
}

#[test]
fn the_template_locks_the_versions_that_this_workspace_locks() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let ours = locked(&read("Cargo.lock"));
    let theirs = locked(&read("templates/rust-axum/files/Cargo.lock.jinja"));
    assert!(theirs.len() > 100);
    let strangers: Vec<_> = theirs
        .iter()
        .filter(|package| !ours.contains(package))
        .collect();
    assert!(
        strangers.is_empty(),
        "copy Cargo.lock into a new service, let cargo prune it, and take it back: {strangers:#?}"
    );
}
