//! Build plans from what is asked and what cargo says, and real builds of a small workspace.

use std::sync::Mutex;

use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_system::model::{BuildCommand, ProcessBuild, Service};
use serde_json::json;

use super::metadata::Workspace;
use super::*;
use crate::lane::tests::{service, system};

fn workspace(root: &str, packages: &[(&str, &[&str])], default_members: &[&str]) -> Workspace {
    let packages: Vec<_> = packages
        .iter()
        .map(|(name, bins)| {
            let targets: Vec<_> = bins
                .iter()
                .map(|bin| json!({"name": bin, "kind": ["bin"]}))
                .chain([json!({"name": name, "kind": ["lib"]})])
                .collect();
            json!({
                "id": name, "name": name, "default_run": null, "targets": targets,
                "manifest_path": format!("{root}/{name}/Cargo.toml"),
            })
        })
        .collect();
    serde_json::from_value(json!({
        "workspace_root": root, "packages": packages,
        "workspace_default_members": default_members,
    }))
    .unwrap()
}

fn chosen(system: &System, workspaces: &[Workspace]) -> Result<String, String> {
    let services = system.services.keys().cloned().collect();
    let asked = context::asked(system, &services).map_err(|p| Problems(p).to_string())?;
    choose::choose(asked, workspaces)
        .map(|plan| plan.to_string())
        .map_err(|problems| problems.to_string())
}

fn built_by(name: &str, build: ProcessBuild) -> Service {
    let mut service = service(name);
    service.x_msvc.process.build = Some(build);
    service
}

fn by_command(words: &[&str]) -> ProcessBuild {
    ProcessBuild::Command(BuildCommand {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        ..BuildCommand::default()
    })
}

#[test]
fn each_workspace_is_built_once_from_its_root_and_no_package_is_named() {
    let system = system(vec![service("orders"), service("gateway"), service("web")]);
    let here = workspace(
        "/project",
        &[("orders", &["orders"]), ("gateway", &["gateway"])],
        &["orders", "gateway"],
    );
    let there = workspace("/project", &[], &[]);
    assert_eq!(
        chosen(&system, &[there, here]).unwrap(),
        "in /project: cargo build --bin gateway --bin orders\n"
    );
}

#[test]
fn binaries_outside_the_default_members_need_the_whole_workspace() {
    let system = system(vec![service("orders")]);
    let there = workspace(
        "/project",
        &[("orders", &["orders"]), ("x", &["x"])],
        &["x"],
    );
    assert_eq!(
        chosen(&system, &[there]).unwrap(),
        "in /project: cargo build --workspace --bin orders\n"
    );
}

#[test]
fn the_binary_is_the_one_of_the_services_name_else_the_only_one() {
    let of = |bins: &[&str]| {
        let there = workspace("/project", &[("orders", bins)], &["orders"]);
        chosen(&system(vec![service("orders")]), &[there])
    };
    assert!(of(&["a", "orders"]).unwrap().contains("--bin orders"));
    assert!(of(&["a"]).unwrap().contains("--bin a"));
    assert_eq!(of(&[]).unwrap(), "nothing to build\n");
    let told = of(&["a", "b"]).unwrap_err();
    assert!(
        told.starts_with("compose.yaml:4:5: which binary") && told.contains("a, b"),
        "{told}"
    );
}

#[test]
fn what_is_asked_for_and_not_there_is_told_by_name_and_line() {
    let there = workspace(
        "/project",
        &[("orders", &["orders", "worker"])],
        &["orders"],
    );
    let asked = |bin: &str| ProcessBuild::Cargo {
        bin: Some(bin.into()),
    };
    let one = |service: Service| chosen(&system(vec![service]), std::slice::from_ref(&there));
    assert!(
        one(built_by("orders", asked("worker")))
            .unwrap()
            .contains("--bin worker")
    );
    let told = one(built_by("orders", asked("wroker"))).unwrap_err();
    assert!(told.contains("did you mean `worker`?"), "{told}");
    let told = one(built_by("web", ProcessBuild::Cargo { bin: None })).unwrap_err();
    assert!(
        told.contains("there is no package in /project/web"),
        "{told}"
    );
    assert_eq!(
        one(built_by("orders", ProcessBuild::Nothing)).unwrap(),
        "nothing to build\n"
    );
    let make = built_by("orders", by_command(&["make", "-s"]));
    assert_eq!(
        one(make).unwrap(),
        "in /project/orders: make -s  (orders)\n"
    );
    let mut image = built_by("orders", ProcessBuild::Cargo { bin: None });
    image.build = None;
    assert!(one(image).unwrap_err().contains("no build context"));
}

#[test]
fn two_packages_with_one_binary_name_are_told() {
    let there = workspace(
        "/project",
        &[("orders", &["app"]), ("web", &["app"])],
        &["orders", "web"],
    );
    let told = chosen(&system(vec![service("orders")]), &[there]).unwrap_err();
    assert!(
        told.contains("`app` of orders is also one of web"),
        "{told}"
    );
}

/// A workspace without dependencies, in a folder of its own.
fn project(main: &str) -> (tempfile::TempDir, System) {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("orders");
    std::fs::create_dir_all(package.join("src")).unwrap();
    std::fs::write(
        folder.path().join("Cargo.toml"),
        "[workspace]\nmembers = [\"orders\"]\nresolver = \"3\"\n",
    )
    .unwrap();
    let manifest = "[package]\nname = \"orders\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(package.join("src/main.rs"), main).unwrap();
    let mut orders = service("orders");
    orders.build.as_mut().unwrap().context = package;
    (folder, system(vec![orders]))
}

async fn build_all(system: &System) -> (Result<BuildOutcome, BuildError>, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let sink = |event| events.lock().unwrap().push(event);
    let services = system.services.keys().cloned().collect();
    // The test itself runs under an outer cargo, with all its variables.
    let caller = std::env::vars().collect();
    let request = BuildRequest {
        system,
        services: &services,
        caller: &caller,
        directory: Path::new("/"),
        mark: None,
    };
    let shutdown = Shutdown::new();
    let plan = plan(&request, &shutdown).await.unwrap();
    let outcome = build(&plan, &request, &MachineClock, &sink, &shutdown).await;
    (outcome, events.into_inner().unwrap())
}

#[tokio::test]
async fn a_build_tells_where_the_binary_is_and_the_second_compiles_nothing() {
    let (_folder, system) = project("fn main() {}");
    let (first, events) = build_all(&system).await;
    let first = first.unwrap();
    assert!(first.changed);
    let progress = |event: &Event| matches!(event, Event::BuildProgress { line } if line.starts_with("Compiling orders"));
    assert!(events.iter().any(progress), "{events:?}");
    let orders = first.services.values().next().unwrap();
    assert!(orders.folder.as_ref().unwrap().join("orders").is_file());
    assert_eq!(orders.program.as_deref(), Some("orders"));
    let (second, events) = build_all(&system).await;
    let second = second.unwrap();
    assert!(!second.changed);
    assert_eq!(second.services, first.services);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::BuildEnded { changed: false, .. }))
    );
}

#[tokio::test]
async fn a_build_that_fails_shows_its_own_message() {
    let (_folder, system) = project("fn main() { let x: u8 = \"text\"; }");
    let error = build_all(&system).await.0.unwrap_err();
    assert_eq!(error.exit(), Exit::Failed);
    let text = error.to_string();
    assert!(
        text.starts_with("the build of orders failed\nerror[E0308]: mismatched types"),
        "{text}"
    );
    assert!(text.contains("orders/src/main.rs:1:25"), "{text}");
    assert!(!text.contains("Compiling"), "{text}");
}

#[tokio::test]
async fn a_command_builds_in_the_context_and_its_file_changes_the_fingerprint() {
    let (_folder, mut system) = project("");
    let orders = system.services.values_mut().next().unwrap();
    let context = orders.build.as_ref().unwrap().context.clone();
    orders.command = Some(vec!["./serve".into()]);
    let script = "echo making; echo made >> serve; test ! -e broken";
    let command = ["/bin/sh", "-c", script];
    orders.x_msvc.process.build = Some(by_command(&command));
    let first = build_all(&system).await.0.unwrap();
    assert!(context.join("serve").is_file());
    let second = build_all(&system).await.0.unwrap();
    let fingerprint = |outcome: &BuildOutcome| {
        outcome
            .services
            .values()
            .next()
            .unwrap()
            .fingerprint
            .clone()
    };
    assert_ne!(fingerprint(&first), fingerprint(&second));
    std::fs::write(context.join("broken"), "").unwrap();
    let error = build_all(&system).await.0.unwrap_err();
    assert_eq!(error.to_string(), "the build of orders failed\nmaking");
}

#[tokio::test]
async fn what_a_command_leaves_leads_the_path_and_its_code_3_says_that_the_machine_lacks_something()
{
    let (_folder, mut system) = project("");
    let orders = system.services.values_mut().next().unwrap();
    let context = orders.build.as_ref().unwrap().context.clone();
    orders.command = Some(vec!["serve".into()]);
    let script = "mkdir -p out; echo made >> out/serve; test ! -e broken || exit 3";
    let mut build = by_command(&["/bin/sh", "-c", script]);
    if let ProcessBuild::Command(build) = &mut build {
        build.path = Some("out".into());
    }
    orders.x_msvc.process.build = Some(build);
    let first = build_all(&system).await.0.unwrap();
    let second = build_all(&system).await.0.unwrap();
    let of = |outcome: &BuildOutcome| outcome.services.values().next().unwrap().clone();
    assert_eq!(of(&first).folder, Some(context.join("out")));
    assert!(of(&first).fingerprint.is_some());
    assert_ne!(of(&first), of(&second));
    std::fs::write(context.join("broken"), "").unwrap();
    let error = build_all(&system).await.0.unwrap_err();
    assert!(matches!(error, BuildError::Lacking { .. }), "{error}");
    assert_eq!(error.exit(), Exit::CouldNot);
}

#[test]
fn a_dockerfile_needs_only_the_commands_whose_work_it_copies() {
    let mut copied = by_command(&["make"]);
    if let ProcessBuild::Command(build) = &mut copied {
        build.image = true;
    }
    let system = system(vec![
        built_by("a", copied),
        built_by("b", by_command(&["make", "-s"])),
        service("c"),
    ]);
    let services = system.services.keys().cloned().collect();
    let request = BuildRequest {
        system: &system,
        services: &services,
        caller: &BTreeMap::new(),
        directory: Path::new("/"),
        mark: None,
    };
    let plan = plan_for_dockerfiles(&request).unwrap();
    assert_eq!(plan.to_string(), "in /project/a: make  (a)\n");
}

#[tokio::test]
async fn a_broken_manifest_is_told_in_cargos_words() {
    let (folder, system) = project("");
    std::fs::write(folder.path().join("orders/Cargo.toml"), "[package\n").unwrap();
    let services = system.services.keys().cloned().collect();
    let caller = std::env::vars().collect();
    let request = BuildRequest {
        system: &system,
        services: &services,
        caller: &caller,
        directory: Path::new("/"),
        mark: None,
    };
    let error = plan(&request, &Shutdown::new()).await.unwrap_err();
    assert!(
        matches!(&error, BuildError::Failed { message, .. } if message.contains("Cargo.toml")),
        "{error}"
    );
    let nowhere = BTreeMap::new();
    let request = BuildRequest {
        caller: &nowhere,
        ..request
    };
    let error = plan(&request, &Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, BuildError::NoCargo { .. }), "{error}");
    assert_eq!(error.exit(), Exit::CouldNot);
}
