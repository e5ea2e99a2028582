//! Recognises what a connection speaks from its first bytes, and keeps Kafka on its edges.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::advertised;
use crate::edge::Edge;
use crate::kafka::answer::{Heard, Piece};
use crate::kafka::{self, Api, Awaited, Conversation, walk};
use crate::link::Reader;
use crate::mesh::Shared;

/// What one connection speaks.
pub(crate) struct Speech {
    shared: Arc<Shared>,
    edge: Arc<Edge>,
    /// Where the caller reached the edge.
    local: SocketAddr,
    state: Mutex<State>,
}

enum State {
    /// The caller's first bytes, too few to say.
    Unknown(Vec<u8>),
    Kafka(Box<Conversation>),
    /// Nothing that is looked at.
    Other,
}

impl Speech {
    pub(crate) fn new(shared: Arc<Shared>, edge: Arc<Edge>, local: SocketAddr) -> Self {
        Self {
            shared,
            edge,
            local,
            state: Mutex::new(State::Unknown(Vec::new())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recognise(&self, first: &[u8]) -> Option<State> {
        // A TLS handshake record: type 22, version 3.x.
        if let [0x16, 0x03, ..] = first {
            self.edge.recognise("tls");
            return Some(State::Other);
        }
        if first == [0x16] {
            return None;
        }
        Some(if kafka::begins(first)? {
            self.edge.recognise("kafka");
            let mut conversation = Box::<Conversation>::default();
            conversation.caller_said(first);
            State::Kafka(conversation)
        } else {
            State::Other
        })
    }

    /// The answer with the mesh's addresses and versions, its size first.
    async fn answer(&self, awaited: Awaited, answer: &[u8]) -> Bytes {
        let changed = if awaited.api == Api::API_VERSIONS {
            walk::capped(awaited.version, answer)
        } else {
            match walk::addresses(awaited, answer) {
                Ok(found) => self.readdress(&found, answer).await,
                Err(e) => Err(e),
            }
        };
        match changed {
            Ok(changed) => kafka::sized(&changed),
            Err(walk::Unreadable) => {
                self.edge.recognise("kafka-unread");
                kafka::sized(answer)
            }
        }
    }

    async fn readdress(
        &self,
        found: &walk::Addresses,
        answer: &[u8],
    ) -> Result<Vec<u8>, walk::Unreadable> {
        let mut by = Vec::with_capacity(found.spots.len());
        for spot in &found.spots {
            let on_edge = advertised::on_edge(&self.shared, &self.edge, self.local, &spot.address);
            match on_edge.await {
                Some(address) => by.push(address),
                None => return Err(walk::Unreadable),
            }
        }
        Ok(found.replace(answer, &by))
    }
}

impl Reader for Speech {
    fn caller_said(&self, bytes: &[u8]) {
        let mut state = self.state();
        match &mut *state {
            State::Other => {}
            State::Kafka(conversation) => conversation.caller_said(bytes),
            State::Unknown(first) => {
                first.extend_from_slice(bytes);
                if let Some(known) = self.recognise(first) {
                    *state = known;
                }
            }
        }
    }

    async fn callee_said(&self, bytes: &[u8]) -> Option<Bytes> {
        let pieces = {
            let mut state = self.state();
            match &mut *state {
                State::Other => return None,
                // Who speaks before it is asked is no broker.
                State::Unknown(_) => {
                    *state = State::Other;
                    return None;
                }
                State::Kafka(conversation) => {
                    let heard = conversation.callee_said(bytes);
                    if conversation.is_lost() {
                        self.edge.recognise("kafka-unread");
                    }
                    match heard {
                        Heard::AsItIs => return None,
                        Heard::Pieces(pieces) => pieces,
                    }
                }
            }
        };
        let mut changed = BytesMut::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => changed.extend_from_slice(&bytes),
                Piece::Answer(awaited, answer) => {
                    changed.extend_from_slice(&self.answer(awaited, &answer).await);
                }
                Piece::Unread => self.edge.recognise("kafka-unread"),
            }
        }
        Some(changed.freeze())
    }
}

/// `listen` as a caller that came by `local` reaches it.
pub(crate) fn reachable(listen: SocketAddr, local: IpAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::new(local, listen.port())
    } else {
        listen
    }
}
