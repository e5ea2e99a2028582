//! However it ends, nothing is left, and it is told when and by what.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt;
use msvc_machine::clock::MachineClock;
use msvc_runtime::contract::{LogQuery, RuntimeError};
use msvc_runtime::observed::Phase;
use msvc_runtime::process::{
    Launcher, ProcessIdentity, ProcessRuntime, ProjectHome, down, last_end, read_logs,
};
use nix::sys::signal::Signal;

use crate::roles::{launcher, words};
use crate::support::{Asked, Project, clock, eventually, id, process_in};

/// A service with a grandchild that left its session; all three, once the log has what it said.
async fn family(project: &Project, runtime: &ProcessRuntime) -> [ProcessIdentity; 3] {
    let script = "echo begun; echo $$ > own; sh -c 'setsid sleep 600 & echo $! > escaped'; \
                  sleep 600 & echo $! > child; wait";
    runtime.start(&project.service("a", script)).await;
    eventually("its line is in the log", || {
        std::fs::read_to_string(project.home.log_file(&id("a")))
            .is_ok_and(|log| log.contains("begun"))
    })
    .await;
    [
        process_in(&project.path("own")).await,
        process_in(&project.path("child")).await,
        process_in(&project.path("escaped")).await,
    ]
}

async fn all_gone(processes: &[ProcessIdentity]) {
    eventually("all of them are gone", || {
        processes.iter().all(|process| !process.lives())
    })
    .await;
}

#[tokio::test]
async fn kill_9_of_the_supervisor_ends_every_service_and_is_told() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let state = project.state();
    assert!(state.supervisor.signal(Signal::SIGKILL));
    all_gone(&family).await;
    all_gone(&[state.guardian.unwrap()]).await;
    let end = last_end(&project.home).unwrap().unwrap();
    assert_eq!((end.how.as_str(), end.expected), ("signal SIGKILL", false));
    assert!(end.at_ms.is_some() && !project.home.socket().exists());
    let gone = ProcessRuntime::connect(&project.home, "test", &*clock())
        .await
        .unwrap();
    assert!(gone.is_none());
    assert_eq!(
        read_logs(&project.home, &LogQuery::default())
            .unwrap()
            .count()
            .await,
        1
    );
    // The next one begins as if nothing had been.
    let runtime = project.launch().await;
    assert!(last_end(&project.home).unwrap().is_none());
    runtime.start(&project.service("a", "exec sleep 600")).await;
}

#[tokio::test]
async fn kill_9_of_supervisor_and_guardian_leaves_what_down_then_clears() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let state = project.state();
    let guardian = state.guardian.unwrap();
    // Stopped first, so that it does not see its child end.
    assert!(guardian.signal(Signal::SIGSTOP));
    assert!(state.supervisor.signal(Signal::SIGKILL) && guardian.signal(Signal::SIGKILL));
    eventually("both are gone", || {
        !guardian.lives() && !state.supervisor.lives()
    })
    .await;
    assert!(family.iter().all(ProcessIdentity::lives));
    let end = last_end(&project.home).unwrap().unwrap();
    assert!(end.at_ms.is_none() && !end.expected);
    let down = project.down().await;
    assert!(!down.in_order && down.stopped >= 3, "{down:?}");
    assert!(!family.iter().any(ProcessIdentity::lives));
    assert!(!project.home.state().exists() && !project.home.socket().exists());
}

#[tokio::test]
async fn a_launch_after_both_were_killed_clears_what_they_left() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let state = project.state();
    let guardian = state.guardian.unwrap();
    assert!(guardian.signal(Signal::SIGSTOP));
    assert!(state.supervisor.signal(Signal::SIGKILL) && guardian.signal(Signal::SIGKILL));
    project.launch().await;
    assert!(!family.iter().any(ProcessIdentity::lives));
}

#[tokio::test]
async fn kill_9_of_the_guardian_alone_ends_the_system_in_order() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let state = project.state();
    assert!(state.guardian.unwrap().signal(Signal::SIGKILL));
    all_gone(&family).await;
    all_gone(&[state.supervisor]).await;
    assert_eq!(
        last_end(&project.home).unwrap().unwrap().how,
        "its guardian was killed"
    );
    project.down().await;
}

/// What neither mark nor session nor parents tell of falls to the supervisor, and ends with it.
#[tokio::test]
async fn without_a_guardian_orphans_of_no_environment_and_session_end_as_well() {
    let project = Project::new();
    let runtime = project.launch().await;
    let script = "env -i setsid sleep 600 & echo $! > bare; \
                  sh -c 'env -i setsid sleep 600 & echo $! > orphan'; wait";
    runtime.start(&project.service("a", script)).await;
    let bare = process_in(&project.path("bare")).await;
    let orphan = process_in(&project.path("orphan")).await;
    let state = project.state();
    assert!(state.guardian.unwrap().signal(Signal::SIGKILL));
    all_gone(&[state.supervisor]).await;
    assert!(!bare.lives() && !orphan.lives());
    project.down().await;
}

/// What it leaves behind, its keeper clears up first: here it waits for more of its output.
#[tokio::test]
async fn a_service_that_has_ended_is_seen_as_that_from_then_on() {
    let project = Project::new();
    let runtime = project.launch().await;
    let script = "env -i setsid sleep 600 & while [ ! -e enough ]; do sleep 0.01; done; \
                  printf 'no end'; exit 5";
    runtime.start(&project.service("a", script)).await;
    let process = runtime.seen("a").await.pid.and_then(ProcessIdentity::of);
    let process = process.unwrap();
    std::fs::write(project.path("enough"), "").unwrap();
    eventually("its end", || !process.lives()).await;
    let ended = Phase::Exited {
        status: Some(5),
        signal: None,
    };
    assert_eq!(runtime.seen("a").await.phase, ended);
    assert_eq!(runtime.log_of("a").await, ["no end"]);
}

#[tokio::test]
async fn orphans_that_end_do_not_stay_in_the_process_table_however_many() {
    let project = Project::new();
    let runtime = project.launch().await;
    // One a second would take longer than the test has.
    let script = "for n in $(seq 90); do sh -c 'setsid sleep 0.1 & echo $! >> orphans'; done; \
                  exec sleep 600";
    runtime.start(&project.service("a", script)).await;
    let orphans = project.path("orphans");
    eventually("all orphans are buried", || {
        let pids = std::fs::read_to_string(&orphans).unwrap_or_default();
        let pids: Vec<&str> = pids.lines().collect();
        let there = |pid: &&str| Path::new("/proc").join(pid).exists();
        pids.len() == 90 && !pids.iter().any(there)
    })
    .await;
    let seen = runtime.seen("a").await;
    assert_eq!((seen.phase.runs(), seen.restarts), (true, 0));
}

#[tokio::test]
async fn term_at_the_guardian_ends_everything() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let state = project.state();
    let guardian = state.guardian.unwrap();
    assert!(guardian.signal(Signal::SIGTERM));
    all_gone(&family).await;
    all_gone(&[state.supervisor, guardian]).await;
    assert!(last_end(&project.home).unwrap().unwrap().expected);
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let project = Project::new();
    let runtime = project.launch().await;
    runtime.start(&project.service("a", "exec sleep 600")).await;
    let state = project.state();
    assert!(state.supervisor.signal(Signal::SIGHUP));
    assert!(state.guardian.unwrap().signal(Signal::SIGHUP));
    // It answers after the signal was taken: what would end it would have.
    for _ in 0..20 {
        assert!(runtime.seen("a").await.phase.runs());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_supervisor_that_hangs_is_brought_down_all_the_same() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    assert!(project.state().supervisor.signal(Signal::SIGSTOP));
    let down = project.down().await;
    assert!(!down.in_order);
    assert!(!family.iter().any(ProcessIdentity::lives));
}

#[tokio::test]
async fn the_end_of_the_session_that_owns_it_brings_it_down() {
    let project = Project::new();
    let runtime = project.launch().await;
    let family = family(&project, &runtime).await;
    let owner = project.launch().await;
    owner.attach(true).await.unwrap();
    let state = project.state();
    drop(owner);
    all_gone(&family).await;
    all_gone(&[state.supervisor, state.guardian.unwrap()]).await;
    assert!(last_end(&project.home).unwrap().unwrap().expected);
    drop(runtime);
}

#[tokio::test]
async fn an_owner_that_lets_go_leaves_it_running() {
    let project = Project::new();
    let owner = project.launch().await;
    owner.attach(true).await.unwrap();
    owner.start(&project.service("a", "exec sleep 600")).await;
    owner.attach(false).await.unwrap();
    drop(owner);
    assert!(project.launch().await.seen("a").await.phase.runs());
}

#[tokio::test]
async fn a_launch_from_a_pipe_lets_the_pipe_end() {
    let project = Project::new();
    // `output` waits until nobody holds the pipe any more.
    let launching = {
        let mut command = Command::new(launcher().program);
        command.args(words("launch")).args(project.home.arguments());
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let output = tokio::time::timeout(crate::support::DEADLINE, launching).await;
    assert!(
        output
            .expect("the pipe stays open")
            .unwrap()
            .status
            .success()
    );
    let runtime = ProcessRuntime::connect(&project.home, "test", &*clock())
        .await
        .unwrap();
    assert!(runtime.is_some());
}

#[tokio::test]
async fn a_launch_that_fails_leaves_nothing_and_says_what_was_said() {
    let project = Project::new();
    let broken = Launcher {
        program: "/bin/sh".into(),
        arguments: ["-c", "echo no luck today >&2; exit 9"]
            .map(Into::into)
            .to_vec(),
        ..launcher()
    };
    let error = project.try_launch(&broken).await.err().unwrap();
    assert!(matches!(&error, RuntimeError::Gone { .. }), "{error:?}");
    assert!(error.to_string().contains("no luck today"), "{error}");
    let missing = Launcher {
        program: project.path("nothing-there"),
        ..launcher()
    };
    assert!(project.try_launch(&missing).await.is_err());
}

#[tokio::test]
async fn data_and_logs_stay_unless_volumes_are_asked_for() {
    let project = Project::new();
    let runtime = project.launch().await;
    let kept = project
        .home
        .volumes(&"main".parse().unwrap())
        .join("db/file");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "data").unwrap();
    runtime
        .start(&project.service("a", "echo hello; exec sleep 600"))
        .await;
    project.down().await;
    assert!(kept.exists() && project.home.logs().exists());
    let nothing = down(&project.home, true, &MachineClock).await.unwrap();
    assert_eq!(nothing.stopped, 0);
    assert!(!kept.exists() && !project.home.logs().exists());
}

#[tokio::test]
async fn a_project_in_a_deep_folder_is_reached_through_the_runtime_folder() {
    let mut project = Project::new();
    let deep = project.path("deep/".repeat(30).as_str());
    std::fs::create_dir_all(&deep).unwrap();
    let sockets = project.path("run");
    std::fs::create_dir(&sockets).unwrap();
    let name = project.home.project().clone();
    project.home = ProjectHome::new(&deep, name, Some(&sockets)).unwrap();
    let runtime = project.launch().await;
    runtime.start(&project.service("a", "exec sleep 600")).await;
    let socket = project.state().socket;
    assert!(socket.starts_with(&sockets) && socket.exists());
    assert!(project.down().await.in_order);
    assert!(!socket.exists());
}

#[tokio::test]
async fn down_with_nothing_there_makes_nothing() {
    let project = Project::new();
    let nothing = project.down().await;
    assert_eq!((nothing.stopped, nothing.in_order), (0, true));
    assert!(!project.home.folder().exists());
}
