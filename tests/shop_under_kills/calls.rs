//! Calls that share a connection (gRPC): the mesh cannot tell of a single one whether it was
//! answered, so who called says it.

use serde_json::Value;

use crate::support::{Shop, http};
use crate::tell;

/// Who calls, whom, and by which edge.
const CALLER: &str = "orders";
pub const CALLEE: &str = "inventory";
const EDGE: &str = "orders->inventory:50051";

/// How the caller's calls have ended since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    answered: u64,
    /// Their connection ended first.
    broken: u64,
    /// Connections that the mesh took from the caller and found nobody for.
    unreached: u64,
}

impl Calls {
    /// As it stands; `ps` was asked for it.
    pub fn now(shop: &Shop) -> Self {
        let seen = shop.system.ps();
        let mut instances = seen["instances"].as_array().unwrap().iter();
        let caller = instances.find(|it| it["service"] == CALLER).unwrap();
        let at = caller["listens"][0]["backend"].as_str().unwrap();
        let (status, text) = http("GET", &format!("http://{at}/metrics"), &[], None);
        assert_eq!(status, 200, "{text}");
        let count = |outcome: &str| {
            let name = format!("calls_total{{peer=\"{CALLEE}\",outcome=\"{outcome}\"}} ");
            let mut lines = text.as_str().unwrap().lines();
            let value = lines.find_map(|line| line.strip_prefix(&name));
            value.map_or(0, |value| value.parse().unwrap())
        };
        let mut edges = seen["edges"].as_array().unwrap().iter();
        let edge: &Value = edges.find(|it| it["edge"] == EDGE).unwrap();
        Self {
            answered: count("answered"),
            broken: count("broken"),
            unreached: edge["counts"]["failed_dials"].as_u64().unwrap(),
        }
    }

    /// No call was cut since `before`: a connection of the caller ended with calls on it only where
    /// the mesh had let it in and found nobody, and so nothing of them went anywhere.
    pub fn none_was_cut_since(self, before: Self) {
        let (answered, broken) = (self.answered - before.answered, self.broken - before.broken);
        let unreached = self.unreached - before.unreached;
        tell(&format!(
            "{EDGE}: {answered} calls answered, {broken} ended without, {unreached} connections \
             reached nobody"
        ));
        assert!(broken == 0 || unreached > 0, "{broken} calls were cut");
    }
}
