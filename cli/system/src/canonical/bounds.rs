//! What short forms may come to: a range of ports is one word, and thousands of ports.

use super::Lengthening;
use crate::problem::{Place, Problem};
use crate::yaml::MAX_NODES;

/// Ports that the ranges of all services may come to: every port of a machine, and then some.
pub(super) const MAX_PORTS: usize = 70_000;
/// Nodes that a mount, device or file comes to in its long form.
pub(super) const LONG_ITEM: usize = 7;
/// Nodes that a dependency comes to.
pub(super) const LONG_DEPENDENCY: usize = 4;

impl Lengthening<'_> {
    /// Counts nodes; whether they are still few enough. That they are too many is told once.
    pub(super) fn may_make(&mut self, more: usize, place: &Place) -> bool {
        let fitted = self.made <= MAX_NODES;
        self.made = self.made.saturating_add(more);
        let fits = self.made <= MAX_NODES;
        if fitted && !fits {
            let what =
                format!("in their long form the short forms have more than {MAX_NODES} nodes");
            let problem = Problem::error(what).at(place.clone());
            self.problems
                .push(problem.hint("part the system among several projects"));
        }
        fits
    }

    /// Counts ports; whether they are still few enough. That they are too many is told once.
    pub(super) fn ports_left(&mut self, more: usize, place: &Place) -> bool {
        let fitted = self.ports <= MAX_PORTS;
        self.ports = self.ports.saturating_add(more);
        let fits = self.ports <= MAX_PORTS;
        if fitted && !fits {
            let what = format!("all services together have more than {MAX_PORTS} ports");
            let problem = Problem::error(what).at(place.clone());
            self.problems
                .push(problem.hint("open fewer, or part the system among several projects"));
        }
        fits
    }
}
