//! How a group comes from one generation to the next.

use bytes::Bytes;
use tansu_sans_io::ErrorCode;
use tokio::time::Instant;

use super::{Group, Joined, Member, Phase};

impl Group {
    pub(super) fn someone_left(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Dividing | Phase::Stable) {
            self.rebalance(now);
        }
    }

    pub(super) fn rebalance(&mut self, now: Instant) {
        let longest = self.members.values().map(|member| member.rebalance).max();
        self.phase = Phase::Joining {
            until: now + longest.unwrap_or_default(),
        };
        for member in self.members.values_mut() {
            member.answer_sync(now, Err(ErrorCode::RebalanceInProgress));
        }
    }

    pub(super) fn begin_generation(&mut self, now: Instant) {
        self.members.retain(|_, member| member.is_joining());
        self.generation += 1;
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            (self.kind, self.protocol, self.leader) = (None, None, None);
            return;
        }
        let stays = |leader: &String| self.members.contains_key(leader);
        self.leader = self
            .leader
            .take()
            .filter(stays)
            .or_else(|| self.members.keys().next().cloned());
        self.protocol = self.favourite();
        self.phase = Phase::Dividing;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            if let Some(member) = self.members.get_mut(&id) {
                member.heard = now;
                member.share = Bytes::new();
            }
            self.tell(&id);
        }
    }

    /// The first protocol of the leader that everybody knows; joining saw to it that there is one.
    fn favourite(&self) -> Option<String> {
        let leader = self.members.get(self.leader.as_deref()?)?;
        let known = |name: &String| {
            let knows = |m: &Member| m.protocols.iter().any(|(other, _)| other == name);
            self.members.values().all(knows)
        };
        leader
            .protocols
            .iter()
            .map(|(name, _)| name)
            .find(|name| known(name))
            .cloned()
    }

    /// Answers a member's join.
    pub(super) fn tell(&mut self, id: &str) {
        let answer = self.joined(id, ErrorCode::None);
        if let Some(join) = self
            .members
            .get_mut(id)
            .and_then(|member| member.joining.take())
        {
            drop(join.send(answer));
        }
    }

    pub(super) fn joined(&self, id: &str, error: ErrorCode) -> Joined {
        let protocol = self.protocol.clone().unwrap_or_default();
        let describe = |(id, member): (&String, &Member)| {
            (id.clone(), member.instance.clone(), member.data(&protocol))
        };
        let is_leader = error == ErrorCode::None && self.leader.as_deref() == Some(id);
        Joined {
            error,
            member: id.to_owned(),
            generation: self.generation,
            kind: self.kind.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            members: if is_leader {
                self.members.iter().map(describe).collect()
            } else {
                Vec::new()
            },
        }
    }

    pub(super) fn divide(&mut self, now: Instant, shares: Vec<(String, Bytes)>) {
        for (id, share) in shares {
            if let Some(member) = self.members.get_mut(&id) {
                member.share = share;
            }
        }
        self.phase = Phase::Stable;
        for member in self.members.values_mut() {
            member.answer_sync(now, Ok(member.share.clone()));
        }
    }
}
