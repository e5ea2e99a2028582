//! Killing a service, or asking it to stop, while an order is in its hands.

use std::time::{Duration, Instant};

use msvc_machine::draw;
use serde_json::Value;

use crate::calls::{CALLEE, Calls};
use crate::support::{Running, Shop, System, kill, until};
use crate::tell;

/// How a service is brought down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By SIGKILL: `msvc chaos kill`.
    Killed,
    /// By SIGTERM, as whoever deploys a new version does.
    AskedToStop,
}

/// The services that an order passes, each with the edge by which.
const PATH: [(&str, &str); 5] = [
    ("gateway", "client->gateway:8080"),
    ("orders", "gateway->orders:8080"),
    ("catalog", "orders->catalog:8080"),
    ("inventory", "orders->inventory:50051"),
    ("payments", "orders->payments:8080"),
];

/// Calls that are over in a few milliseconds are made longer by the mesh, so that a kill meets one.
const SLOWED: [(&str, &str); 3] = [
    ("orders->catalog", "300ms"),
    ("orders->inventory:50051", "150ms"),
    ("orders->payments", "300ms"),
];

/// What was struck.
pub struct Struck {
    /// When; a little before, since the command had to begin.
    pub since: Instant,
    /// How long it took until it was healthy again.
    pub back: Duration,
    /// Whether it counts: of a service on an order's path, only while an order was in its hands.
    pub counts: bool,
}

/// What strikes.
pub struct Strike<'a> {
    shop: &'a Shop,
    way: Way,
    _slow: Vec<Running>,
}

impl<'a> Strike<'a> {
    /// Slows the short calls down, for as long as this lives.
    pub fn prepare(shop: &'a Shop, way: Way, seed: u64) -> Self {
        let slow = SLOWED.map(|(edge, delay)| {
            let seed = (draw::bits(seed, &["slow", edge]) >> 11).to_string();
            let words = ["chaos", "inject", "latency", "--edge", edge];
            // A request that is held on its way to a service that is just closing the connection
            // would come too late, as HTTP/1.1 has it: nobody can tell who is still on the way.
            let stream = match way {
                Way::Killed => "upstream",
                Way::AskedToStop => "downstream",
            };
            let how = ["--delay", delay, "--jitter", "50ms", "--stream", stream];
            let mut slow = (shop.system).start(&[&words[..], &how, &["--seed", &seed]].concat());
            slow.wait_for(&format!(" on {edge}"));
            slow
        });
        Self {
            shop,
            way,
            _slow: slow.into(),
        }
    }

    /// Brings a service down and waits until it is up again.
    pub fn at(&self, service: &str) -> Struck {
        let edge = PATH.iter().find(|(of, _)| *of == service);
        let edge = edge.map(|(_, edge)| *edge);
        let since = Instant::now();
        let met = match self.way {
            Way::Killed => self.kill(service, edge),
            Way::AskedToStop => self.ask_to_stop(service, edge),
        };
        let back = since.elapsed();
        tell(&format!("{service}: {met} in hand, back after {back:.1?}"));
        Struck {
            since,
            back,
            counts: edge.is_none() || met > 0,
        }
    }

    /// Kills it; how many requests it had in hand on an edge, as the mesh counts.
    fn kill(&self, service: &str, edge: Option<&str>) -> u64 {
        let words = ["chaos", "kill", service, "--format", "json"];
        let done = self.shop.system.run(&words);
        // 5: nobody called it just then.
        assert!(matches!(done.code(), 0 | 5), "{done:#?}");
        let report = done.json();
        let cut = report["detail"]["recovery"]["cut"].as_array();
        let cut = cut.unwrap_or_else(|| panic!("{report:#}"));
        let here = cut.iter().filter(|it| it["edge"].as_str() == edge);
        here.filter_map(|it| it["connections"].as_u64()).sum()
    }

    /// The same by SIGTERM; what was in hand is counted just before.
    fn ask_to_stop(&self, service: &str, edge: Option<&str>) -> u64 {
        let system = &self.shop.system;
        let seen = system.ps();
        let before = pid(&seen, service).unwrap();
        let calls = (service == CALLEE).then(|| Calls::now(self.shop));
        kill("TERM", before);
        let edges = seen["edges"].as_array().unwrap();
        let here = edges.iter().filter(|it| it["edge"].as_str() == edge);
        let waiting = here.filter_map(|it| it["counts"]["waiting"].as_u64()).sum();
        back(system, service, before);
        let called = |before| Calls::now(self.shop).none_was_cut_since(before, self.shop);
        // A strike that met no call shows nothing of calls, and is repeated.
        let shows = calls.is_none_or(called);
        if shows { waiting } else { 0 }
    }
}

/// Waits until another process of it is ready.
fn back(system: &System, service: &str, before: u32) {
    until(&format!("a new {service}"), || {
        let seen = system.ps();
        let ready = instance(&seen, service).is_some_and(|it| it["health"] == "ready");
        let other = pid(&seen, service).is_some_and(|pid| pid != before);
        (ready && other).then_some(())
    });
}

fn instance<'a>(ps: &'a Value, service: &str) -> Option<&'a Value> {
    let mut all = ps["instances"].as_array()?.iter();
    all.find(|it| it["service"] == service)
}

fn pid(ps: &Value, service: &str) -> Option<u32> {
    let pid = instance(ps, service)?["pid"].as_u64()?;
    u32::try_from(pid).ok()
}
