//! What faults keep down: the supervisor's own memory of it, beside what is on disk.

use msvc_mesh::lease::LeaseId;
use msvc_system::id::InstanceId;

/// What is kept down, under which lease, and by which command.
#[derive(Debug, Default)]
pub(super) struct Holds(Vec<(LeaseId, InstanceId, Option<String>)>);

impl Holds {
    /// Whether it was not held before.
    pub(super) fn hold(
        &mut self,
        lease: LeaseId,
        instance: &InstanceId,
        by: Option<String>,
    ) -> bool {
        let free = !self
            .0
            .iter()
            .any(|(_, held, _)| held.same_replica(instance));
        if free {
            self.0.push((lease, instance.clone(), by));
        }
        free
    }

    /// Whether it was held.
    pub(super) fn lift(&mut self, instance: &InstanceId) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, held, _)| !held.same_replica(instance));
        self.0.len() < before
    }

    /// The command that keeps an instance down, as far as it said so.
    pub(super) fn by(&self, instance: &InstanceId) -> Option<String> {
        let mut held = self.0.iter();
        let held = held.find(|(_, held, _)| held.same_replica(instance))?;
        held.2.clone()
    }

    pub(super) fn under(&self, lease: LeaseId) -> Vec<InstanceId> {
        let held = self.0.iter().filter(|(under, ..)| *under == lease);
        held.map(|(_, instance, _)| instance.clone()).collect()
    }
}
