//! Takes an edge's connections and sees each to its end: held, dialled, carried, recorded. The
//! dial is the connection's own: a slow backend keeps no other caller waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::backends::Busy;
use crate::datagrams;
use crate::edge::{Counts, Edge};
use crate::exchange::{
    ConnectionId, Exchange, ExchangeId, Incident, IncidentKind, ParentKnownBy, SCHEMA,
};
use crate::last_word::LastWord;
use crate::link::{Broken, Counter, Link, Side};
use crate::mesh::Shared;
use crate::spec::Admission;
use crate::speech::Speech;
use crate::wire::Wire;

/// How long accepting rests when the machine has no descriptor or memory left.
const REST: Duration = Duration::from_millis(50);

/// Listens and probes until the edge is closed.
pub(crate) async fn serve(shared: Arc<Shared>, edge: Arc<Edge>) {
    let accepting = async {
        loop {
            let took = edge.gate.accept(|caller| {
                let number = edge.carried.numbers.fetch_add(1, Ordering::Relaxed) + 1;
                let connection = Connection {
                    shared: Arc::clone(&shared),
                    edge: Arc::clone(&edge),
                    id: ConnectionId {
                        mesh: shared.id.clone(),
                        edge: edge.id.clone(),
                        connection: number,
                    },
                };
                let open = Open::new(&edge);
                shared.tasks.spawn(connection.run(caller, open));
            });
            if took.await.is_err() {
                shared.clock.sleep(REST).await;
            }
        }
    };
    let probing = async {
        // Nothing tells whether datagrams are taken.
        let mut transport = edge.transport.subscribe();
        let _ = transport.wait_for(|it| it.has_tcp()).await;
        edge.backends.probe(&shared.clock, || edge.refresh()).await;
    };
    tokio::select! {
        () = accepting => {}
        () = probing => {}
        () = datagrams::relay(&shared, &edge) => {}
        () = edge.closed.cancelled() => {}
    }
    edge.refresh();
}

/// Counts a connection as open while it lives.
struct Open(Arc<Edge>);

impl Open {
    fn new(edge: &Arc<Edge>) -> Self {
        let Counts {
            connections, open, ..
        } = &edge.carried.counts;
        connections.fetch_add(1, Ordering::Relaxed);
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(edge))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.carried.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Connection {
    shared: Arc<Shared>,
    edge: Arc<Edge>,
    id: ConnectionId,
}

impl Connection {
    async fn run(self, caller: TcpStream, open: Open) {
        let start_ns = self.shared.clock.now_ns();
        let caller = Wire::Tcp(caller);
        let dialled = tokio::select! {
            dialled = self.dial() => dialled,
            () = self.edge.carried.removed.cancelled() => None,
        };
        let passed = match dialled {
            Some((callee, busy)) => self.carry(caller, callee, busy).await,
            None => {
                self.edge
                    .carried
                    .counts
                    .failed_dials
                    .fetch_add(1, Ordering::Relaxed);
                self.tell(IncidentKind::Refused, false);
                caller.reset();
                (0, 0)
            }
        };
        // Whoever reads the record finds the connection closed.
        drop(open);
        self.shared.exchanges.add(Exchange {
            schema: SCHEMA.to_owned(),
            id: ExchangeId {
                connection: self.id,
                exchange: 0,
            },
            parent: None,
            parent_known_by: ParentKnownBy::None,
            start_ns,
            end_ns: self.shared.clock.now_ns(),
            bytes_to_callee: passed.0,
            bytes_from_callee: passed.1,
        });
    }

    fn tell(&self, kind: IncidentKind, unanswered: bool) {
        self.shared.incidents.add(Incident {
            connection: self.id.clone(),
            kind,
            unanswered,
            at_ns: self.shared.clock.now_ns(),
        });
    }

    /// Waits while callers are held, then connects to a backend.
    async fn dial(&self) -> Option<(Wire, Busy)> {
        let mut changed = self.edge.backends.watch();
        loop {
            changed.mark_unchanged();
            match self.edge.backends.admission() {
                Admission::Hold => changed.changed().await.ok()?,
                Admission::Refuse => return None,
                Admission::Accept => {
                    return self.edge.backends.dial(|| self.edge.refresh()).await;
                }
            }
        }
    }

    /// Carries until the connection ends; the bytes to and from the callee.
    async fn carry(&self, caller: Wire, callee: Wire, _busy: Busy) -> (u64, u64) {
        let (there, back) = (AtomicU64::new(0), AtomicU64::new(0));
        let carried = &self.edge.carried;
        let (first, uncounted) = (AtomicBool::new(true), AtomicBool::new(true));
        let last_word = LastWord::new(&carried.counts.waiting);
        let tell = |kind| {
            let unanswered = last_word.is_owed();
            // Told twice of a connection that ends one way and breaks the other, counted once.
            let by_callee = matches!(kind, IncidentKind::Ended | IncidentKind::Reset);
            if unanswered && by_callee && uncounted.swap(false, Ordering::Relaxed) {
                carried.counts.unanswered.fetch_add(1, Ordering::Relaxed);
            }
            self.tell(kind, unanswered);
        };
        let ended = |side: Side| {
            if first.swap(false, Ordering::Relaxed) {
                tell(match side {
                    Side::Caller => IncidentKind::CallerEnded,
                    Side::Callee => IncidentKind::Ended,
                });
            }
        };
        let local = caller.local().unwrap_or_else(|| self.edge.gate.local());
        let speech = Speech::new(Arc::clone(&self.shared), Arc::clone(&self.edge), local);
        let link = Link {
            clock: &self.shared.clock,
            connection: self.id.clone(),
            snapshot: carried.armed.subscribe(),
            to_callee: Counter {
                edge: &carried.counts.to_callee,
                connection: &there,
            },
            from_callee: Counter {
                edge: &carried.counts.from_callee,
                connection: &back,
            },
            last_word: &last_word,
            reader: &speech,
            ended: &ended,
        };
        let outcome = tokio::select! {
            outcome = link.carry(&caller, &callee) => outcome.map_err(Some),
            () = carried.removed.cancelled() => Err(None),
        };
        if let Err(broken) = outcome {
            match broken {
                Some(Broken(Side::Caller)) => ended(Side::Caller),
                Some(Broken(Side::Callee)) => tell(IncidentKind::Reset),
                None => {}
            }
            caller.reset();
            callee.reset();
        }
        (there.load(Ordering::Relaxed), back.load(Ordering::Relaxed))
    }
}
