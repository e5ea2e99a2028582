//! What others do to services past msvc, and what commands are told of it later.

use msvc_runtime::contract::Runtime;
use msvc_runtime::instance::InstanceSpec;
use msvc_runtime::observed::Phase;
use msvc_runtime::plan::{Deed, Step};
use msvc_runtime::process::ProcessRuntime;
use msvc_system::model::{Condition, RestartPolicy};

use crate::support::{Asked, Project, clock, id, process_in, process_of};

/// A worker: no port, no healthcheck, and it ends with 0 when it is asked to.
const WORKER: &str = "trap 'exit 0' TERM; sleep 600 & echo $! > $NAME; wait";

fn exited(phase: &Phase) -> bool {
    matches!(phase, Phase::Exited { .. })
}

#[tokio::test]
async fn what_happened_before_a_command_came_is_no_news_to_it() {
    let project = Project::new();
    let first = project.launch().await;
    let spec = InstanceSpec {
        restart: RestartPolicy::Always,
        ..project.service("a", "exec sleep 600")
    };
    first.start(&spec).await;
    first.ready("a").await;
    first.signal(&id("a"), "SIGKILL").await.unwrap();
    first.back("a", 1).await;

    let second = ProcessRuntime::connect(&project.home, "test", &*clock())
        .await
        .unwrap()
        .unwrap();
    let wait = Step {
        deed: Deed::Await(id("a"), Condition::ServiceHealthy),
        cause: String::new(),
    };
    assert_eq!(second.apply(&wait).await.unwrap(), []);
    // Who was there hears of it.
    assert!(!first.apply(&wait).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_worker_that_somebody_ended_is_no_job_that_is_done() {
    let project = Project::new();
    let runtime = project.launch().await;
    let with = |name: &str, script: &str, restart| InstanceSpec {
        restart,
        ..project.service(name, script)
    };
    for (name, restart) in [
        ("no", RestartPolicy::No),
        ("on-failure", RestartPolicy::OnFailure(None)),
        ("unless-stopped", RestartPolicy::UnlessStopped),
    ] {
        let mut worker = with(name, WORKER, restart);
        let its_name = ("NAME".to_owned(), name.to_owned());
        process_of(&mut worker).environment.push(its_name);
        runtime.start(&worker).await;
        // It has set its trap; ready alone it is after a while, however slow the machine.
        process_in(&project.path(name)).await;
        runtime.ready(name).await;
        runtime.signal(&id(name), "SIGTERM").await.unwrap();
    }
    runtime
        .start(&with("job", "exit 0", RestartPolicy::No))
        .await;
    for (name, done) in [("no", false), ("on-failure", false), ("job", true)] {
        let seen = runtime.until(name, exited).await;
        assert_eq!(seen.phase, Phase::ended_well(), "{name}");
        assert_eq!(seen.is_done(), done, "{name}");
    }
    runtime.back("unless-stopped", 1).await;
}
