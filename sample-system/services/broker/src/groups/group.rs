//! One consumer group: who is in it, which generation it is in, who reads what.
//!
//! Kafka's classic protocol as a state machine. It does no I/O and reads no clock: requests come
//! in with the time, answers go out, those that must wait leave a channel behind.
//!
//! A generation begins with a *rebalance*: every member joins, or is dropped when its session
//! ends or the rebalance takes too long. One member is the leader; it divides the partitions and
//! hands all shares over, and the group is stable until somebody comes, goes or dies.
//!
//! What must never happen: a generation whose shares come from anybody but its leader (the others
//! would sit there with nothing to read, for ever), or one that counts a dead member.

mod generation;
mod member;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use tansu_sans_io::ErrorCode;
use tokio::{sync::oneshot, time::Instant};

use member::Member;

/// Members that one group may have.
const MOST_MEMBERS: usize = 256;

/// The sessions that a member may ask for; the bounds of Kafka's brokers by default.
const SESSIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(6)..=Duration::from_secs(1_800);

/// A connection to the broker; no two have the same, one after the other neither.
pub(super) type ConnectionId = u64;

/// What a member asks for when it joins.
#[derive(Clone, Debug)]
pub(super) struct Joining {
    /// Where it asks.
    pub(super) connection: ConnectionId,
    /// Its id, empty when it has none yet.
    pub(super) member: String,
    /// A name that outlives its process, where it has one.
    pub(super) instance: Option<String>,
    /// An id for it, should it need one.
    pub(super) fresh_id: String,
    /// What kind of group it takes this for.
    pub(super) kind: String,
    /// How partitions may be divided, its favourite first, each with its own data.
    pub(super) protocols: Vec<(String, Bytes)>,
    /// How long it may be silent.
    pub(super) session: Duration,
    /// How long a rebalance waits for it.
    pub(super) rebalance: Duration,
}

/// The answer to a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) error: ErrorCode,
    pub(super) member: String,
    pub(super) generation: i32,
    pub(super) kind: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) leader: String,
    /// For the leader: every member, its instance, its data.
    pub(super) members: Vec<(String, Option<String>, Bytes)>,
}

/// The answer to a sync: a member's share.
pub(super) type Synced = Result<Bytes, ErrorCode>;

/// An answer, now or later.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Now(T),
    Later(oneshot::Receiver<T>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nobody is in it.
    #[default]
    Empty,
    /// Members are joining the next generation.
    Joining { until: Instant },
    /// The generation is made, its leader divides the partitions.
    Dividing,
    /// Everybody has a share.
    Stable,
}

/// A group of consumers.
#[derive(Debug, Default)]
pub(super) struct Group {
    phase: Phase,
    generation: i32,
    kind: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Ids that were given out and have not joined yet, with when they end.
    promised: BTreeMap<String, Instant>,
}

impl Group {
    /// A member wants into the next generation.
    pub(super) fn join(&mut self, now: Instant, request: Joining) -> Answer<Joined> {
        self.advance(now);
        let refuse = |error, member: String| {
            Answer::Now(Joined {
                error,
                member,
                generation: -1,
                kind: None,
                protocol: None,
                leader: String::new(),
                members: Vec::new(),
            })
        };
        if let Err(error) = self.admissible(&request) {
            return refuse(error, request.member);
        }
        let id = match self.identify(now, &request) {
            Ok(id) => id,
            Err((error, id)) => return refuse(error, id),
        };
        let changed = self
            .members
            .get(&id)
            .is_none_or(|member| member.protocols != request.protocols);
        let is_leader = self.leader.as_deref() == Some(id.as_str());
        let (sender, receiver) = oneshot::channel();
        let before = self.members.remove(&id);
        self.members.insert(
            id.clone(),
            Member {
                instance: request.instance,
                protocols: request.protocols,
                session: request.session,
                rebalance: request.rebalance,
                heard: now,
                connection: request.connection,
                hung_up: None,
                joining: Some(sender),
                syncing: None,
                share: before.map(|member| member.share).unwrap_or_default(),
            },
        );
        self.kind.get_or_insert(request.kind);
        match self.phase {
            Phase::Joining { .. } => {}
            // It did not hear the answer: it is told the same again.
            Phase::Dividing if !changed => self.tell(&id),
            Phase::Stable if !changed && !is_leader => self.tell(&id),
            Phase::Empty | Phase::Dividing | Phase::Stable => self.rebalance(now),
        }
        self.advance(now);
        Answer::Later(receiver)
    }

    /// A member wants its share; the leader brings all of them.
    pub(super) fn sync(
        &mut self,
        now: Instant,
        id: &str,
        generation: i32,
        shares: Vec<(String, Bytes)>,
    ) -> Answer<Synced> {
        self.advance(now);
        if let Err(error) = self.know(now, id, generation) {
            return Answer::Now(Err(error));
        }
        match self.phase {
            Phase::Empty => Answer::Now(Err(ErrorCode::UnknownMemberId)),
            Phase::Joining { .. } => Answer::Now(Err(ErrorCode::RebalanceInProgress)),
            Phase::Stable => {
                let member = self.members.get(id);
                Answer::Now(Ok(member.map(|m| m.share.clone()).unwrap_or_default()))
            }
            Phase::Dividing => {
                let (sender, receiver) = oneshot::channel();
                if let Some(member) = self.members.get_mut(id) {
                    member.syncing = Some(sender);
                }
                if self.leader.as_deref() == Some(id) {
                    self.divide(now, shares);
                }
                Answer::Later(receiver)
            }
        }
    }

    /// Somebody says to be the member `id`, on a connection.
    pub(super) fn speaks(&mut self, id: &str, connection: ConnectionId) {
        if let Some(member) = self.members.get_mut(id) {
            member.speaks(connection);
        }
    }

    /// A connection ended: members that spoke on it last come back on another one soon, or never.
    pub(super) fn hung_up(&mut self, now: Instant, connection: ConnectionId) {
        let members = self.members.values_mut();
        for member in members.filter(|member| member.connection == connection) {
            member.hung_up = Some(now);
        }
    }

    /// A member lives.
    pub(super) fn heartbeat(&mut self, now: Instant, id: &str, generation: i32) -> ErrorCode {
        self.advance(now);
        match self.know(now, id, generation) {
            Err(error) => error,
            Ok(()) => match self.phase {
                Phase::Joining { .. } => ErrorCode::RebalanceInProgress,
                _ => ErrorCode::None,
            },
        }
    }

    /// A member goes; named by id, or by instance where the id is empty.
    pub(super) fn leave(&mut self, now: Instant, id: &str, instance: Option<&str>) -> ErrorCode {
        self.advance(now);
        let id = match instance {
            Some(instance) if id.is_empty() => self.instance(instance).unwrap_or_default(),
            _ => id.to_owned(),
        };
        if self.promised.remove(&id).is_some() {
            return ErrorCode::None;
        }
        if !self.drop_member(&id, ErrorCode::UnknownMemberId) {
            return ErrorCode::UnknownMemberId;
        }
        self.someone_left(now);
        self.advance(now);
        ErrorCode::None
    }

    /// Whether a member of this generation may commit offsets now.
    pub(super) fn may_commit(&mut self, now: Instant, id: &str, generation: i32) -> ErrorCode {
        self.advance(now);
        // A reader that is in no group at all keeps its place under the group's name.
        if id.is_empty() && generation < 0 && self.members.is_empty() {
            return ErrorCode::None;
        }
        match self.know(now, id, generation) {
            Err(error) => error,
            Ok(()) if self.phase == Phase::Dividing => ErrorCode::RebalanceInProgress,
            Ok(()) => ErrorCode::None,
        }
    }

    /// Lets time do its part: sessions end, a rebalance that has everybody or waited enough is
    /// finished.
    pub(super) fn advance(&mut self, now: Instant) {
        self.promised.retain(|_, end| *end > now);
        let dead: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| !member.is_waiting() && member.session_end() <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in &dead {
            tracing::info!(member = id, generation = self.generation, "a session ended");
            self.drop_member(id, ErrorCode::UnknownMemberId);
        }
        if !dead.is_empty() {
            self.someone_left(now);
        }
        if let Phase::Joining { until } = self.phase
            && (now >= until || self.members.values().all(Member::is_joining))
        {
            self.begin_generation(now);
        }
    }

    /// When time does its next part, should nobody ask before.
    pub(super) fn next(&self) -> Option<Instant> {
        let waiting = |member: &&Member| !member.is_waiting();
        let sessions = self
            .members
            .values()
            .filter(waiting)
            .map(Member::session_end);
        let until = match self.phase {
            Phase::Joining { until } => Some(until),
            _ => None,
        };
        sessions.chain(until).min()
    }

    /// Members that live.
    pub(super) fn size(&self, now: Instant) -> usize {
        let lives = |member: &&Member| member.is_waiting() || member.session_end() > now;
        self.members.values().filter(lives).count()
    }

    /// Whether nothing of the group would be lost with it.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }

    fn admissible(&self, request: &Joining) -> Result<(), ErrorCode> {
        if !SESSIONS.contains(&request.session) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        let others = || self.members.iter().filter(|(id, _)| **id != request.member);
        let common = request.protocols.iter().any(|(name, _)| {
            others().all(|(_, member)| member.protocols.iter().any(|(other, _)| other == name))
        });
        let kind = others().next().is_none() || self.kind.as_deref() == Some(&request.kind);
        if !common || !kind {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// The id under which a request joins, or why it does not, with the id to try again with.
    fn identify(&mut self, now: Instant, request: &Joining) -> Result<String, (ErrorCode, String)> {
        let known = self.members.contains_key(&request.member);
        let full = self.members.len() + self.promised.len() >= MOST_MEMBERS;
        let id = request.member.clone();
        if let Some(instance) = &request.instance {
            let holder = self.instance(instance);
            if id.is_empty() {
                // The process before it is gone; whoever still speaks for it is told so.
                if let Some(holder) = holder {
                    self.drop_member(&holder, ErrorCode::FencedInstanceId);
                }
                return Ok(request.fresh_id.clone());
            }
            return match holder {
                Some(holder) if holder == id => Ok(id),
                Some(_) => Err((ErrorCode::FencedInstanceId, id)),
                None => Err((ErrorCode::UnknownMemberId, id)),
            };
        }
        if id.is_empty() && full {
            return Err((ErrorCode::GroupMaxSizeReached, id));
        }
        if id.is_empty() {
            let end = now + request.session;
            self.promised.insert(request.fresh_id.clone(), end);
            return Err((ErrorCode::MemberIdRequired, request.fresh_id.clone()));
        }
        if known || self.promised.remove(&id).is_some() {
            return Ok(id);
        }
        Err((ErrorCode::UnknownMemberId, id))
    }

    fn instance(&self, instance: &str) -> Option<String> {
        let found = |(_, member): &(&String, &Member)| member.instance.as_deref() == Some(instance);
        self.members.iter().find(found).map(|(id, _)| id.clone())
    }

    /// Checks that a member belongs to this generation, and that it lives.
    fn know(&mut self, now: Instant, id: &str, generation: i32) -> Result<(), ErrorCode> {
        let current = self.generation;
        let member = self.members.get_mut(id).ok_or(ErrorCode::UnknownMemberId)?;
        if generation != current {
            return Err(ErrorCode::IllegalGeneration);
        }
        member.heard = now;
        Ok(())
    }

    /// Takes a member out, telling it why where it waits; whether there was one.
    fn drop_member(&mut self, id: &str, why: ErrorCode) -> bool {
        let Some(member) = self.members.remove(id) else {
            return false;
        };
        if let Some(sync) = member.syncing {
            drop(sync.send(Err(why)));
        }
        if let Some(join) = member.joining {
            drop(join.send(self.joined(id, why)));
        }
        true
    }
}

#[cfg(test)]
mod tests;
