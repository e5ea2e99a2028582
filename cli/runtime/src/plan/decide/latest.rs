//! Which of a replica's containers or processes is the latest.

use std::collections::HashMap;

use msvc_system::id::InstanceId;

use crate::observed::{Observed, ObservedInstance};

/// A replica, whatever its incarnation: its project, its lane, its service, its number.
pub(super) type Replica<'a> = (&'a str, &'a str, &'a str, u32);

pub(super) fn replica(id: &InstanceId) -> Replica<'_> {
    let InstanceId {
        project,
        lane,
        service,
        replica,
        incarnation: _,
    } = id;
    (project.as_str(), lane.as_str(), service.as_str(), *replica)
}

/// The latest incarnation of each replica that is there.
pub(super) fn latest(observed: &Observed) -> HashMap<Replica<'_>, &ObservedInstance> {
    let mut latest: HashMap<_, &ObservedInstance> = HashMap::new();
    for there in &observed.instances {
        let known = latest.entry(replica(&there.id)).or_insert(there);
        if known.id.incarnation <= there.id.incarnation {
            *known = there;
        }
    }
    latest
}
