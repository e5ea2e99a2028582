//! Images as Dockerfiles say.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::docker::EngineError;
use msvc_runtime::docker::image::BuildFrom;
use msvc_runtime::up::UpError;

use crate::roles;
use crate::support::{server, with_project};

#[tokio::test(flavor = "multi_thread")]
async fn a_dockerfile_is_built_with_its_arguments_target_and_ignore_file() {
    with_project(|project| async move {
        let program = roles::program();
        std::fs::copy(std::env::current_exe().unwrap(), project.root().join("program")).unwrap();
        project.write("kept", "kept");
        project.write("left-out", "x");
        project.write(".dockerignore", "left-*\ncompose.yaml\n");
        let dockerfile = format!(
            "ARG WHERE\nFROM scratch AS base\nCOPY program /{program}\nENV PATH=/\nFROM base AS wanted\nARG WHERE\nCOPY . $WHERE\nFROM base\nCOPY nothing /\n"
        );
        project.write("Dockerfile", &dockerfile);
        let compose = format!("services:\n  web: {{{}}}\n", server(""))
            .replace("build: .", "build: {context: ., target: wanted, args: {WHERE: /here/}}");
        project.up_from(&compose, BuildFrom::Dockerfile).await.unwrap();
        assert_eq!(project.run_in("web", "read /here/kept").await.status, Some(0));
        assert_ne!(project.run_in("web", "read /here/left-out").await.status, Some(0));
        let again = project.up_from(&compose, BuildFrom::Dockerfile).await.unwrap();
        assert!(!again.changed, "{}", again.plan);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_shows_its_words_and_ends_with_1() {
    with_project(|project| async move {
        project.write("Dockerfile", "FROM scratch\nCOPY nothing /\n");
        let compose = "services:\n  web: {build: .}\n";
        let failed = project
            .up_from(compose, BuildFrom::Dockerfile)
            .await
            .unwrap_err();
        assert_eq!(failed.exit(), Exit::Failed);
        let UpError::Runtime(RuntimeError::Engine(EngineError::Build { message, .. })) = failed
        else {
            panic!("{failed:?}");
        };
        assert!(
            message.contains("COPY nothing") && message.contains("nothing:"),
            "{message}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_somebody_removes_before_it_is_used_is_made_once_more() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  first: {{{}}}\n  second: {{{}, depends_on: {{first: {{condition: service_healthy}}}}}}\n",
            server(""),
            server(""),
        );
        let removed = AtomicBool::new(false);
        let second = format!("{}-second", project.name);
        let remove = |event: Event| {
            let begun = matches!(event, Event::InstanceStarted { .. });
            if begun && !removed.swap(true, Ordering::Relaxed) {
                let names = ["images", "--format", "{{.Repository}}:{{.Tag}}", &second];
                let names = Command::new("docker").args(names).output().unwrap().stdout;
                for name in String::from_utf8(names).unwrap().lines() {
                    let gone = Command::new("docker").args(["rmi", "--force", name]).output();
                    assert!(gone.unwrap().status.success(), "{name}");
                }
            }
        };
        project.up_told(&compose, BuildFrom::Host, &remove).await.unwrap();
        assert!(removed.load(Ordering::Relaxed));
        assert!(project.reaches("second", "first:8080").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_two_projects_pack_under_one_name_makes_nothing_of_either_anew() {
    with_project(|first| async move {
        let image = format!("{}-shared", first.name);
        let compose = format!("services:\n  web: {{{}, image: {image}}}\n", server(""));
        first.up(&compose).await.unwrap();
        let packed = |of: &str| {
            let mut list = Command::new("docker");
            list.args(["images", "--no-trunc", "--format", of, &image]);
            String::from_utf8(list.output().unwrap().stdout).unwrap()
        };
        let before = packed("{{.ID}}");
        let name = packed("{{.Repository}}:{{.Tag}}");
        let unname = || {
            let mut unname = Command::new("docker");
            unname.args(["rmi", "--force", name.trim()]);
            assert!(unname.output().unwrap().status.success());
        };
        // As if both had found none: the other one's pack, which says whose it is, has the name.
        unname();
        with_project(|other| async move {
            other.up(&compose).await.unwrap();
            assert_ne!(packed("{{.ID}}"), before);
            let again = first.up(&compose).await.unwrap();
            unname();
            assert!(!again.changed, "{}", again.plan);
        })
        .await;
    })
    .await;
}
