//! Which instances are kept down under which lease. Leases are the mesh's; the control door tells
//! this table of each one's opening, renewal and end, and lifts what it hands back.

use std::collections::HashMap;
use std::time::Duration;

use msvc_mesh::lease::LeaseId;
use msvc_mesh::protocol::SessionId;
use msvc_system::id::InstanceId;
use tokio::time::Instant;

/// The leases that are open, with what each holds down.
#[derive(Debug, Default)]
pub(super) struct Holds {
    leases: HashMap<LeaseId, Lease>,
}

#[derive(Debug)]
struct Lease {
    session: SessionId,
    ttl: Duration,
    deadline: Instant,
    held: Vec<InstanceId>,
}

impl Holds {
    pub(super) fn opened(&mut self, id: LeaseId, session: SessionId, ttl: Duration, now: Instant) {
        let lease = Lease {
            session,
            ttl,
            deadline: now + ttl,
            held: Vec::new(),
        };
        self.leases.insert(id, lease);
    }

    pub(super) fn renewed(&mut self, id: LeaseId, now: Instant) {
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.deadline = now + lease.ttl;
        }
    }

    /// A lease was closed: what to lift.
    pub(super) fn closed(&mut self, id: LeaseId) -> Vec<InstanceId> {
        self.leases.remove(&id).map_or_else(Vec::new, |lease| lease.held)
    }

    /// A session ended: what to lift.
    pub(super) fn session_ended(&mut self, session: SessionId) -> Vec<InstanceId> {
        self.drop_where(|lease| lease.session == session)
    }

    /// What to lift because its lease was not renewed in time.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<InstanceId> {
        self.drop_where(|lease| lease.deadline <= now)
    }

    fn drop_where(&mut self, over: impl Fn(&Lease) -> bool) -> Vec<InstanceId> {
        let ended: Vec<LeaseId> = self
            .leases
            .iter()
            .filter(|(_, lease)| over(lease))
            .map(|(id, _)| *id)
            .collect();
        ended.into_iter().flat_map(|id| self.closed(id)).collect()
    }

    /// Puts an instance under a lease of this session; whether it has such a lease.
    pub(super) fn hold(&mut self, id: LeaseId, session: SessionId, instance: InstanceId) -> bool {
        match self.leases.get_mut(&id) {
            Some(lease) if lease.session == session => {
                lease.held.push(instance);
                true
            }
            _ => false,
        }
    }

    /// Takes an instance from its lease; whether it was under one.
    pub(super) fn lifted(&mut self, instance: &InstanceId) -> bool {
        let mut was = false;
        for lease in self.leases.values_mut() {
            let before = lease.held.len();
            lease.held.retain(|held| !held.same_replica(instance));
            was |= lease.held.len() < before;
        }
        was
    }

    pub(super) fn holds(&self, instance: &InstanceId) -> bool {
        let mut held = self.leases.values().flat_map(|lease| &lease.held);
        held.any(|held| held.same_replica(instance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> InstanceId {
        InstanceId {
            project: "shop".parse().unwrap(),
            lane: "main".parse().unwrap(),
            service: "orders".parse().unwrap(),
            replica: 1,
            incarnation: 1,
        }
    }

    #[test]
    fn whatever_ends_a_lease_hands_back_what_it_held() {
        let (now, ttl) = (Instant::now(), Duration::from_secs(1));
        let held = |end: fn(&mut Holds, Instant) -> Vec<InstanceId>| {
            let mut holds = Holds::default();
            holds.opened(LeaseId(1), 7, ttl, now);
            assert!(!holds.hold(LeaseId(1), 8, orders()), "another session's lease");
            assert!(!holds.hold(LeaseId(2), 7, orders()), "no such lease");
            assert!(holds.hold(LeaseId(1), 7, orders()));
            let lifted = end(&mut holds, now);
            assert_eq!(holds.holds(&orders()), lifted.is_empty());
            lifted.len()
        };
        assert_eq!(held(|holds, _| holds.closed(LeaseId(1))), 1);
        assert_eq!(held(|holds, _| holds.session_ended(7)), 1);
        assert_eq!(held(|holds, _| holds.session_ended(8)), 0);
        assert_eq!(held(|holds, now| holds.expired(now + Duration::from_secs(1))), 1);
        assert_eq!(
            held(|holds, now| {
                holds.renewed(LeaseId(1), now + Duration::from_millis(500));
                holds.expired(now + Duration::from_secs(1))
            }),
            0
        );
    }
}
