//! How a system in containers comes up, goes on and goes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;
use futures_util::StreamExt as _;
use msvc_report::event::Event;
use msvc_runtime::contract::{Runtime, RuntimeError};
use msvc_runtime::docker;
use msvc_runtime::observed::Phase;
use msvc_runtime::up::UpError;

use crate::roles;
use crate::support::{server, with_project};

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_up_when_healthy_and_a_second_up_changes_nothing() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  web: {{{}, depends_on: {{db: {{condition: service_healthy}}}}}}\n  db: {{{}}}\n",
            server(", ports: [\"127.0.0.1::8080\"]"),
            server(""),
        );
        let up = project.up(&compose).await.unwrap();
        assert!(up.changed && up.entries.len() == 1, "{up:?}");
        let address = up.entries[0].url.replace("http://", "");
        std::net::TcpStream::connect(&address).unwrap();
        let observed = project.observe().await;
        assert!(observed.instances.iter().all(|it| it.phase == Phase::Ready));
        assert!(observed.instances.iter().all(|it| it.runtime == "docker" && it.pid.is_some()));
        let again = project.up(&compose).await.unwrap();
        assert!(!again.changed, "{}", again.plan);
        assert!(project.lines().await.contains(&"web: listening".to_owned()));

        let ended = docker::down(&project.runtime, false).await.unwrap();
        assert_eq!(ended.stopped, 2);
        assert!(!project.runtime.is_there().await.unwrap());
        assert_eq!(docker::down(&project.runtime, true).await.unwrap().removed, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_starts_anew_and_data_outlives_it() {
    with_project(|project| async move {
        let compose = |value: &str| {
            format!(
                "services:\n  web: {{{}, volumes: [\"data:/data\"], environment: {{A: \"{value}\"}}}}\n  db: {{{}}}\nvolumes: {{data: {{}}}}\n",
                server(""),
                server(""),
            )
        };
        project.up(&compose("1")).await.unwrap();
        let (web, db) = (project.seen("web").await, project.seen("db").await);
        assert_eq!(project.run_in("web", "write /data/x").await.status, Some(0));
        project.up(&compose("2")).await.unwrap();
        let (newer, same) = (project.seen("web").await, project.seen("db").await);
        assert_eq!(newer.id.incarnation, web.id.incarnation + 1);
        assert_eq!((same.id, same.pid), (db.id, db.pid));
        assert_eq!(project.run_in("web", "read /data/x").await.status, Some(0));

        docker::down(&project.runtime, false).await.unwrap();
        project.up(&compose("2")).await.unwrap();
        assert_eq!(project.run_in("web", "read /data/x").await.status, Some(0));
        docker::down(&project.runtime, true).await.unwrap();
        project.up(&compose("2")).await.unwrap();
        assert_ne!(project.run_in("web", "read /data/x").await.status, Some(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_waited_for_and_not_run_again_and_one_that_fails_stops_the_rest() {
    with_project(|project| async move {
        let compose = |role: &str| {
            format!(
                "services:\n  job: {{build: ., command: [{}]}}\n  web: {{{}, depends_on: {{job: {{condition: service_completed_successfully}}}}}}\n",
                roles::words(role),
                server(""),
            )
        };
        project.up(&compose("say done")).await.unwrap();
        assert!(matches!(project.seen("job").await.phase, Phase::Exited { status: Some(0), .. }));
        assert!(!project.up(&compose("say done")).await.unwrap().changed);
        let failed = project.up(&compose("fail")).await.unwrap_err();
        let UpError::Runtime(RuntimeError::NeverReady { instance, why, last_lines }) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(instance.service, *"job");
        assert!(why.contains("status 101"), "{why}");
        assert!(last_lines.iter().any(|line| line.contains("test result: FAILED")), "{last_lines:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stays_unhealthy_is_told_when_the_engine_says_so() {
    with_project(|project| async move {
        let compose = format!(
            "services:\n  web: {{build: ., command: [{}], stop_signal: SIGKILL, healthcheck: {{test: [CMD, {}], interval: 200ms, retries: 2}}}}\n",
            roles::words("serve 8080"),
            roles::words("check 127.0.0.1:1"),
        );
        let failed = project.up(&compose).await.unwrap_err();
        assert!(failed.to_string().contains("its healthcheck failed"), "{failed}");
        assert_eq!(project.seen("web").await.phase, Phase::Unhealthy);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_told_also_when_the_engine_has_forgotten_it_and_not_twice() {
    with_project(|project| async move {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let since = u64::try_from(since.as_nanos()).unwrap();
        let compose = format!("services:\n  web: {{{}}}\n", server(""));
        project.up(&compose).await.unwrap();
        let id = project.id("web").await;
        let next = async || {
            let mut events = project.runtime.watch(since).await.unwrap();
            let both = async { [events.next().await.unwrap(), events.next().await.unwrap()] };
            let told = tokio::time::timeout(Duration::from_secs(60), both).await;
            told.expect("two events").map(|it| it.event)
        };
        let is_started = |event: &Event| matches!(event, Event::InstanceStarted { instance, .. } if *instance == id);
        let is_ready = |event: &Event| matches!(event, Event::InstanceReady { instance, .. } if *instance == id);
        let told = next().await;
        assert!(is_started(&told[0]) && is_ready(&told[1]), "{told:?}");

        // It remembers 256 events of whatever kind.
        let docker = bollard::Docker::connect_with_defaults().unwrap();
        for number in 0..130 {
            let name = format!("{}-forget-{number}", project.name);
            let wanted = VolumeCreateRequest { name: Some(name.clone()), ..Default::default() };
            docker.create_volume(wanted).await.unwrap();
            docker.remove_volume(&name, None::<RemoveVolumeOptions>).await.unwrap();
        }
        let told = next().await;
        assert!(is_started(&told[0]) && is_ready(&told[1]), "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_service_is_held_down_and_a_killed_one_exits() {
    with_project(|project| async move {
        let compose = format!("services:\n  web: {{{}}}\n", server(""));
        project.up(&compose).await.unwrap();
        let id = project.id("web").await;
        project.runtime.pause(&id, true).await.unwrap();
        assert_eq!(project.seen("web").await.phase, Phase::HeldDown);
        project.runtime.pause(&id, false).await.unwrap();
        assert_eq!(project.seen("web").await.phase, Phase::Ready);
        project.runtime.signal(&id, "SIGKILL").await.unwrap();
        while project.seen("web").await.phase.runs() {
            tokio::task::yield_now().await;
        }
        let up = project.up(&compose).await.unwrap();
        assert!(
            up.plan.to_string().contains("it ended with status 137"),
            "{}",
            up.plan
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_copy_of_the_same_name_is_refused_and_left_alone() {
    with_project(|project| async move {
        let compose = format!("services:\n  web: {{{}}}\n", server(""));
        project.up(&compose).await.unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = docker::DockerRuntime::new(
            project.engine.clone(),
            project.name.parse().unwrap(),
            elsewhere.path(),
            crate::support::clock(),
        );
        let told = other.alone().await.unwrap_err().to_string();
        assert!(
            told.contains(&project.root().display().to_string()),
            "{told}"
        );
        docker::down(&other, true).await.unwrap();
        assert_eq!(project.seen("web").await.phase, Phase::Ready);
    })
    .await;
}
