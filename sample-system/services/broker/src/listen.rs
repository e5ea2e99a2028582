//! The port: every connection is served by a task of its own until it ends or the broker stops.
//!
//! A stop ends no request in hand. Nobody new is let in, the reading side of every connection
//! is closed (so its task finds the end of the stream where the next request would begin, after
//! it has answered the one it works on), and what is not done within the grace is cut off. Who
//! waits for other members of a group is answered at once.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{Shutdown, SocketAddr},
    os::fd::{AsFd as _, OwnedFd},
    time::{Duration, SystemTime},
};

use rama::{Context, Service as _};
use socket2::Socket;
use tansu_storage::Storage as _;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{Id, JoinSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{error::Error, routes, store::Store};

/// How often old records are cleared away; retention is hours, so minutes are often enough.
const MAINTENANCE: Duration = Duration::from_secs(600);

/// How long to wait before accepting again when the process has no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Takes the listening address that `setting` names.
pub(crate) async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| Error::Listen {
        setting,
        address,
        source,
    })
}

/// Answers connections until `stop` is done, then finishes what is in hand within `grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    store: &Store,
    grace: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut connections = Connections::default();
    let mut maintenance = interval(MAINTENANCE);
    maintenance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connections.add(stream, peer, store)?,
                Err(error) => {
                    store.figures.connection_failed();
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
            Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended, store),
            _ = maintenance.tick() => {
                if let Err(error) = store.data.maintain(SystemTime::now()).await {
                    tracing::warn!(%error, "maintenance failed, it comes round again");
                }
            }
        }
    }
    drop(listener);
    store.groups.end();
    store.news.end();
    connections.finish(grace, &store.end).await;
    store.end.cancel();
    Ok(())
}

/// The connections being served, each with a second handle that can close its reading side.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    handles: HashMap<Id, Socket>,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, peer: SocketAddr, store: &Store) -> Result<(), Error> {
        let handle = match prepare(&stream) {
            Ok(handle) => handle,
            Err(error) => {
                store.figures.connection_failed();
                tracing::warn!(%peer, %error, "a connection was dropped");
                return Ok(());
            }
        };
        let groups = store.groups.of_new_connection();
        let service = routes::of(store, groups.clone())?;
        let figures = store.figures.clone();
        let connected = figures.connected();
        let task = self.tasks.spawn(async move {
            if let Err(error) = service.serve(Context::default(), stream).await
                && !is_farewell(&error)
            {
                figures.connection_failed();
                tracing::warn!(%peer, %error, "a connection ended with an error");
            }
            groups.hung_up();
            drop(connected);
        });
        self.handles.insert(task.id(), handle);
        Ok(())
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>, store: &Store) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                store.figures.connection_failed();
                tracing::error!(%error, "the task of a connection died");
                error.id()
            }
        };
        self.handles.remove(&id);
    }

    async fn finish(&mut self, grace: Duration, engine: &CancellationToken) {
        for handle in self.handles.values() {
            // Fails only where the other side has already gone.
            drop(handle.shutdown(Shutdown::Read));
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(grace, all).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "the grace is over, cutting off"
            );
            // It ends with whoever is cut off in the middle of a request, which is no loss now.
            engine.cancel();
            self.tasks.shutdown().await;
        }
    }
}

fn prepare(stream: &TcpStream) -> io::Result<Socket> {
    stream.set_nodelay(true)?;
    let second: OwnedFd = stream.as_fd().try_clone_to_owned()?;
    Ok(Socket::from(second))
}

/// Whether the client simply went away between two requests.
fn is_farewell(error: &tansu_broker::Error) -> bool {
    matches!(error, tansu_broker::Error::Io(error) if matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    ))
}
