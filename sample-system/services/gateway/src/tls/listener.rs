//! A listener whose connections speak TLS. Hands are shaken beside each other, so a client that is
//! slow to shake holds back no other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use shop::serve::door::{Door, Guest};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

/// How long a handshake may take: three round trips to the other end of the world, many times.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes that are under way at once; further connections wait in the kernel's queue. Each is
/// about a millisecond of work and some kilobytes.
const HANDSHAKES: usize = 256;

/// Gives out connections that have shaken hands.
#[derive(Debug)]
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<Guest>, SocketAddr)>,
    /// Ends with this listener, and with it the handshakes that nobody waits for.
    _accepting: AbortOnDropHandle<()>,
}

impl TlsListener {
    /// Shakes hands with whoever comes through `door`, as `config` says.
    ///
    /// # Errors
    /// When the door does not know its address.
    pub(crate) fn new(door: Door, config: Arc<ServerConfig>) -> io::Result<Self> {
        let address = door.local_addr()?;
        let (sender, ready) = mpsc::channel(HANDSHAKES);
        let accepting = tokio::spawn(accept(door, TlsAcceptor::from(config), sender));
        Ok(Self {
            address,
            ready,
            _accepting: AbortOnDropHandle::new(accepting),
        })
    }
}

async fn accept(
    mut door: Door,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<Guest>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (stream, remote) = door.accept().await;
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let _place = place;
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    // Nobody takes it once the gateway shuts down.
                    let _gone = ready.send((stream, remote)).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                Err(_) => tracing::debug!("a handshake took too long"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<Guest>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends with this listener and never before it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
