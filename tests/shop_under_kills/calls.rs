//! Calls that share a connection (gRPC): the mesh cannot tell of a single one whether it was
//! answered, so who called says it, and who was called says whether it left one in hand.

use crate::support::{Shop, http};
use crate::tell;

/// Who calls, whom, and by which edge.
const CALLER: &str = "orders";
pub const CALLEE: &str = "inventory";
const EDGE: &str = "orders->inventory:50051";

/// What it logs when it ends in the middle of a call.
const LEFT: &str = "left work in hand at shutdown";

/// How the caller's calls have ended since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    answered: u64,
    /// Nothing of them was sent.
    refused: u64,
    /// Their connection ended first.
    broken: u64,
    /// Connections that the mesh took from the caller and found nobody for.
    unreached: u64,
}

impl Calls {
    /// As it stands.
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
        let edge = edges.find(|it| it["edge"] == EDGE).unwrap();
        Self {
            answered: count("answered"),
            refused: count("refused"),
            broken: count("broken"),
            unreached: edge["counts"]["failed_dials"].as_u64().unwrap(),
        }
    }

    /// No call was cut since `before`: the callee left none in hand, and a connection ended with
    /// calls on it only where the mesh had let it in and found nobody, so that nothing of them went
    /// anywhere. Whether any was answered: a caller whose breaker is still open makes none.
    pub fn none_was_cut_since(self, before: Self, shop: &Shop) -> bool {
        let [answered, refused, broken, unreached] = [
            self.answered - before.answered,
            self.refused - before.refused,
            self.broken - before.broken,
            self.unreached - before.unreached,
        ];
        tell(&format!(
            "{EDGE}: {answered} calls answered, {refused} not sent, {broken} ended without an \
             answer, {unreached} connections reached nobody"
        ));
        assert!(broken == 0 || unreached > 0, "{broken} calls were cut");
        let log = shop.system.run(&["logs", CALLEE]).expect(0).stdout;
        assert!(log.contains("asked to stop"), "{log}");
        assert!(!log.contains(LEFT), "{log}");
        answered > 0
    }
}
