//! Kills under a lease: held, released, reported, undone whatever becomes of who asked.

use std::time::Duration;

use msvc_machine::clock::MachineClock;
use msvc_mesh::client::{LeaseKeeper, open_lease};
use msvc_mesh::lease::OpenLease;
use msvc_runtime::contract::Runtime;
use msvc_runtime::instance::InstanceSpec;
use msvc_runtime::observed::Phase;
use msvc_runtime::plan::Deed;
use msvc_runtime::process::{Leases, ProcessRuntime};
use msvc_runtime::service_fault::{ServiceKill, StayDown};
use msvc_system::model::RestartPolicy;

use crate::support::{Asked, DEADLINE, Project, clock, connects, eventually, id};

const TTL: Duration = Duration::from_secs(5);

async fn lease(runtime: &ProcessRuntime) -> LeaseKeeper {
    LeaseKeeper::open(runtime.mesh().unwrap(), clock(), TTL)
        .await
        .unwrap()
}

async fn web(project: &Project, runtime: &ProcessRuntime, restart: RestartPolicy) -> InstanceSpec {
    let web = InstanceSpec {
        restart,
        ..project.web("web")
    };
    runtime
        .do_step(Deed::OpenEdge(Box::new(project.edge("@client", &web))))
        .await
        .unwrap();
    runtime.start(&web).await;
    runtime.ready("web").await;
    web
}

fn recorded(project: &Project) -> usize {
    let text = std::fs::read(project.home.leases()).unwrap();
    serde_json::from_slice::<Leases>(&text)
        .unwrap()
        .faults
        .len()
}

#[tokio::test]
async fn a_held_service_stays_down_its_edges_refuse_and_released_it_comes_back() {
    let project = Project::new();
    let runtime = project.launch().await;
    web(&project, &runtime, RestartPolicy::UnlessStopped).await;
    let edge = runtime.edges().await[0].listen;
    assert!(connects(edge));
    let lease = lease(&runtime).await;
    let kill = ServiceKill::strike(
        runtime.mesh().unwrap(),
        lease.id(),
        &id("web"),
        StayDown::Held,
    )
    .await
    .unwrap();
    assert_eq!(recorded(&project), 1);
    let refused = std::net::TcpStream::connect(edge).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    runtime
        .until("web", |phase| *phase == Phase::HeldDown)
        .await;
    let again = ServiceKill::strike(
        runtime.mesh().unwrap(),
        lease.id(),
        &id("web"),
        StayDown::Held,
    )
    .await;
    assert!(again.is_err());
    assert!(kill.release().await.unwrap());
    assert_eq!(recorded(&project), 0);
    let report = kill
        .report(&runtime, &MachineClock, DEADLINE)
        .await
        .unwrap();
    assert!(report.came_back);
    let (up, healthy) = (report.up_at_ns.unwrap(), report.healthy_at_ns.unwrap());
    assert!(report.killed_at_ns < up && up < healthy, "{report:?}");
    assert!(connects(edge));
    assert_eq!(runtime.seen("web").await.id.incarnation, 2);
    lease.close().await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_never_restarted_stays_down_and_is_reported_so() {
    let project = Project::new();
    let runtime = project.launch().await;
    let spec = web(&project, &runtime, RestartPolicy::No).await;
    let lease = lease(&runtime).await;
    let stay = StayDown::For(Duration::ZERO);
    let kill = ServiceKill::strike(runtime.mesh().unwrap(), lease.id(), &id("web"), stay)
        .await
        .unwrap();
    let report = kill
        .report(&runtime, &MachineClock, DEADLINE)
        .await
        .unwrap();
    assert!(!report.came_back && report.up_at_ns.is_none());
    let seen = runtime
        .until("web", |phase| matches!(phase, Phase::Exited { .. }))
        .await;
    let signal = Some("SIGKILL".to_owned());
    assert_eq!(
        seen.phase,
        Phase::Exited {
            status: None,
            signal
        }
    );
    // The next `up` restores it.
    runtime.start(&spec).await;
    runtime.ready("web").await;
}

#[tokio::test]
async fn the_end_of_the_session_brings_back_what_it_held_down() {
    let project = Project::new();
    let runtime = project.launch().await;
    web(&project, &runtime, RestartPolicy::Always).await;
    let breaker = project.launch().await;
    // One that nobody closes, and that lives longer than the test.
    let open = OpenLease { ttl_ms: 600_000 };
    let lease = open_lease(breaker.mesh().unwrap(), open).await.unwrap();
    let kill = ServiceKill::strike(breaker.mesh().unwrap(), lease, &id("web"), StayDown::Held)
        .await
        .unwrap();
    runtime
        .until("web", |phase| *phase == Phase::HeldDown)
        .await;
    drop((kill, breaker));
    runtime.until("web", |phase| *phase == Phase::Ready).await;
    eventually("the undo is done with", || recorded(&project) == 0).await;
}

#[tokio::test]
async fn nobody_kills_without_a_lease_of_its_own() {
    let project = Project::new();
    let runtime = project.launch().await;
    web(&project, &runtime, RestartPolicy::Always).await;
    let other = project.launch().await;
    let lease = lease(&other).await;
    let stay = StayDown::Held;
    let refused = ServiceKill::strike(runtime.mesh().unwrap(), lease.id(), &id("web"), stay).await;
    assert!(refused.is_err());
    assert_eq!(runtime.seen("web").await.phase, Phase::Ready);
}

#[tokio::test]
async fn a_service_killed_from_outside_is_restarted_by_its_policy_and_its_edge_follows() {
    let project = Project::new();
    let runtime = project.launch().await;
    web(&project, &runtime, RestartPolicy::OnFailure(None)).await;
    let edge = runtime.edges().await[0].listen;
    let in_its_way = project.path("in-its-way");
    std::fs::write(&in_its_way, "").unwrap();
    runtime.signal(&id("web"), "SIGKILL").await.unwrap();
    runtime.until("web", |phase| *phase != Phase::Ready).await;
    assert!(!connects(edge));
    std::fs::remove_file(in_its_way).unwrap();
    runtime.back("web", 1).await;
    assert!(connects(edge));
}

#[tokio::test]
async fn a_paused_service_stops_answering_and_goes_on_where_it_was() {
    let project = Project::new();
    let runtime = project.launch().await;
    let script = "while :; do date +%N > tick; sleep 0.01; done";
    runtime.start(&project.service("a", script)).await;
    let tick = || std::fs::read_to_string(project.path("tick")).unwrap_or_default();
    eventually("it ticks", || !tick().is_empty()).await;
    runtime.pause(&id("a"), true).await.unwrap();
    let pid = runtime.seen("a").await.pid.unwrap();
    // Stopped; or, where the shell had just forked, waiting for a child that is.
    eventually("it is stopped", || {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|s| s.contains(") T ") || s.contains(") D "))
    })
    .await;
    runtime.pause(&id("a"), false).await.unwrap();
    let at = tick();
    eventually("it ticks again", || tick() != at).await;
}
