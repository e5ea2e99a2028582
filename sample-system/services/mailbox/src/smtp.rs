//! The mailbox's SMTP side: a listener, and a task for each connection.
//!
//! A stop lets nobody new in, tells those between two mails to come back (421), and gives a mail
//! that is on its way until the grace is over.

mod connection;
mod session;

use std::sync::Arc;
use std::time::Duration;

use shop::metrics::Resource;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mails::Mails;

/// Connections at the same time; one more is told to come back.
const CONNECTIONS: usize = 128;

/// How long to wait before accepting again when the process has no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Takes mail at `listener` until `shutdown`, then finishes what is in hand within `grace`. How long
/// connections are served, and how many are turned away or break, is shown in `figures`.
pub(crate) async fn serve(
    listener: TcpListener,
    mails: Mails,
    figures: Resource,
    shutdown: CancellationToken,
    grace: Duration,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            }
        };
        let place = Arc::clone(&places).try_acquire_owned();
        let (mails, shutdown, figures) = (mails.clone(), shutdown.clone(), figures.clone());
        tasks.spawn(async move {
            let served = match place {
                Ok(_held_until_the_end) => {
                    let _busy = figures.busy();
                    connection::serve(stream, mails, shutdown).await
                }
                Err(_none_free) => {
                    figures.failed();
                    connection::turn_away(stream).await
                }
            };
            if let Err(error) = served {
                figures.failed();
                tracing::info!(%peer, %error, "a mail connection broke");
            }
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!(
            connections = tasks.len(),
            "left mail connections at shutdown"
        );
    }
}
