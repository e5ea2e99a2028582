//! Faults on a system that really runs: a supervisor within this process, a web server under it.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail it by panicking"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use msvc_chaos::command::CommandLine;
use msvc_chaos::faults::Faults;
use msvc_chaos::inject::{Ended, Tools, latency};
use msvc_chaos::journal::Writer;
use msvc_chaos::kill::{Down, kill};
use msvc_chaos::live::LiveJourneys;
use msvc_chaos::order::Latency;
use msvc_chaos::run::{Bench, Concluded, run};
use msvc_journey::{Bases, CommandPlace, Entry, Limits};
use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::fault::Stream;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::files::Files;
use msvc_system::model::{JourneyReference, RestartPolicy};
use msvc_system::problem::Place;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[path = "../../../runtime/tests/process/free.rs"]
mod free;
mod system;

use system::{DEADLINE, System, get};

fn late(edge: &str) -> Latency {
    Latency {
        edge: edge.parse().unwrap(),
        delay: Duration::from_millis(300),
        jitter: Duration::ZERO,
        stream: Stream::Downstream,
    }
}

fn tools<'a>(
    faults: &'a dyn Faults,
    shutdown: &'a Shutdown,
    sink: &'a (dyn Fn(Event) + Send + Sync),
) -> Tools<'a> {
    Tools {
        faults,
        clock: &MachineClock,
        sink,
        shutdown,
        seed: 7,
        name: "inject".to_owned(),
        again: "msvc chaos".to_owned(),
    }
}

fn said(ended: &Ended) -> String {
    let lines = ended.case.evidence.iter().map(|e| e.what.as_str());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latency_delays_each_answer_names_the_connection_and_is_gone_afterwards() {
    let system = System::up(RestartPolicy::Always).await;
    let shutdown = Shutdown::new();
    let (edge, stop) = (system.edge, shutdown.clone());
    // The fault is in place once its event is told.
    let sink = move |event: Event| {
        if matches!(event, Event::FaultArmed { .. }) {
            let stop = stop.clone();
            tokio::spawn(async move {
                assert!(get(edge).await >= Duration::from_millis(300));
                stop.request();
            });
        }
    };
    let tools = tools(&system.faults, &shutdown, &sink);
    let ended = latency(&late("client->web"), None, &tools).await.unwrap();
    assert_eq!(ended.code, 0, "{}", said(&ended));
    let receipt = ended.receipt.as_ref().unwrap();
    assert_eq!((receipt.connections, receipt.edges.len()), (1, 1));
    assert!(receipt.touches[0].held_ns >= 300_000_000, "{receipt:?}");
    assert!(said(&ended).contains("felt by 1 connection on client->web:80"));
    assert_eq!(ended.case.evidence[0].exchanges.len(), 1);
    get(system.edge).await;
    let left = msvc_mesh::client::faults(system.faults.runtime.mesh().unwrap()).await;
    assert_eq!(left.unwrap().len(), 0);
    system.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_is_not_there_is_two_with_the_nearest_and_an_unfelt_one_is_five() {
    let system = System::up(RestartPolicy::Always).await;
    let shutdown = Shutdown::new();
    let sink = |_: Event| {};
    let tools = tools(&system.faults, &shutdown, &sink);
    let refused = latency(&late("client->wob"), None, &tools).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.exit(), Exit::Usage);
    assert!(refused.to_string().contains("client->web:80"), "{refused}");
    let nothing = CommandLine::from_words(["/bin/true".into()]);
    let ended = latency(&late("client->web"), nothing.as_ref(), &tools)
        .await
        .unwrap();
    assert_eq!(ended.code, 5);
    system.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_is_detected_on_the_edge_and_the_service_is_back_and_healthy() {
    let system = System::up(RestartPolicy::UnlessStopped).await;
    let shutdown = Shutdown::new();
    let sink = |_: Event| {};
    let tools = tools(&system.faults, &shutdown, &sink);
    // Somebody is connected, and has said something, when the kill comes.
    let mut open = TcpStream::connect(system.edge).await.unwrap();
    open.write_all(b"GET /").await.unwrap();
    until_passed(&system).await;
    let down = Down::For(Duration::from_millis(200));
    let ended = kill(&"web".parse().unwrap(), &down, DEADLINE, &tools)
        .await
        .unwrap();
    assert_eq!(ended.code, 0, "{}", said(&ended));
    let recovery = ended.recovery.clone().unwrap();
    let Some(detected) = recovery.detected.clone() else {
        panic!("not detected: {recovery:?}");
    };
    assert_eq!(detected.edge, "client->web:80");
    let released = recovery.released_at_ns.unwrap();
    let (up, healthy) = (recovery.up_at_ns.unwrap(), recovery.healthy_at_ns.unwrap());
    assert!(recovery.killed_at_ns <= detected.at_ns);
    assert!(
        released - recovery.killed_at_ns >= 200_000_000,
        "{recovery:?}"
    );
    assert!(recovery.killed_at_ns < up && up < healthy, "{recovery:?}");
    get(system.edge).await;
    system.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_restart_policy_stays_down_and_an_unknown_one_is_two() {
    let system = System::up(RestartPolicy::No).await;
    let shutdown = Shutdown::new();
    let sink = |_: Event| {};
    let tools = tools(&system.faults, &shutdown, &sink);
    let down = Down::For(Duration::ZERO);
    let refused = kill(&"wob".parse().unwrap(), &down, DEADLINE, &tools).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.exit(), Exit::Usage);
    assert!(refused.to_string().contains("there is: web"), "{refused}");
    let ended = kill(&"web".parse().unwrap(), &down, DEADLINE, &tools)
        .await
        .unwrap();
    assert_eq!(ended.code, 1, "{}", said(&ended));
    let told = said(&ended);
    assert_eq!(told.matches("stays down").count(), 1, "{told}");
    assert!(told.contains("`msvc up` brings it back"), "{told}");
    system.down().await;
}

/// Plays a journey that asks for the server's page until it comes, as a command would.
async fn experiment(system: &System, provider: &str) -> Concluded {
    let text = format!(
        "title: the page comes\n\
         description: d\n\
         steady-state-hypothesis:\n  \
           title: h\n  \
           probes: [{{type: probe, name: p, tolerance: true, provider: {{type: msvc, journey: page}}}}]\n\
         method:\n  \
           - {{type: action, name: broken, provider: {provider}}}\n"
    );
    let path = PathBuf::from("page.yaml");
    let files = Files::in_memory(BTreeMap::from([(path.clone(), text.into_bytes())]));
    let experiment = msvc_chaos::experiment::read(&path, &files).unwrap();
    let asking = format!(
        "for n in range(600):\n try:\n  u.urlopen('http://{}', timeout=5).read(); sys.exit(0)\n \
         except OSError: time.sleep(.05)\nsys.exit(1)",
        system.edge
    );
    let reference = JourneyReference::Command {
        name: "page".to_owned(),
        command: [
            "python3",
            "-c",
            &format!("import sys,time,urllib.request as u\n{asking}"),
        ]
        .map(str::to_owned)
        .to_vec(),
        place: Place {
            file: "compose.yaml".into(),
            line: 1,
            column: 1,
        },
    };
    let journeys = msvc_journey::load(&[reference], &files).unwrap();
    let played = LiveJourneys {
        journeys: &journeys,
        entry: Entry {
            bases: Bases::only(format!("http://{}", system.edge)),
            trust: Vec::new(),
            masked: msvc_journey::Masked::default(),
            inputs: serde_json::Map::new(),
            run: "r".to_owned(),
            clock: MachineClock::shared(),
            request_timeout: DEADLINE,
            limits: Limits::default(),
            command: CommandPlace {
                directory: "/".into(),
                environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            },
        },
        again: &|name| format!("msvc journey run {name}"),
        plays: AtomicU64::new(0),
    };
    run(
        &experiment,
        &Bench {
            faults: &system.faults,
            journeys: &played,
            clock: &MachineClock,
            sink: &|_| {},
            shutdown: &Shutdown::new(),
            seed: 7,
            recovery_limit: DEADLINE,
            again: "msvc chaos run page.yaml".to_owned(),
            writer: Writer {
                version: "0.1.0".to_owned(),
                platform: "linux".to_owned(),
                node: "here".to_owned(),
            },
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_with_a_latency_holds_and_its_journal_has_the_receipt() {
    let system = System::up(RestartPolicy::Always).await;
    let provider = "{type: msvc, fault: latency, edge: 'client->web', delay: 300ms}";
    let concluded = experiment(&system, provider).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{:?}", concluded.case);
    let receipt = &concluded.journal.msvc.receipts[0];
    assert!(receipt.touches[0].held_ns >= 300_000_000, "{receipt:?}");
    assert_eq!(concluded.journal.steady_states.during.len(), 0);
    system.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_with_a_kill_ends_only_once_the_service_is_healthy_again() {
    let system = System::up(RestartPolicy::UnlessStopped).await;
    // What detects the kill: somebody who is connected all the while.
    let mut open = TcpStream::connect(system.edge).await.unwrap();
    open.write_all(b"GET /").await.unwrap();
    until_passed(&system).await;
    let provider = "{type: msvc, fault: kill, service: web, down: 300ms}";
    let concluded = experiment(&system, provider).await;
    assert_eq!(concluded.case.exit, Exit::Held, "{:?}", concluded.case);
    let recovery = &concluded.journal.msvc.recoveries[0];
    assert!(recovery.healthy_at_ns.unwrap() - recovery.killed_at_ns >= 300_000_000);
    get(system.edge).await;
    system.down().await;
}

/// Waits until bytes have passed the edge.
async fn until_passed(system: &System) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let edges = msvc_mesh::client::edges(system.faults.runtime.mesh().unwrap()).await;
        if edges.unwrap()[0].counts.bytes_to_callee > 0 {
            return;
        }
        assert!(Instant::now() < deadline, "nothing passed the edge");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
