//! Calls that share a connection (gRPC): the mesh cannot tell of a single one whether it was
//! answered, so who called says it.

use crate::support::{Shop, http};
use crate::tell;

/// Who calls, and whom.
const CALLER: &str = "orders";
pub const CALLEE: &str = "inventory";

/// How the caller's calls have ended since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    answered: u64,
    /// Nothing of them was sent.
    refused: u64,
    /// Their connection ended first.
    broken: u64,
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
        Self {
            answered: count("answered"),
            refused: count("refused"),
            broken: count("broken"),
        }
    }

    /// No call that was sent since `before` lost its connection.
    pub fn none_was_cut_since(self, before: Self) {
        let [answered, refused, broken] = [
            self.answered - before.answered,
            self.refused - before.refused,
            self.broken - before.broken,
        ];
        tell(&format!(
            "{CALLER}->{CALLEE}: {answered} calls answered, {refused} not sent, {broken} cut"
        ));
        assert!(answered > 0, "nobody called");
        assert_eq!(broken, 0, "calls were cut");
    }
}
