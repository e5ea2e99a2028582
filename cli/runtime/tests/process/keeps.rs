//! What the supervisor keeps, and how.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures_util::StreamExt;
use msvc_report::event::Event;
use msvc_runtime::contract::{LogQuery, Runtime, RuntimeError};
use msvc_runtime::instance::InstanceSpec;
use msvc_runtime::observed::Phase;
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::{ProcessRuntime, last_end, read_logs};
use msvc_system::model::{Condition, RestartPolicy};

use crate::support::{
    Asked, Project, clock, connects, eventually, health, id, patient, process_in, process_of,
};

#[tokio::test]
async fn a_service_is_started_seen_logged_stopped_and_brought_down() {
    let project = Project::new();
    let runtime = project.launch().await;
    let spec = project.service("orders", "echo out; echo err >&2; exec sleep 600");
    runtime.start(&spec).await;
    runtime.ready("orders").await;
    let seen = runtime.seen("orders").await;
    assert_eq!((seen.phase, seen.hash.as_str()), (Phase::Ready, "1"));
    assert_eq!(
        seen.pid,
        project.state().instances[0].process.as_ref().map(|p| p.pid)
    );
    eventually("both lines", || {
        std::fs::read_to_string(project.home.log_file(&id("orders")))
            .is_ok_and(|log| log.lines().count() == 3)
    })
    .await;
    let mut log = runtime.log_of("orders").await;
    log.sort_unstable();
    assert_eq!(log, ["err", "out"]);
    runtime.do_step(Deed::Stop(id("orders"))).await.unwrap();
    assert!(runtime.observe().await.unwrap().instances.is_empty());
    assert_eq!(
        runtime.events_up_to("stopped orders/1#1").await,
        [
            "starting shop/main/orders/1#1",
            "started shop/main/orders/1#1",
            "ready shop/main/orders/1#1",
            "exited shop/main/orders/1#1: signal SIGTERM",
            "stopped shop/main/orders/1#1",
        ]
        .map(|line| line.replace("shop/main/", ""))
    );
    let down = project.down().await;
    assert!(down.in_order);
    let gone = ProcessRuntime::connect(&project.home, "test", &*clock())
        .await
        .unwrap();
    assert!(gone.is_none() && last_end(&project.home).unwrap().is_none());
    assert_eq!(
        read_logs(&project.home, &LogQuery::default())
            .unwrap()
            .count()
            .await,
        2
    );
}

#[tokio::test]
async fn a_step_is_answered_with_what_happened_to_its_instance_once() {
    let project = Project::new();
    let runtime = project.launch().await;
    let step = |deed| Step {
        deed,
        cause: String::new(),
    };
    let spec = project.service("a", "exec sleep 600");
    let started = runtime
        .apply(&step(Deed::Start(Box::new(spec))))
        .await
        .unwrap();
    let wait = step(Deed::Await(id("a"), Condition::ServiceHealthy));
    let ready = runtime.apply(&wait).await.unwrap();
    let ready_again = runtime.apply(&wait).await.unwrap();
    let stopped = runtime.apply(&step(Deed::Stop(id("a")))).await.unwrap();
    assert!(matches!(
        started[..],
        [
            Event::InstanceStarting { .. },
            Event::InstanceStarted { .. }
        ]
    ));
    assert!(matches!(ready[..], [Event::InstanceReady { .. }]) && ready_again.is_empty());
    assert!(matches!(
        stopped[..],
        [Event::InstanceExited { .. }, Event::InstanceStopped { .. }]
    ));
}

#[tokio::test]
async fn a_second_launch_finds_the_first_supervisor_also_at_the_same_moment() {
    let project = Project::new();
    let (one, two) = tokio::join!(project.launch(), project.launch());
    one.start(&project.service("a", "exec sleep 600")).await;
    assert!(two.seen("a").await.phase.runs());
    let mode = std::fs::metadata(project.home.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_service_gets_its_environment_and_nothing_of_the_callers() {
    let project = Project::new();
    let runtime = project.launch().await;
    let mut spec = project.service("a", "env; exec sleep 600");
    let program = process_of(&mut spec);
    program
        .environment
        .push(("GREETING".to_owned(), "hello there".to_owned()));
    program.folders.push(project.path("made/for/it"));
    runtime.start(&spec).await;
    eventually("the environment", || {
        std::fs::read_to_string(project.home.log_file(&id("a")))
            .is_ok_and(|log| log.contains("GREETING"))
    })
    .await;
    let mut names: Vec<String> = runtime
        .log_of("a")
        .await
        .iter()
        .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
        // The shell's own.
        .filter(|name| !matches!(name.as_str(), "PWD" | "OLDPWD" | "SHLVL" | "_"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["GREETING", "MSVC_RUN", "PATH"]);
    assert!(project.path("made/for/it").is_dir());
}

#[tokio::test]
async fn it_is_ready_only_when_its_check_passes_and_every_edge_into_it_accepts() {
    let project = Project::new();
    let runtime = project.launch().await;
    let web = InstanceSpec {
        health: Some(patient("test -e healthy")),
        ..project.web("web")
    };
    runtime
        .do_step(Deed::OpenEdge(Box::new(project.edge("@client", &web))))
        .await
        .unwrap();
    let edge = runtime.edges().await[0].listen;
    assert!(!connects(edge));
    runtime.start(&web).await;
    eventually("the server listens", || connects(web.listens[0].backend)).await;
    assert_eq!(runtime.seen("web").await.phase, Phase::Starting);
    std::fs::write(project.path("healthy"), "").unwrap();
    runtime.ready("web").await;
    assert!(runtime.edges().await[0].accepting && connects(edge));
}

#[tokio::test]
async fn a_check_that_passes_over_a_port_that_does_not_accept_makes_nothing_ready() {
    let project = Project::new();
    let runtime = project.launch().await;
    let mut web = project.web("web");
    let program = process_of(&mut web);
    program.command = vec!["sleep".to_owned(), "600".to_owned()];
    web.health = Some(health("true"));
    runtime
        .do_step(Deed::OpenEdge(Box::new(project.edge("@client", &web))))
        .await
        .unwrap();
    runtime.start(&web).await;
    let never = runtime
        .wait_for("web", Condition::ServiceHealthy)
        .await
        .unwrap_err();
    let RuntimeError::NeverReady { why, .. } = never else {
        panic!("{never}");
    };
    assert!(why.contains("client->web:80 does not accept"), "{why}");
}

#[tokio::test]
async fn a_service_that_ends_at_once_never_becomes_ready_and_its_last_lines_are_told() {
    let project = Project::new();
    let runtime = project.launch().await;
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; exit 7";
    runtime.start(&project.service("a", script)).await;
    let never = runtime
        .wait_for("a", Condition::ServiceHealthy)
        .await
        .unwrap_err();
    let RuntimeError::NeverReady {
        why, last_lines, ..
    } = never
    else {
        panic!("{never}");
    };
    assert_eq!(why, "it ended with status 7");
    assert_eq!((last_lines.len(), last_lines[9].as_str()), (10, "line 12"));
}

#[tokio::test]
async fn an_unhealthy_service_is_told_with_the_words_of_its_check() {
    let project = Project::new();
    let runtime = project.launch().await;
    let sick = InstanceSpec {
        health: Some(health("echo the database is away; exit 1")),
        ..project.service("a", "exec sleep 600")
    };
    runtime.start(&sick).await;
    let never = runtime
        .wait_for("a", Condition::ServiceHealthy)
        .await
        .unwrap_err();
    assert!(
        never.to_string().contains("the database is away"),
        "{never}"
    );
    assert_eq!(runtime.seen("a").await.phase, Phase::Unhealthy);
}

#[tokio::test]
async fn each_restart_policy_does_what_it_says() {
    let project = Project::new();
    let runtime = project.launch().await;
    let with = |name: &str, script: &str, restart| InstanceSpec {
        restart,
        ..project.service(name, script)
    };
    runtime
        .start(&with("never", "exit 3", RestartPolicy::No))
        .await;
    runtime
        .start(&with("twice", "exit 3", RestartPolicy::OnFailure(Some(2))))
        .await;
    runtime
        .start(&with("done", "exit 0", RestartPolicy::OnFailure(None)))
        .await;
    runtime
        .start(&with("always", "exit 0", RestartPolicy::Always))
        .await;
    let exited = |phase: &Phase| matches!(phase, Phase::Exited { .. });
    for (name, restarts) in [("never", 0), ("twice", 2), ("done", 0)] {
        assert_eq!(
            runtime.until(name, exited).await.restarts,
            restarts,
            "{name}"
        );
    }
    runtime
        .wait_for("done", Condition::ServiceCompletedSuccessfully)
        .await
        .unwrap();
    assert!(
        runtime
            .wait_for("never", Condition::ServiceCompletedSuccessfully)
            .await
            .is_err()
    );
    // Who never becomes ready is given up for its dependents, and goes on being restarted.
    let looping = InstanceSpec {
        health: Some(health("true")),
        ..with("looping", "exit 1", RestartPolicy::Always)
    };
    runtime.start(&looping).await;
    let never = runtime
        .wait_for("looping", Condition::ServiceHealthy)
        .await
        .unwrap_err();
    assert!(never.to_string().contains("5 times in a row"), "{never}");
    assert!(runtime.seen("always").await.id.incarnation > 1);
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_is_not_kept() {
    let project = Project::new();
    let runtime = project.launch().await;
    let mut spec = project.service("a", "");
    let program = process_of(&mut spec);
    program.command = vec!["no-such-program".to_owned()];
    let start = Deed::Start(Box::new(spec));
    let error = runtime.do_step(start).await.unwrap_err().to_string();
    assert!(
        error.contains("`no-such-program` is not found on its PATH (/usr/bin:/bin)"),
        "{error}"
    );
    assert!(runtime.observe().await.unwrap().instances.is_empty());
}

#[tokio::test]
async fn a_service_that_does_not_listen_to_term_is_killed_after_its_grace_with_all_it_started() {
    let project = Project::new();
    let runtime = project.launch().await;
    let script = "trap '' TERM; setsid sleep 600 & echo $! > escaped; while :; do sleep 1; done";
    let stubborn = InstanceSpec {
        stop_grace: Duration::from_millis(200),
        ..project.service("a", script)
    };
    runtime.start(&stubborn).await;
    let escaped = process_in(&project.path("escaped")).await;
    runtime.do_step(Deed::Stop(id("a"))).await.unwrap();
    assert!(!escaped.lives());
    let events = runtime.events_up_to("stopped a/1#1").await;
    assert!(
        events.contains(&"exited a/1#1: signal SIGKILL".to_owned()),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_changed_service_must_be_stopped_first_and_an_unchanged_one_is_left_alone() {
    let project = Project::new();
    let runtime = project.launch().await;
    let spec = project.service("a", "exec sleep 600");
    runtime.start(&spec).await;
    let pid = runtime.seen("a").await.pid;
    runtime.start(&spec).await;
    assert_eq!(runtime.seen("a").await.pid, pid);
    let changed = InstanceSpec {
        hash: "2".to_owned(),
        ..spec
    };
    assert!(
        runtime
            .do_step(Deed::Start(Box::new(changed.clone())))
            .await
            .is_err()
    );
    runtime.do_step(Deed::Stop(id("a"))).await.unwrap();
    runtime.start(&changed).await;
    let seen = runtime.seen("a").await;
    assert_eq!((seen.hash.as_str(), seen.id.incarnation), ("2", 2));
}

#[tokio::test]
async fn a_command_beside_a_service_has_its_environment_and_ends_with_its_time() {
    let project = Project::new();
    let runtime = project.launch().await;
    runtime.start(&project.service("a", "exec sleep 600")).await;
    let exec = |script: &str, limit| {
        let command = crate::support::shell(script);
        let runtime = runtime.clone();
        async move { runtime.exec(&id("a"), &command, limit).await.unwrap() }
    };
    let done = exec("echo $PATH; echo err >&2; exit 4", Duration::from_secs(30)).await;
    assert_eq!(
        (done.status, done.output.as_str()),
        (Some(4), "/usr/bin:/bin\nerr\n")
    );
    // On a busy machine its time may be over before it has begun.
    let pid = loop {
        let late = exec("echo $$ > late; exec sleep 600", Duration::from_millis(300)).await;
        assert_eq!(late.status, None);
        let pid = std::fs::read_to_string(project.path("late")).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse::<u32>() {
            break pid;
        }
    };
    eventually("it is killed", || {
        !std::path::Path::new(&format!("/proc/{pid}")).exists()
    })
    .await;
}

#[tokio::test]
async fn a_follower_sees_every_line_to_the_last_of_a_system_that_goes_down() {
    let project = Project::new();
    let runtime = project.launch().await;
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let follower = runtime.logs(&query).await.unwrap();
    let script = "trap 'echo bye; exit 0' TERM; seq 1 5000; while :; do sleep 0.05; done";
    runtime.start(&project.service("a", script)).await;
    let lines = tokio::spawn(follower.map(|line| line.text).collect::<Vec<_>>());
    eventually("all is written", || {
        std::fs::read_to_string(project.home.log_file(&id("a")))
            .is_ok_and(|log| log.contains("\"5000\""))
    })
    .await;
    project.down().await;
    let mut lines = lines.await.unwrap();
    // The shell's own word on its `sleep`, which was asked to end as well.
    lines.retain(|line| line != "Terminated");
    assert_eq!(
        (lines.len(), lines[4999].as_str(), lines[5000].as_str()),
        (5001, "5000", "bye")
    );
}
