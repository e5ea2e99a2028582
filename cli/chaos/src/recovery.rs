//! The times of a kill: when it was felt, when the service was back.
//!
//! All are nanoseconds on the monotonic clock of the one process that is both supervisor and
//! mesh, so that they compare.

use std::collections::{BTreeMap, BTreeSet};

use msvc_mesh::exchange::{ConnectionId, Incident, IncidentKind};
use msvc_system::id::{Party, ServiceName};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::order::shown;

/// How a kill went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Who was killed.
    pub service: ServiceName,
    /// When.
    pub killed_at_ns: u64,
    /// The first sign of it on any of its edges.
    pub detected: Option<Detected>,
    /// The requests that it had in hand, by edge; none where the mesh saw no one waiting.
    #[serde(default)]
    pub cut: Vec<Cut>,
    /// When its restart policy was let decide.
    pub released_at_ns: Option<u64>,
    /// When a new process of it ran.
    pub up_at_ns: Option<u64>,
    /// When that was healthy, and every edge into it accepted.
    pub healthy_at_ns: Option<u64>,
    /// What kept it from coming back, when it did not.
    pub stayed_down: Option<StayedDown>,
}

/// Why a killed service did not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StayedDown {
    /// Its restart policy says so.
    Policy,
    /// It was not healthy in time.
    NotInTime,
}

/// The first sign of a kill that somebody else saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detected {
    /// When.
    pub at_ns: u64,
    /// On which edge, as `caller->callee:port`.
    pub edge: String,
    /// What was seen there.
    pub kind: IncidentKind,
}

/// Requests that were in hand when a service was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// On which edge, as `caller->callee:port`.
    pub edge: String,
    /// Connections on which the caller waited for an answer, by what the mesh had passed on.
    pub connections: u64,
}

/// The requests that `service` had in hand at its kill, by edge: connections into it that ended
/// with it while the caller had the last word.
#[must_use]
pub fn in_hand<'a>(
    service: &ServiceName,
    killed_at_ns: u64,
    up_at_ns: Option<u64>,
    incidents: impl IntoIterator<Item = &'a Incident>,
) -> Vec<Cut> {
    let by_its_end = |kind| matches!(kind, IncidentKind::Reset | IncidentKind::Ended);
    // A connection that ends one way and breaks the other is told twice.
    let cut: BTreeSet<(String, u64)> = incidents
        .into_iter()
        .filter(|incident| incident.connection.edge.callee == *service)
        .filter(|incident| by_its_end(incident.kind) && incident.unanswered)
        .filter(|incident| incident.at_ns >= killed_at_ns)
        .filter(|incident| up_at_ns.is_none_or(|up| incident.at_ns < up))
        .map(|incident| {
            let ConnectionId {
                edge, connection, ..
            } = &incident.connection;
            (edge.to_string(), *connection)
        })
        .collect();
    let mut by_edge = BTreeMap::new();
    for (edge, _) in cut {
        *by_edge.entry(edge).or_insert(0) += 1;
    }
    let each = by_edge.into_iter();
    each.map(|(edge, connections)| Cut { edge, connections })
        .collect()
}

/// The first of `incidents` that shows, to somebody on an edge of `service`, that it is gone:
/// from the kill on, and before `up_at_ns`, for what its next incarnation does is no sign of it.
///
/// On an edge into it that is a refused, reset or ended connection. On an edge out of it, it is
/// the service that ends or resets: the callee sees that, and what the callee ends is its own
/// affair.
#[must_use]
pub fn first_sign<'a>(
    service: &ServiceName,
    killed_at_ns: u64,
    up_at_ns: Option<u64>,
    incidents: impl IntoIterator<Item = &'a Incident>,
) -> Option<Detected> {
    incidents
        .into_iter()
        .filter(|incident| incident.at_ns >= killed_at_ns)
        .filter(|incident| up_at_ns.is_none_or(|up| incident.at_ns < up))
        .filter(|incident| shows(service, incident))
        .min_by_key(|incident| incident.at_ns)
        .map(|incident| Detected {
            at_ns: incident.at_ns,
            edge: incident.connection.edge.to_string(),
            kind: incident.kind,
        })
}

/// Whether an incident shows that `service` is gone.
#[must_use]
pub fn shows(service: &ServiceName, incident: &Incident) -> bool {
    let edge = &incident.connection.edge;
    let inbound = edge.callee == *service;
    let outbound = matches!(&edge.caller, Party::Service(caller) if caller == service);
    match incident.kind {
        IncidentKind::Refused | IncidentKind::Ended => inbound,
        IncidentKind::Reset => inbound || outbound,
        IncidentKind::CallerEnded => outbound,
    }
}

impl Recovery {
    /// The times, a sentence each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let since = |at: u64| shown(rounded(at.saturating_sub(self.killed_at_ns)));
        let mut said = vec![match &self.detected {
            Some(detected) => format!(
                "detected after {} ({} on {})",
                since(detected.at_ns),
                word(detected.kind),
                detected.edge
            ),
            None => "not detected: no connection on any of its edges was refused, reset or ended"
                .to_owned(),
        }];
        for Cut { edge, connections } in &self.cut {
            let s = if *connections == 1 { "" } else { "s" };
            said.push(format!("cut {connections} request{s} in hand ({edge})"));
        }
        if let Some(at) = self.released_at_ns {
            said.push(format!("kept down for {}", since(at)));
        }
        match self.up_at_ns {
            Some(at) => said.push(format!("up after {}", since(at))),
            None => said.push("not up again".to_owned()),
        }
        match (self.healthy_at_ns, self.stayed_down) {
            (Some(at), _) => said.push(format!("healthy after {}", since(at))),
            // Why, and what to do, is the finding that decides (`verdict::of_kill`).
            (None, Some(StayedDown::Policy)) => {}
            (None, Some(StayedDown::NotInTime)) => said.push("not healthy in time".to_owned()),
            (None, None) => said.push("not known to be healthy".to_owned()),
        }
        said
    }

    /// The same in one line.
    #[must_use]
    pub fn line(&self) -> String {
        self.sentences().join(", ")
    }
}

/// Whole milliseconds, or microseconds below one.
fn rounded(ns: u64) -> Duration {
    if ns < 1_000_000 {
        Duration::from_micros(ns / 1000)
    } else {
        Duration::from_millis(ns / 1_000_000)
    }
}

const fn word(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Refused => "a connection refused",
        IncidentKind::Reset => "a connection reset",
        IncidentKind::Ended | IncidentKind::CallerEnded => "a connection ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msvc_system::id::{EdgeId, LaneName};

    fn incident(caller: &str, callee: &str, kind: IncidentKind, at_ns: u64) -> Incident {
        Incident {
            connection: ConnectionId {
                mesh: "m".to_owned(),
                edge: EdgeId {
                    lane: LaneName::main(),
                    caller: caller.parse().unwrap(),
                    callee: callee.parse().unwrap(),
                    port: 80,
                },
                connection: 1,
            },
            kind,
            unanswered: false,
            at_ns,
        }
    }

    #[test]
    fn in_hand_is_who_waited_for_the_killed_service_when_it_ended_each_once() {
        use IncidentKind::{CallerEnded, Ended, Refused, Reset};
        let mail = "mail".parse().unwrap();
        let waiting = |connection: u64, caller, callee, kind, at_ns| {
            let mut it = incident(caller, callee, kind, at_ns);
            it.connection.connection = connection;
            it.unanswered = true;
            it
        };
        let all = [
            waiting(1, "orders", "mail", Ended, 12),
            waiting(1, "orders", "mail", Reset, 13),
            waiting(2, "orders", "mail", Reset, 12),
            waiting(1, "gateway", "mail", Ended, 12),
            // Before the kill, after the restart, given up by the caller, never carried, its own
            // call, and one that nobody waited on.
            waiting(3, "orders", "mail", Ended, 9),
            waiting(4, "orders", "mail", Ended, 20),
            waiting(5, "orders", "mail", CallerEnded, 12),
            waiting(6, "orders", "mail", Refused, 12),
            waiting(7, "mail", "broker", Reset, 12),
            incident("shipping", "mail", Ended, 12),
        ];
        let cut = in_hand(&mail, 10, Some(20), &all);
        let cut: Vec<_> = cut
            .iter()
            .map(|it| (it.edge.as_str(), it.connections))
            .collect();
        assert_eq!(cut, [("gateway->mail:80", 1), ("orders->mail:80", 2)]);
    }

    #[test]
    fn only_what_others_see_of_the_killed_service_detects_it() {
        use IncidentKind::{CallerEnded, Ended, Refused, Reset};
        let mail = "mail".parse().unwrap();
        let table = [
            ("orders", "mail", Refused, true),
            ("orders", "mail", Reset, true),
            ("orders", "mail", Ended, true),
            ("orders", "mail", CallerEnded, false),
            ("mail", "broker", CallerEnded, true),
            ("mail", "broker", Reset, true),
            ("mail", "broker", Ended, false),
            ("mail", "broker", Refused, false),
            ("orders", "broker", Reset, false),
            ("@client", "mail", Reset, true),
        ];
        for (caller, callee, kind, expected) in table {
            let seen = incident(caller, callee, kind, 7);
            assert_eq!(shows(&mail, &seen), expected, "{caller} {callee} {kind:?}");
        }
    }

    #[test]
    fn the_first_sign_after_the_kill_counts_and_earlier_ones_do_not() {
        let mail = "mail".parse().unwrap();
        let all = [
            incident("orders", "mail", IncidentKind::Ended, 5),
            incident("orders", "mail", IncidentKind::Refused, 30),
            incident("mail", "broker", IncidentKind::CallerEnded, 20),
        ];
        assert_eq!(first_sign(&mail, 10, None, &all).unwrap().at_ns, 20);
        assert_eq!(first_sign(&mail, 10, Some(21), &all).unwrap().at_ns, 20);
        assert_eq!(first_sign(&mail, 31, None, &all), None);
    }

    #[test]
    fn what_the_next_incarnation_does_is_no_sign_of_the_kill() {
        let mail = "mail".parse().unwrap();
        let all = [incident("mail", "broker", IncidentKind::CallerEnded, 20)];
        assert_eq!(first_sign(&mail, 10, Some(15), &all), None);
    }

    #[test]
    fn the_times_read_from_the_kill_on() {
        let mut recovery = Recovery {
            service: "mail".parse().unwrap(),
            killed_at_ns: 1_000_000,
            detected: Some(Detected {
                at_ns: 1_400_000,
                edge: "mail->broker:9092".to_owned(),
                kind: IncidentKind::CallerEnded,
            }),
            cut: vec![Cut {
                edge: "orders->mail:2525".to_owned(),
                connections: 2,
            }],
            released_at_ns: Some(3_001_000_000),
            up_at_ns: Some(3_021_000_000),
            healthy_at_ns: Some(3_501_000_000),
            stayed_down: None,
        };
        assert_eq!(
            recovery.line(),
            "detected after 400us (a connection ended on mail->broker:9092), \
             cut 2 requests in hand (orders->mail:2525), kept down for 3s, \
             up after 3s 20ms, healthy after 3s 500ms"
        );
        recovery.detected = None;
        recovery.up_at_ns = None;
        recovery.healthy_at_ns = None;
        recovery.stayed_down = Some(StayedDown::Policy);
        let line = recovery.line();
        assert!(line.starts_with("not detected"), "{line}");
        assert!(line.ends_with("kept down for 3s, not up again"), "{line}");
    }
}
