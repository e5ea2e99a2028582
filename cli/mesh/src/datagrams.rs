//! Relays an edge's UDP datagrams and counts them. Each caller's address has a socket of its own
//! to the callee for as long as something passes, so that answers find back.
//!
//! A conversation counts as a connection and leaves an exchange when it has been quiet for a
//! while. No fault reaches datagrams.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::backends::Busy;
use crate::edge::Edge;
use crate::exchange::{ConnectionId, Exchange, ExchangeId, ParentKnownBy, SCHEMA};
use crate::mesh::Shared;
use crate::spec::Admission;

/// A conversation that is quiet for so long has ended; resolvers and NATs use the same.
const QUIET: Duration = Duration::from_secs(60);
/// Conversations of one edge at once; datagrams of further callers are dropped.
const AT_ONCE: usize = 4096;
/// Between two tries to have the address.
const REST: Duration = Duration::from_secs(1);
/// The longest datagram.
const LONGEST: usize = 64 * 1024;

/// Relays while the edge carries datagrams. Never returns.
pub(crate) async fn relay(shared: &Arc<Shared>, edge: &Arc<Edge>) {
    let mut transport = edge.transport.subscribe();
    loop {
        // The sender lives in the edge: the wait cannot fail.
        let _ = transport.wait_for(|it| it.has_udp()).await;
        let Ok(socket) = UdpSocket::bind(edge.gate.local()).await else {
            shared.clock.sleep(REST).await;
            continue;
        };
        let mut relay = Relay {
            shared,
            edge,
            socket: Arc::new(socket),
            conversations: HashMap::new(),
        };
        tokio::select! {
            () = relay.run() => {}
            _ = transport.wait_for(|it| !it.has_udp()) => {}
        }
    }
}

struct Relay<'a> {
    shared: &'a Arc<Shared>,
    edge: &'a Arc<Edge>,
    socket: Arc<UdpSocket>,
    conversations: HashMap<SocketAddr, Arc<Conversation>>,
}

/// What one caller's address and the callee say to each other.
struct Conversation {
    callee: UdpSocket,
    to_callee: AtomicU64,
    from_callee: AtomicU64,
    /// When something last passed, on the mesh's clock.
    last_ns: AtomicU64,
    ended: AtomicBool,
}

impl Relay<'_> {
    async fn run(&mut self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            // Errors are of single datagrams: an answer that found nobody.
            let Ok((length, caller)) = self.socket.recv_from(&mut buffer).await else {
                tokio::task::yield_now().await;
                continue;
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            if let Some(conversation) = self.conversation(caller).await {
                self.pass(&conversation, datagram).await;
            }
        }
    }

    async fn pass(&self, conversation: &Conversation, datagram: &[u8]) {
        let counts = &self.edge.carried.counts;
        if self.edge.backends.admission() != Admission::Accept {
            counts.failed_dials.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let sent = match conversation.callee.send(datagram).await {
            // An earlier datagram's refusal is told here; this one is still to go.
            Err(_) => conversation.callee.send(datagram).await,
            sent => sent,
        };
        if sent.is_ok() {
            let bytes = datagram.len() as u64;
            counts.to_callee.fetch_add(bytes, Ordering::Relaxed);
            conversation.to_callee.fetch_add(bytes, Ordering::Relaxed);
            conversation.touch(self.shared);
        }
    }

    async fn conversation(&mut self, caller: SocketAddr) -> Option<Arc<Conversation>> {
        let there = self.conversations.get(&caller);
        if let Some(there) = there.filter(|it| !it.ended.load(Ordering::Relaxed)) {
            return Some(Arc::clone(there));
        }
        if self.conversations.len() >= AT_ONCE {
            self.conversations
                .retain(|_, it| !it.ended.load(Ordering::Relaxed));
        }
        let counts = &self.edge.carried.counts;
        let opened = match self.conversations.len() < AT_ONCE {
            true => self.open(caller).await,
            false => None,
        };
        match &opened {
            Some(opened) => {
                self.conversations.insert(caller, Arc::clone(opened));
            }
            None => {
                counts.failed_dials.fetch_add(1, Ordering::Relaxed);
            }
        }
        opened
    }

    async fn open(&self, caller: SocketAddr) -> Option<Arc<Conversation>> {
        let (address, busy) = self.edge.backends.datagrams()?;
        let conversation = Arc::new(Conversation {
            callee: connected(address).await.ok()?,
            to_callee: AtomicU64::new(0),
            from_callee: AtomicU64::new(0),
            last_ns: AtomicU64::new(self.shared.clock.now_ns()),
            ended: AtomicBool::new(false),
        });
        let answering = Answering {
            shared: Arc::clone(self.shared),
            edge: Arc::clone(self.edge),
            socket: Arc::clone(&self.socket),
            conversation: Arc::clone(&conversation),
            caller,
        };
        self.shared.tasks.spawn(answering.run(busy));
        Some(conversation)
    }
}

impl Conversation {
    fn touch(&self, shared: &Shared) {
        self.last_ns.store(shared.clock.now_ns(), Ordering::Relaxed);
    }
}

async fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Carries the callee's answers until the conversation is quiet.
struct Answering {
    shared: Arc<Shared>,
    edge: Arc<Edge>,
    socket: Arc<UdpSocket>,
    conversation: Arc<Conversation>,
    caller: SocketAddr,
}

impl Answering {
    async fn run(self, busy: Busy) {
        let carried = &self.edge.carried;
        let number = carried.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        carried.counts.connections.fetch_add(1, Ordering::Relaxed);
        carried.counts.open.fetch_add(1, Ordering::Relaxed);
        let start_ns = self.shared.clock.now_ns();
        tokio::select! {
            () = self.answer() => {}
            () = carried.removed.cancelled() => {}
            () = self.edge.closed.cancelled() => {}
        }
        let Conversation { ended, .. } = &*self.conversation;
        ended.store(true, Ordering::Relaxed);
        carried.counts.open.fetch_sub(1, Ordering::Relaxed);
        drop(busy);
        self.shared.exchanges.add(Exchange {
            schema: SCHEMA.to_owned(),
            id: ExchangeId {
                connection: ConnectionId {
                    mesh: self.shared.id.clone(),
                    edge: self.edge.id.clone(),
                    connection: number,
                },
                exchange: 0,
            },
            parent: None,
            parent_known_by: ParentKnownBy::None,
            start_ns,
            end_ns: self.conversation.last_ns.load(Ordering::Relaxed),
            bytes_to_callee: self.conversation.to_callee.load(Ordering::Relaxed),
            bytes_from_callee: self.conversation.from_callee.load(Ordering::Relaxed),
        });
    }

    async fn answer(&self) {
        let mut buffer = vec![0; LONGEST];
        loop {
            let length = tokio::select! {
                received = self.conversation.callee.recv(&mut buffer) => received,
                () = self.shared.clock.sleep(QUIET) => match self.is_quiet() {
                    true => return,
                    false => continue,
                },
            };
            // A refusal: the callee is not there, and the caller hears nothing of it.
            let Ok(length) = length else {
                tokio::task::yield_now().await;
                continue;
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            if self.socket.send_to(datagram, self.caller).await.is_ok() {
                let bytes = length as u64;
                let counts = &self.edge.carried.counts;
                counts.from_callee.fetch_add(bytes, Ordering::Relaxed);
                let own = &self.conversation.from_callee;
                own.fetch_add(bytes, Ordering::Relaxed);
                self.conversation.touch(&self.shared);
            }
        }
    }

    fn is_quiet(&self) -> bool {
        let last = self.conversation.last_ns.load(Ordering::Relaxed);
        let quiet = u64::try_from(QUIET.as_nanos()).unwrap_or(u64::MAX);
        self.shared.clock.now_ns().saturating_sub(last) >= quiet
    }
}
