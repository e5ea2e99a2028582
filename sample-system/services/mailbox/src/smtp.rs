//! The mailbox's SMTP side: a listener, and a task for each connection.
//!
//! A stop lets in whoever waits at the door and nobody after that, bears with those between two mails
//! for as long as other services do (a mail may be on its way), tells them then to come back (421),
//! and gives a mail that is being taken until the grace is over.

mod connection;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener as _;
use shop::grace::within;
use shop::metrics::Resource;
use shop::serve::ServeError;
use shop::serve::door::{Closing, Door, Guest};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mails::Mails;

/// Connections at the same time; one more is told to come back.
const CONNECTIONS: usize = 128;

/// Takes mail at `listener` until `shutdown`, then finishes what is in hand within `grace`. How long
/// connections are served, and how many are turned away or break, is shown in `figures`.
///
/// # Errors
/// When the listener does not know its address.
pub(crate) async fn serve(
    listener: TcpListener,
    mails: Mails,
    figures: Resource,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), ServeError> {
    let mut door = Door::new(listener, shutdown.clone()).map_err(ServeError::Serve)?;
    let closing = door.closing();
    let desk = Desk {
        places: Arc::new(Semaphore::new(CONNECTIONS)),
        mails,
        figures,
        closing: closing.clone(),
    };
    let tasks = TaskTracker::new();
    let taking = async {
        loop {
            let (guest, peer) = tokio::select! {
                () = closing.clone().wait() => break,
                guest = door.accept() => guest,
            };
            let place = Arc::clone(&desk.places).try_acquire_owned().ok();
            tasks.spawn(desk.clone().serve(guest, peer, place));
        }
        tasks.close();
        tasks.wait().await;
    };
    if within(grace, &shutdown, taking).await.is_none() {
        tracing::warn!(
            connections = tasks.len(),
            "left mail connections at shutdown"
        );
    }
    Ok(())
}

/// What each connection needs.
#[derive(Clone)]
struct Desk {
    places: Arc<Semaphore>,
    mails: Mails,
    figures: Resource,
    closing: Closing,
}

impl Desk {
    /// Serves a connection that has got a place, and turns one away that has none.
    async fn serve(self, guest: Guest, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let served = match place {
            Some(_held_until_the_end) => {
                let _busy = self.figures.busy();
                connection::serve(guest, self.mails, self.closing).await
            }
            None => {
                self.figures.failed();
                connection::turn_away(guest).await
            }
        };
        if let Err(error) = served {
            self.figures.failed();
            tracing::info!(%peer, %error, "a mail connection broke");
        }
    }
}
