//! Connections that the kernel refused at a closed gate. Nothing of them reaches the listener; but
//! the kernel tells, to anybody in its network namespace and without privilege, of each TCP socket
//! that ends (`NETLINK_SOCK_DIAG`), and the caller's ends with the address that refused it. So a
//! refusal stays a true one and is recorded all the same. A caller is heard of when it drops its
//! socket, which is at once as a rule. A mesh in a namespace of its own, where no caller's socket
//! is, sees the callers' first segments instead; so does one on the host, where it may, at addresses
//! that others than it listen at.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket,
};
use tokio::net::UnixDatagram;

use crate::edge::Edge;
use crate::exchange::{ConnectionId, Incident, IncidentKind};
use crate::mesh::{Mesh, Shared};

mod ended;
mod knocks;

use ended::Refused;

/// The kernel's groups of ended TCP sockets, over IPv4 and IPv6 (linux/sock_diag.h), as bits.
const ENDED_TCP: u32 = 1 | 1 << 2;
/// More than a datagram of the kernel's holds.
const DATAGRAM: usize = 16 * 1024;

impl Mesh {
    /// Records an incident for each connection that the kernel refuses at one of the mesh's
    /// addresses, from now on. For a mesh that shares its callers' network namespace: it is told
    /// of no other.
    ///
    /// At an address that others listen at too, a caller that waited in `connect` has left no trace
    /// of whom it called. With CAP_NET_RAW first segments are looked at there instead.
    ///
    /// # Errors
    /// When the system does not tell of sockets that end.
    pub fn hear_refusals(&self) -> io::Result<()> {
        let ear = open()?;
        let knocks = knocks::open().ok();
        let sees_knocks = knocks.is_some();
        self.hear(ear, move |told| {
            let mut refused = ended::refusals(told);
            refused.retain(|it| !(sees_knocks && is_seen_to_knock(it.by)));
            refused
        });
        if let Some(ear) = knocks {
            let shared = Arc::clone(&self.shared);
            self.hear(ear, move |packet| {
                let knock = knocks::knock(packet).filter(|at| is_seen_to_knock(at.by));
                knock.filter(|at| shared.refuses(at)).into_iter().collect()
            });
        }
        Ok(())
    }

    /// The same for a mesh in a network namespace of its own, where its callers' sockets are not.
    ///
    /// # Errors
    /// Without CAP_NET_RAW there.
    pub fn hear_knocks(&self) -> io::Result<()> {
        let ear = knocks::open()?;
        let shared = Arc::clone(&self.shared);
        self.hear(ear, move |packet| {
            let knock = knocks::knock(packet);
            knock.filter(|at| shared.refuses(at)).into_iter().collect()
        });
        Ok(())
    }

    fn hear(
        &self,
        ear: UnixDatagram,
        read: impl Fn(&[u8]) -> Vec<Refused> + Send + Sync + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = hear(&ear, |heard| read(heard).iter().for_each(|it| shared.record(it))) => {}
                () = shared.ending.cancelled() => {}
            }
        });
    }
}

impl Shared {
    /// Whether who knocks there is refused now.
    fn refuses(&self, knock: &Refused) -> bool {
        self.asked(knock).is_some_and(|edge| !edge.gate.is_open())
    }

    /// The edge that a caller wanted: the one at that address, else the one at all of them.
    fn asked(&self, refused: &Refused) -> Option<Arc<Edge>> {
        let at = |by: IpAddr| {
            let at = self.edges_where(|edge| edge.gate.local().ip() == by);
            at_edge(refused, &at).cloned()
        };
        let all = match refused.by {
            IpAddr::V4(_) => IpAddr::from([0; 4]),
            IpAddr::V6(_) => IpAddr::from([0; 16]),
        };
        let is_named = refused.is_here && refused.port.is_some();
        at(refused.by).or_else(|| at(all).filter(|_| is_named))
    }

    fn record(&self, refused: &Refused) {
        let Some(edge) = self.asked(refused) else {
            return;
        };
        edge.carried.counts.refused.fetch_add(1, Ordering::Relaxed);
        self.incidents.add(Incident {
            connection: ConnectionId {
                mesh: self.id.clone(),
                edge: edge.id.clone(),
                connection: 0,
            },
            kind: IncidentKind::Refused,
            unanswered: false,
            at_ns: self.clock.now_ns(),
        });
    }
}

/// The edge that refused, of those that listen at the address. A caller that waited in `connect`
/// itself has lost the port: then it is a closed edge of an address that belongs to one caller and
/// callee alone, else nobody can say.
fn at_edge<'a>(refused: &Refused, at: &'a [Arc<Edge>]) -> Option<&'a Arc<Edge>> {
    let mut edges = at.iter();
    if let Some(port) = refused.port {
        return edges.find(|edge| edge.gate.local().port() == port);
    }
    let first = at.first()?;
    let of_one_pair = |edge: &Arc<Edge>| {
        (&edge.id.caller, &edge.id.callee) == (&first.id.caller, &first.id.callee)
    };
    let belongs = !everybodys(refused.by) && at.iter().all(of_one_pair);
    edges.find(|edge| belongs && !edge.gate.is_open())
}

/// Whether others than the mesh listen at the address too.
fn everybodys(address: IpAddr) -> bool {
    address == IpAddr::from([127, 0, 0, 1]) || !address.is_loopback() || address.is_ipv6()
}

/// Whether refusals there are told by first segments, where these can be seen.
fn is_seen_to_knock(address: IpAddr) -> bool {
    address.is_ipv4() && everybodys(address)
}

/// The type's name does not matter: it reads datagrams of whatever socket it is given.
fn open() -> io::Result<UnixDatagram> {
    let ear = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::NetlinkSockDiag,
    )?;
    bind(ear.as_raw_fd(), &NetlinkAddr::new(0, ENDED_TCP))?;
    UnixDatagram::from_std(ear.into())
}

/// Hands on each datagram that is heard. Ends only when the socket does.
async fn hear(ear: &UnixDatagram, told: impl Fn(&[u8])) {
    let mut datagram = vec![0; DATAGRAM];
    loop {
        match ear.recv(&mut datagram).await {
            Ok(length) => {
                told(datagram.get(..length).unwrap_or_default());
            }
            // More ended than could be kept: those are missed, what follows is not.
            Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {}
            Err(_) => return,
        }
    }
}
