//! What `new` makes: a service that passes its own checks, boots, keeps its contract and can be
//! broken on purpose; and the ways to ask for it.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::ground::{Ground, SMALL, cargo, turn_to_build};
use crate::support::{self, Finished, http, root};

#[test]
fn a_new_service_passes_its_own_checks_and_writes_the_very_pact_it_came_with() {
    let ground = Ground::repository();
    ground
        .new_service("stock-take", &["--set", "owner=warehouse"])
        .expect(0);
    ground.git(&["add", "-A"]);
    ground.git(&["commit", "-qm", "new"]);
    let service = ground.path("services/stock-take");
    let _turn = turn_to_build();
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
    // An editor finds the schema that the first line names.
    let first = ground
        .read("compose.yaml")
        .lines()
        .next()
        .map(str::to_owned);
    assert_eq!(
        first.as_deref(),
        Some("# yaml-language-server: $schema=compose.schema.json")
    );
    assert_eq!(
        ground.read("compose.schema.json"),
        support::read(&root().join("docs/reference/compose.schema.json"))
    );
    let project = format!("new-{}", std::process::id());
    let system = Booted {
        ground: &ground,
        project: &project,
    };
    let turn = turn_to_build();
    // What `up` does too, but it may take as long as it takes.
    cargo(&ground.path("services/inventory"), &["build", "--locked"]).expect(0);
    system.run(&["up", "-d"]).expect(0);
    drop(turn);
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
    // The end of the input, or Ctrl-C, before the last answer: nobody is there any more.
    for end in ["\u{4}", "\u{3}"] {
        let (code, said) = asked(&format!("\nwarehouse\n{end}"), "");
        assert_eq!(code, Some(130), "{said}");
        assert_eq!(ground.everything().len(), 0);
    }
    std::fs::write(ground.path("compose.yaml"), SMALL).unwrap();
    let answers = "Counts \"things\"\nwarehouse\n..\napps\n70000\n8080\n8765\n";
    let (code, said) = asked(answers, "");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("another service"), "{said}");
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
