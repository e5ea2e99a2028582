//! One connection's socket, of either kind that a backend can be, with what a link needs of it:
//! bytes, the end of writing alone, and the reset.

use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

use crate::spec::Backend;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    /// Dials a backend.
    pub(crate) async fn dial(backend: &Backend) -> io::Result<Self> {
        match backend {
            Backend::Tcp(address) | Backend::Named { address, .. } => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
            Backend::Unix(path) => Ok(Self::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Where this end is; nowhere, for a Unix socket.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Reads what is there; 0 at the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let outcome = match self {
                Self::Tcp(stream) => stream.try_read(buffer),
                Self::Unix(stream) => stream.try_read(buffer),
            };
            match outcome {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.ready(Interest::READABLE).await?;
                }
                other => return other,
            }
        }
    }

    /// Writes as much as there is room for.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let outcome = match self {
                Self::Tcp(stream) => stream.try_write(bytes),
                Self::Unix(stream) => stream.try_write(bytes),
            };
            match outcome {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.ready(Interest::WRITABLE).await?;
                }
                other => return other,
            }
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await?,
            Self::Unix(stream) => stream.ready(interest).await?,
        };
        Ok(())
    }

    /// Ends writing: the other side reads the end, and can go on writing itself.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.socket().shutdown(std::net::Shutdown::Write)
    }

    /// Ends both ways as if the process behind had died: the other side meets a reset. A Unix
    /// socket knows no reset and just closes.
    pub(crate) fn reset(self) {
        // Without the option the peer meets an ordinary end; nothing more can be done for it.
        let _ = self.socket().set_linger(Some(std::time::Duration::ZERO));
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}
