//! What the files may say and no container engine could do: addresses outside of their network,
//! amounts that an engine refuses, signals that do not exist, shares of what nobody gives.
//!
//! What comes in: the tree in long form, and which services are to start. What leaves: an error for
//! each part, at its own place, so that it is told before anything is built or made. Docker Compose
//! prints such a file and fails while it makes the containers: `config` takes it, what runs does
//! not. What must not enter: what only this machine's engine knows (its processors, its version),
//! and what some engine takes, if only by leaving it aside.

use std::collections::BTreeSet;

use crate::id::ServiceName;
use crate::model::System;
use crate::problem::{Place, Problem, Problems};
use crate::yaml::{Key, Node};

mod hardware;
mod networks;
mod range;
mod resources;
mod settings;
mod shares;
mod signal;

impl System {
    /// What keeps `services` from starting in any engine: they and the networks that they are on.
    /// One of which no replica runs is not looked at, nor is any other.
    #[must_use]
    pub fn impossible(&self, services: &BTreeSet<ServiceName>) -> Problems {
        let mut problems = Problems::default();
        let Some(tree) = self.written.tree() else {
            return problems;
        };
        let runs = |key: &&(Key, Node)| {
            let name = key.0.text.as_str();
            let service = self.services.get(name).filter(|_| services.contains(name));
            service.is_some_and(|service| service.replicas > 0)
        };
        let started: Vec<&(Key, Node)> = tree.entries_of("services").iter().filter(runs).collect();
        networks::check(tree, &started, &mut problems);
        for (_, service) in started {
            resources::check(service, &mut problems);
            settings::check(service, &mut problems);
            signal::check(service, &mut problems);
            hardware::check(service, &mut problems);
            shares::check(self, tree, service, &mut problems);
        }
        problems
    }
}

/// Adds an error with what to do.
fn wrong(problems: &mut Problems, what: String, place: &Place, hint: impl Into<String>) {
    problems.push(Problem::error(what).at(place.clone()).hint(hint));
}

#[cfg(test)]
mod tests;
