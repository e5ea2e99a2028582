//! A listening socket that can be closed without giving up its address. Closed, the kernel refuses
//! connections as it would for a callee that is not there; live connections are untouched.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Connections that the kernel keeps for the mesh until it takes them.
const BACKLOG: i32 = 1024;

/// Bound from its making on, closed at first.
#[derive(Debug)]
pub(crate) struct Gate {
    socket: Socket,
    local: SocketAddr,
    /// Counts openings and closings; odd while open. What waits for connections registers a
    /// duplicate with the reactor for each opening, because the end of reading that a closing
    /// leaves there stays.
    turn: watch::Sender<u64>,
    turning: Mutex<()>,
}

impl Gate {
    /// Binds `listen` without listening.
    ///
    /// # Errors
    /// As the system says; `AddrInUse` when somebody else has the address.
    pub(crate) fn bind(listen: SocketAddr) -> io::Result<Self> {
        // The kernel takes a port that it chose back at the first closing, and gives another one
        // at the next opening: the socket that stays asks for it by number. The one that was
        // given it keeps it away from others meanwhile.
        let chosen = if listen.port() == 0 {
            Some(bound(listen, true)?)
        } else {
            None
        };
        let listen = match &chosen {
            Some(socket) => local_of(socket)?,
            None => listen,
        };
        let socket = match bound(listen, chosen.is_some()) {
            // Either somebody has it, or connections of an earlier listener are still fading
            // there: only listening tells the two apart.
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
                let socket = bound(listen, true)?;
                socket.listen(1)?;
                socket.shutdown(std::net::Shutdown::Read)?;
                socket
            }
            other => other?,
        };
        // While closed nobody else may bind it either; see `set`.
        socket.set_reuse_address(false)?;
        let local = local_of(&socket)?;
        Ok(Self {
            socket,
            local,
            turn: watch::Sender::new(0),
            turning: Mutex::new(()),
        })
    }

    /// Where it listens, or would.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Opens or closes; nothing when it is so already. Once this returns the kernel does it.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn set(&self, open: bool) -> io::Result<()> {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_open() == open {
            return Ok(());
        }
        if open {
            // Accepted connections inherit it: what fades of them does not hold the address when
            // it is bound again after a crash.
            self.socket.set_reuse_address(true)?;
            self.socket.listen(BACKLOG)?;
        } else {
            self.socket.shutdown(std::net::Shutdown::Read)?;
            self.socket.set_reuse_address(false)?;
        }
        self.turn.send_modify(|turn| *turn += 1);
        Ok(())
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.turn.borrow() % 2 == 1
    }

    /// Hands each accepted connection to `taken`. Never returns but by an error of the machine's
    /// (no more descriptors, no memory), after which it may be called again.
    pub(crate) async fn accept(&self, mut taken: impl FnMut(TcpStream)) -> io::Result<()> {
        let mut turns = self.turn.subscribe();
        loop {
            // The sender lives in `self`: the wait cannot fail.
            let _ = turns.wait_for(|turn| turn % 2 == 1).await;
            let listener = TcpListener::from_std(self.socket.try_clone()?.into())?;
            loop {
                tokio::select! {
                    biased;
                    _ = turns.changed() => break,
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            // A connection without it is slower, not wrong.
                            let _ = stream.set_nodelay(true);
                            taken(stream);
                        }
                        // EINVAL: closed just now; the turn tells.
                        Err(e) if e.raw_os_error() == Some(nix::libc::EINVAL) => {
                            let _ = turns.changed().await;
                            break;
                        }
                        Err(e) if gone_before_taken(&e) => {}
                        Err(e) => return Err(e),
                    },
                }
            }
        }
    }
}

fn local_of(socket: &Socket) -> io::Result<SocketAddr> {
    let local = socket.local_addr()?.as_socket();
    local.ok_or_else(|| io::Error::other("the bound socket has no internet address"))
}

fn bound(listen: SocketAddr, reuse: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    if listen.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(reuse)?;
    socket.bind(&listen.into())?;
    Ok(socket)
}

/// Errors of the connection, not of the listener.
fn gone_before_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;

    fn any() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[tokio::test]
    async fn a_closed_gate_is_refused_by_the_kernel_and_opens_again_and_again() {
        let gate = Arc::new(Gate::bind(any()).unwrap());
        let (told, mut taken) = mpsc::unbounded_channel();
        let accepting = Arc::clone(&gate);
        tokio::spawn(async move {
            accepting
                .accept(|stream| {
                    let _ = told.send(stream);
                })
                .await
        });
        for _ in 0..20 {
            let error = TcpStream::connect(gate.local()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            gate.set(true).unwrap();
            let _caller = TcpStream::connect(gate.local()).await.unwrap();
            let kept = taken.recv().await.unwrap();
            gate.set(false).unwrap();
            // What was accepted lives on.
            kept.try_write(b"x").unwrap();
        }
    }

    #[test]
    fn an_address_that_somebody_has_is_in_use_also_while_the_gate_is_closed() {
        let theirs = std::net::TcpListener::bind(any()).unwrap();
        let error = Gate::bind(theirs.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let ours = Gate::bind(any()).unwrap();
        let error = Gate::bind(ours.local()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        // std sets SO_REUSEADDR, as most servers do.
        assert!(std::net::TcpListener::bind(ours.local()).is_err());
    }

    #[tokio::test]
    async fn an_address_with_fading_connections_can_be_bound_again() {
        let gate = Gate::bind(any()).unwrap();
        let local = gate.local();
        gate.set(true).unwrap();
        let caller = TcpStream::connect(local).await.unwrap();
        let (kept, _) = gate.socket.accept().unwrap();
        // The mesh's end closes first: it is the one that fades in TIME_WAIT.
        drop(kept);
        caller.readable().await.unwrap();
        drop(caller);
        drop(gate);
        Gate::bind(local).unwrap();
    }
}
