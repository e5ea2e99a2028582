//! Keeps Kafka on its edge. Clients leave any proxy through the addresses that brokers tell of
//! themselves; here those are replaced by where the mesh listens.
//!
//! The requests of a connection are only watched: which answers are to come, in what version. Of
//! the answers those that carry addresses are held until they are whole (Metadata, FindCoordinator,
//! DescribeCluster, and Produce and Fetch in the versions that name nodes) and rewritten; ApiVersions
//! is capped to the versions that can be rewritten here. All else streams through untouched.
//!
//! The answers are walked field by field, by lengths that are checked against what is there: a
//! decoder that reserves memory by what a length promises would let one frame end the mesh.
//!
//! Layout
//! - `request`: watches what the caller asks.
//! - `answer`: cuts what the callee answers into what streams through and what is looked at.
//! - `walk`: finds addresses and versions in an answer, and puts others in their place.

use std::collections::VecDeque;

use bytes::Bytes;

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod walk;

use answer::{Answers, Heard};
use request::Requests;

/// Answers that may be awaited on one connection; more is no Kafka client.
const MAX_AWAITED: usize = 100_000;

/// A request whose answer is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) correlation: i32,
    pub(crate) api: Api,
    pub(crate) version: i16,
}

/// A kind of request, by Kafka's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Api(pub(crate) i16);

impl Api {
    pub(crate) const PRODUCE: Self = Self(0);
    pub(crate) const FETCH: Self = Self(1);
    pub(crate) const METADATA: Self = Self(3);
    pub(crate) const FIND_COORDINATOR: Self = Self(10);
    pub(crate) const SASL_HANDSHAKE: Self = Self(17);
    pub(crate) const API_VERSIONS: Self = Self(18);
    pub(crate) const DESCRIBE_CLUSTER: Self = Self(60);

    /// The versions whose answers can be read here; `None` where no answer needs to be.
    pub(crate) fn last_version(self) -> Option<i16> {
        match self {
            Self::PRODUCE => Some(13),
            Self::FETCH => Some(18),
            Self::METADATA => Some(13),
            Self::FIND_COORDINATOR => Some(6),
            Self::API_VERSIONS => Some(4),
            Self::DESCRIBE_CLUSTER => Some(2),
            _ => None,
        }
    }

    /// Whether an answer of this version carries what is changed here.
    pub(crate) fn is_looked_at(self, version: i16) -> bool {
        match self {
            Self::PRODUCE => version >= 10,
            Self::FETCH => version >= 16,
            other => other.last_version().is_some(),
        }
    }
}

/// Whether the first bytes that a caller says begin a Kafka conversation; `None` while there are
/// too few to say.
pub(crate) fn begins(first: &[u8]) -> Option<bool> {
    let number = |at: usize| Some(i16::from_be_bytes([*first.get(at)?, *first.get(at + 1)?]));
    let size = u32::from_be_bytes(*first.first_chunk()?);
    let (api, version) = (Api(number(4)?), number(6)?);
    let opens = match api {
        Api::API_VERSIONS => (0..=20).contains(&version),
        Api::METADATA => (0..=30).contains(&version),
        Api::SASL_HANDSHAKE => (0..=5).contains(&version),
        _ => false,
    };
    if !opens || !(10..=1_000_000).contains(&size) {
        return Some(false);
    }
    let client_id = number(12)?;
    Some((-1..=1024).contains(&client_id) && i64::from(client_id) <= i64::from(size) - 10)
}

/// One connection that speaks Kafka.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    requests: Requests,
    answers: Answers,
    awaited: VecDeque<Awaited>,
    /// Something was not understood: from there on bytes pass untouched.
    lost: bool,
}

impl Conversation {
    /// The caller said this.
    pub(crate) fn caller_said(&mut self, bytes: &[u8]) {
        if self.lost {
            return;
        }
        let understood = self.requests.watch(bytes, &mut self.awaited);
        self.lost |= !understood || self.awaited.len() > MAX_AWAITED;
    }

    /// The callee said this.
    pub(crate) fn callee_said(&mut self, bytes: &[u8]) -> Heard {
        if self.lost && self.answers.holds_nothing() {
            return Heard::AsItIs;
        }
        match self.answers.cut(bytes, &mut self.awaited) {
            Ok(heard) => heard,
            Err(answer::Lost { pieces }) => {
                self.lost = true;
                Heard::Pieces(pieces)
            }
        }
    }

    /// Whether it was not understood.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }
}

/// A frame's size in front of it.
pub(crate) fn sized(frame: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(frame.len() + 4);
    let size = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes.extend_from_slice(frame);
    bytes.into()
}

#[cfg(test)]
mod tests;
