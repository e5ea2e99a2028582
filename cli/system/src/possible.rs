//! What the files may say and no container engine could do: addresses outside of their network,
//! amounts that an engine refuses.
//!
//! What comes in: the tree in long form, and which services run. What leaves: an error for each
//! part, at its own place, so that it is told before anything is built or made. Docker Compose
//! prints such a file and fails while it makes the containers: `config` takes it, what runs does
//! not. What must not enter: what only this machine's engine knows (its processors, its version).

use std::collections::BTreeSet;

use crate::problem::{Place, Problem, Problems};
use crate::yaml::{Key, Node};

mod networks;
mod range;
mod resources;

/// Checks the services that run, and the networks that they are on.
pub(crate) fn check(tree: &Node, running: &BTreeSet<String>, problems: &mut Problems) {
    let services: Vec<&(Key, Node)> = tree
        .entries_of("services")
        .iter()
        .filter(|(key, _)| running.contains(&key.text))
        .collect();
    networks::check(tree, &services, problems);
    for (_, service) in services {
        resources::check(service, problems);
    }
}

/// Adds an error with what to do.
fn wrong(problems: &mut Problems, what: String, place: &Place, hint: impl Into<String>) {
    problems.push(Problem::error(what).at(place.clone()).hint(hint));
}

#[cfg(test)]
mod tests;
