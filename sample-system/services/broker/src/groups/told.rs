//! How many members the groups have, for whoever watches the broker.

use tokio::time::Instant;

use super::Groups;

/// As many groups are told of by name: their names are what clients chose.
const NAMED: usize = 100;

/// The longest name that is told; Kafka's tools take no longer one.
const LONGEST_NAME: usize = 249;

/// The groups at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Groups that have members.
    pub(crate) groups: usize,
    /// The first of them by name.
    pub(crate) named: Vec<Members>,
}

/// A group and how many members it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) group: String,
    pub(crate) members: usize,
}

impl Groups {
    /// Which groups have how many members now.
    pub(crate) fn told(&self) -> Told {
        let now = Instant::now();
        let mut told = Told::default();
        for (name, group) in self.lock().iter() {
            let members = group.size(now);
            if members == 0 {
                continue;
            }
            told.groups += 1;
            if told.named.len() < NAMED && name.len() <= LONGEST_NAME {
                told.named.push(Members {
                    group: name.clone(),
                    members,
                });
            }
        }
        told
    }
}
