//! Consumer groups: Kafka's group requests, answered from [`group::Group`]s in memory.
//!
//! The library brings a coordinator of its own, which waits blindly for three seconds and lets a
//! follower close a generation when its leader dies at that moment: a service that was killed and
//! came back then sat in its group with nothing to read (seen with one consumer that was restarted
//! four seconds after `kill -9`). This one follows Kafka's protocol. It lives in memory, as groups
//! do in Kafka: after a restart of the broker members join anew. Committed offsets are data and
//! stay with the library's storage.
//!
//! Time passes only while somebody waits: each waiting request wakes itself when the group's next
//! deadline is due, so there is no background task.

mod group;
mod told;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tansu_broker::{
    Error, Result,
    coordinator::group::{Coordinator, OffsetCommit, administrator::Controller},
};
use tansu_sans_io::{
    Body, ErrorCode,
    heartbeat_response::HeartbeatResponse,
    join_group_request::JoinGroupRequestProtocol,
    join_group_response::{JoinGroupResponse, JoinGroupResponseMember},
    leave_group_request::MemberIdentity,
    leave_group_response::{LeaveGroupResponse, MemberResponse},
    offset_commit_request::OffsetCommitRequestTopic,
    offset_commit_response::{
        OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
    },
    offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic},
    sync_group_request::SyncGroupRequestAssignment,
    sync_group_response::SyncGroupResponse,
};
use tansu_storage::{OffsetCommitRequest, Storage as _, Topition};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::told::{Members, Told};
use crate::measured::Measured;
use group::{Answer, ConnectionId, Group, Joined, Joining, Synced};

/// A waiting request looks at its group this often at least: a member that waited with it may have
/// hung up, and then has a deadline that it had not.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// All groups, as one connection asks them; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    data: Measured,
    /// The library's own coordinator, for reading committed offsets, which needs no group.
    offsets: Controller<Measured>,
    groups: Arc<Mutex<BTreeMap<String, Group>>>,
    connection: ConnectionId,
    /// How many connections there were.
    connections: Arc<AtomicU64>,
    /// The broker ends: nobody waits for a group any more.
    end: CancellationToken,
}

impl Groups {
    /// Groups whose offsets are kept in `data`.
    pub(crate) fn new(data: Measured) -> Result<Self> {
        Ok(Self {
            offsets: Controller::with_storage(data.clone())?,
            data,
            groups: Arc::default(),
            connection: 0,
            connections: Arc::default(),
            end: CancellationToken::new(),
        })
    }

    /// The same groups for a connection of their own.
    pub(crate) fn of_new_connection(&self) -> Self {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        Self {
            connection: before + 1,
            ..self.clone()
        }
    }

    /// This connection ended: who spoke on it and does not speak on another one soon is dead, long
    /// before its session is over.
    pub(crate) fn hung_up(&self) {
        let now = Instant::now();
        for group in self.lock().values_mut() {
            group.hung_up(now, self.connection);
        }
    }

    /// Answers whoever waits for others, and lets nobody wait from now on: what they wait for may
    /// take as long as the session of a member that died.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Group>> {
        // Nothing panics while it is held.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks or changes a group; one with nobody in it is forgotten.
    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Group, Instant) -> T) -> T {
        let mut groups = self.lock();
        let group = groups.entry(name.to_owned()).or_default();
        let result = work(group, Instant::now());
        if group.is_empty() {
            groups.remove(name);
        }
        result
    }

    /// The answer, letting time pass for the group until it is there; none when the member has
    /// asked anew, or the broker ends.
    async fn wait<T>(&self, name: &str, answer: Answer<T>) -> Option<T> {
        let mut receiver: oneshot::Receiver<T> = match answer {
            Answer::Now(answer) => return Some(answer),
            Answer::Later(receiver) => receiver,
        };
        loop {
            let latest = Instant::now() + LOOK_AGAIN;
            let next = self.with(name, |group, _| group.next());
            let due = sleep_until(next.map_or(latest, |next| next.min(latest)));
            tokio::select! {
                biased;
                answer = &mut receiver => return answer.ok(),
                () = self.end.cancelled() => return None,
                () = due => self.with(name, Group::advance),
            }
        }
    }

    async fn store(&self, commit: &OffsetCommit<'_>) -> Result<Vec<(Topition, ErrorCode)>> {
        let mut offsets = Vec::new();
        for topic in commit.topics.unwrap_or_default() {
            for partition in topic.partitions.as_deref().unwrap_or_default() {
                let place = Topition::new(topic.name.clone(), partition.partition_index);
                offsets.push((place, OffsetCommitRequest::try_from(partition)?));
            }
        }
        let stored = self
            .data
            .offset_commit(commit.group_id, None, &offsets)
            .await;
        stored.map_err(Error::from)
    }
}

#[async_trait]
impl Coordinator for Groups {
    async fn join(
        &mut self,
        client_id: Option<&str>,
        group_id: &str,
        session_timeout_ms: i32,
        rebalance_timeout_ms: Option<i32>,
        member_id: &str,
        group_instance_id: Option<&str>,
        protocol_type: &str,
        protocols: Option<&[JoinGroupRequestProtocol]>,
        _reason: Option<&str>,
    ) -> Result<Body> {
        let session = millis(session_timeout_ms);
        let request = Joining {
            connection: self.connection,
            member: member_id.to_owned(),
            instance: group_instance_id.map(str::to_owned),
            fresh_id: format!("{}-{}", client_id.unwrap_or("member"), Uuid::new_v4()),
            kind: protocol_type.to_owned(),
            protocols: protocols
                .unwrap_or_default()
                .iter()
                .map(|protocol| (protocol.name.clone(), protocol.metadata.clone()))
                .collect(),
            session,
            rebalance: rebalance_timeout_ms.map_or(session, millis),
        };
        let answer = self.with(group_id, |group, now| group.join(now, request));
        let joined = self.wait(group_id, answer).await;
        Ok(joined.map_or_else(replaced, join_answer))
    }

    async fn sync(
        &mut self,
        group_id: &str,
        generation_id: i32,
        member_id: &str,
        _group_instance_id: Option<&str>,
        protocol_type: Option<&str>,
        protocol_name: Option<&str>,
        assignments: Option<&[SyncGroupRequestAssignment]>,
    ) -> Result<Body> {
        let shares: Vec<(String, Bytes)> = assignments
            .unwrap_or_default()
            .iter()
            .map(|share| (share.member_id.clone(), share.assignment.clone()))
            .collect();
        let answer = self.with(group_id, |group, now| {
            group.speaks(member_id, self.connection);
            group.sync(now, member_id, generation_id, shares)
        });
        let synced: Synced = self
            .wait(group_id, answer)
            .await
            .unwrap_or(Err(ErrorCode::RebalanceInProgress));
        let (error, share) = match synced {
            Ok(share) => (ErrorCode::None, share),
            Err(error) => (error, Bytes::new()),
        };
        Ok(SyncGroupResponse::default()
            .throttle_time_ms(Some(0))
            .error_code(error.into())
            .protocol_type(protocol_type.map(str::to_owned))
            .protocol_name(protocol_name.map(str::to_owned))
            .assignment(share)
            .into())
    }

    async fn heartbeat(
        &mut self,
        group_id: &str,
        generation_id: i32,
        member_id: &str,
        _group_instance_id: Option<&str>,
    ) -> Result<Body> {
        let error = self.with(group_id, |group, now| {
            group.speaks(member_id, self.connection);
            group.heartbeat(now, member_id, generation_id)
        });
        Ok(HeartbeatResponse::default()
            .throttle_time_ms(Some(0))
            .error_code(error.into())
            .into())
    }

    async fn leave(
        &mut self,
        group_id: &str,
        member_id: Option<&str>,
        members: Option<&[MemberIdentity]>,
    ) -> Result<Body> {
        let leave = |id: &str, instance: Option<&str>| {
            self.with(group_id, |group, now| group.leave(now, id, instance))
        };
        let alone = member_id.map(|id| leave(id, None));
        let left: Vec<MemberResponse> = members
            .unwrap_or_default()
            .iter()
            .map(|member| {
                let error = leave(&member.member_id, member.group_instance_id.as_deref());
                MemberResponse::default()
                    .member_id(member.member_id.clone())
                    .group_instance_id(member.group_instance_id.clone())
                    .error_code(error.into())
            })
            .collect();
        Ok(LeaveGroupResponse::default()
            .throttle_time_ms(Some(0))
            .error_code(alone.unwrap_or(ErrorCode::None).into())
            .members(Some(left))
            .into())
    }

    async fn offset_commit(&mut self, commit: OffsetCommit<'_>) -> Result<Body> {
        let member = commit.member_id.unwrap_or_default();
        let generation = commit.generation_id_or_member_epoch.unwrap_or(-1);
        let allowed = self.with(commit.group_id, |group, now| {
            group.speaks(member, self.connection);
            group.may_commit(now, member, generation)
        });
        let stored = match allowed {
            ErrorCode::None => self.store(&commit).await?,
            _ => Vec::new(),
        };
        let outcome = |topic: &str, partition: i32| {
            let of = |(place, _): &&(Topition, ErrorCode)| {
                place.topic() == topic && place.partition() == partition
            };
            match allowed {
                ErrorCode::None => stored
                    .iter()
                    .find(of)
                    .map_or(ErrorCode::UnknownTopicOrPartition, |(_, error)| *error),
                refused => refused,
            }
        };
        Ok(commit_answer(commit.topics.unwrap_or_default(), outcome))
    }

    async fn offset_fetch(
        &mut self,
        group_id: Option<&str>,
        topics: Option<&[OffsetFetchRequestTopic]>,
        groups: Option<&[OffsetFetchRequestGroup]>,
        require_stable: Option<bool>,
    ) -> Result<Body> {
        self.offsets
            .offset_fetch(group_id, topics, groups, require_stable)
            .await
    }
}

/// The same member joined again while its first request waited: only the later one counts. Or the
/// broker ends: whoever joins anew finds the next one.
fn replaced() -> Body {
    join_answer(Joined {
        error: ErrorCode::RebalanceInProgress,
        member: String::new(),
        generation: -1,
        kind: None,
        protocol: None,
        leader: String::new(),
        members: Vec::new(),
    })
}

fn join_answer(joined: Joined) -> Body {
    let members = joined
        .members
        .into_iter()
        .map(|(id, instance, data)| {
            JoinGroupResponseMember::default()
                .member_id(id)
                .group_instance_id(instance)
                .metadata(data)
        })
        .collect();
    JoinGroupResponse::default()
        .throttle_time_ms(Some(0))
        .error_code(joined.error.into())
        .generation_id(joined.generation)
        .protocol_type(joined.kind)
        .protocol_name(Some(joined.protocol.unwrap_or_default()))
        .leader(joined.leader)
        .skip_assignment(Some(false))
        .member_id(joined.member)
        .members(Some(members))
        .into()
}

fn commit_answer(
    topics: &[OffsetCommitRequestTopic],
    outcome: impl Fn(&str, i32) -> ErrorCode,
) -> Body {
    let answer = |topic: &OffsetCommitRequestTopic| {
        let partitions = topic.partitions.as_deref().unwrap_or_default();
        let told = partitions.iter().map(|partition| {
            let index = partition.partition_index;
            OffsetCommitResponsePartition::default()
                .partition_index(index)
                .error_code(outcome(&topic.name, index).into())
        });
        OffsetCommitResponseTopic::default()
            .name(topic.name.clone())
            .partitions(Some(told.collect()))
    };
    OffsetCommitResponse::default()
        .throttle_time_ms(Some(0))
        .topics(Some(topics.iter().map(answer).collect()))
        .into()
}

fn millis(milliseconds: i32) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
