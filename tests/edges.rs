//! Every edge of the shop passes the mesh: what goes over it is counted, and nothing goes round.

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

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use shop::kafka::{Producer, Publish as _, Record, read_to_end};
use support::{Runtime, System, engine, is_root, shop_file, shop_services, skipped};

support::in_both! {
    a_million_bytes_through_kafka_are_counted_in_full_on_both_edges_of_the_broker,
    while_journeys_run_no_connection_between_two_services_goes_round_the_mesh,
}

fn shop(runtime: Runtime, more: &str) -> System {
    let system = System::shop("edges", more).on(runtime);
    system.up();
    system
}

fn edge(ps: &Value, name: &str) -> Value {
    let edges = ps["edges"].as_array().expect("edges");
    edges
        .iter()
        .find(|e| e["edge"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
        .clone()
}

/// Bytes that no compression makes fewer.
fn incompressible(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..count.div_ceil(8))
        .flat_map(|_| next())
        .take(count)
        .collect()
}

fn a_million_bytes_through_kafka_are_counted_in_full_on_both_edges_of_the_broker(runtime: Runtime) {
    let file = shop_file();
    let topics = &file["services"]["broker"]["environment"]["TOPICS"];
    let topics = topics.as_str().expect("topics");
    let system = shop(
        runtime,
        &format!("  broker:\n    environment: {{ TOPICS: \"{topics},bulk:1\" }}\n"),
    );
    let before = system.ps();
    let at = |name: &str| {
        edge(&before, name)["listen"]
            .as_str()
            .expect("listen")
            .to_owned()
    };
    let (produce, consume) = (at("orders->broker:9092"), at("notifications->broker:9092"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let producer = Producer::new(&produce, "bulk").unwrap();
        for (number, payload) in incompressible(1_000_000).chunks(100_000).enumerate() {
            let record = Record {
                topic: "bulk".into(),
                key: number.to_string(),
                payload: payload.to_vec(),
                headers: Vec::new(),
            };
            producer.publish(&record).await.unwrap();
        }
        let read = read_to_end(&consume, "bulk", "bulk", support::PATIENCE).await;
        let read = read.unwrap().into_iter().map(|it| it.record.payload.len());
        assert_eq!(read.sum::<usize>(), 1_000_000);
    });
    let after = system.ps();
    let grown = |name: &str, count: &str| {
        let of = |ps: &Value| edge(ps, name)["counts"][count].as_u64().unwrap();
        of(&after) - of(&before)
    };
    assert!(grown("orders->broker:9092", "bytes_to_callee") >= 1_000_000);
    assert!(grown("notifications->broker:9092", "bytes_from_callee") >= 1_000_000);
}

/// Connections between two services' containers: in every network namespace of its own, those whose
/// other end is another service's own address and not the mesh's.
fn round_the_mesh_in_containers(
    pids: &BTreeMap<u32, String>,
    addresses: &BTreeMap<IpAddr, String>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (pid, service) in pids {
        for table in ["tcp", "tcp6"] {
            let table = support::read(format!("/proc/{pid}/net/{table}").as_ref());
            for line in table.lines().skip(1) {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [_, _, remote, "01", ..] = words.as_slice() else {
                    continue;
                };
                match address(remote).and_then(|remote| addresses.get(&remote)) {
                    Some(other) if other != service => {
                        found.insert(format!("{service} -> {other}"));
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// An address as the kernel's table writes it; one of version 4 also where it stands in the longer
/// form.
fn address(written: &str) -> Option<IpAddr> {
    let (digits, _) = written.split_once(':')?;
    let word = u32::from_str_radix(digits.get(digits.len().checked_sub(8)?..)?, 16).ok()?;
    Some(IpAddr::from(word.to_ne_bytes()))
}

/// Who holds which socket, by inode.
fn sockets_of(pids: &BTreeMap<u32, String>) -> BTreeMap<u64, String> {
    let mut held = BTreeMap::new();
    for (pid, service) in pids {
        for fd in std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let target = std::fs::read_link(fd.path()).unwrap_or_default();
            let inode = target
                .to_str()
                .and_then(|t| t.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode {
                held.insert(inode, service.clone());
            }
        }
    }
    held
}

/// Established connections between two services' processes, as `caller -> callee`.
fn round_the_mesh(pids: &BTreeMap<u32, String>) -> BTreeSet<String> {
    let mut ends: BTreeMap<(String, String), String> = BTreeMap::new();
    let held = sockets_of(pids);
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in support::read(table.as_ref()).lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, "01", _, _, _, _, _, inode, ..] = words.as_slice() else {
                continue;
            };
            if let Some(service) = inode.parse().ok().and_then(|inode: u64| held.get(&inode)) {
                ends.insert(((*local).to_owned(), (*remote).to_owned()), service.clone());
            }
        }
    }
    let mut found = BTreeSet::new();
    for ((local, remote), service) in &ends {
        if let Some(other) = ends.get(&(remote.clone(), local.clone()))
            && other != service
        {
            found.insert(format!("{service} -> {other}"));
        }
    }
    found
}

fn while_journeys_run_no_connection_between_two_services_goes_round_the_mesh(runtime: Runtime) {
    if runtime == Runtime::Containers && !is_root() {
        return skipped("root, to look into the containers' networks");
    }
    let system = shop(runtime, "");
    let ps = system.ps();
    let pids: BTreeMap<u32, String> = ps["instances"]
        .as_array()
        .expect("instances")
        .iter()
        .filter_map(|i| {
            Some((
                u32::try_from(i["pid"].as_u64()?).ok()?,
                i["service"].as_str()?.to_owned(),
            ))
        })
        .collect();
    assert_eq!(pids.len(), shop_services().len(), "{ps:#}");
    let addresses: BTreeMap<IpAddr, String> = match runtime {
        Runtime::Processes => BTreeMap::new(),
        Runtime::Containers => pids
            .values()
            .flat_map(|service| {
                let container = format!("{}-{service}-1", system.project);
                let all = engine().unwrap().addresses(&container);
                all.into_iter().map(|address| (address, service.clone()))
            })
            .collect(),
    };
    let look = || match runtime {
        Runtime::Processes => round_the_mesh(&pids),
        Runtime::Containers => round_the_mesh_in_containers(&pids, &addresses),
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut found = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                found.extend(look());
                std::thread::yield_now();
            }
            found
        });
        system
            .run(&["journey", "run", "checkout", "--times", "5"])
            .expect(0);
        done.store(true, Ordering::Relaxed);
        assert_eq!(looking.join().unwrap(), BTreeSet::new());
    });
    let ps = system.ps();
    for name in [
        "orders->payments:8080",
        "orders->broker:9092",
        "client->gateway:8080",
    ] {
        let counts = &edge(&ps, name)["counts"];
        assert!(
            counts["bytes_to_callee"].as_u64() > Some(0),
            "{name}: {counts}"
        );
        assert!(
            counts["bytes_from_callee"].as_u64() > Some(0),
            "{name}: {counts}"
        );
    }
}
