//! Where events become mails that wait: the handler of the one consumer loop.
//!
//! The mail, or the address, is written in the transaction of the event's inbox row, so a repeat
//! has no effect. Sending is somebody else's business.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::consume::{Failure, Handle};
use shop::database::{Database, DatabaseError};
use shop::inbox::{self, Inbox};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;
use tokio::sync::Notify;

use crate::event::{Event, Happened};
use crate::letter::Letter;
use crate::outgoing;

const MIGRATIONS: &[&str] = &[inbox::SCHEMA, outgoing::SCHEMA];

/// The service's own database, and who is told of a new mail in it.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) wake: Arc<Notify>,
    inbox: Inbox,
}

impl Desk {
    /// Opens the database kept in `folder`.
    pub(crate) fn open(folder: &Path, clock: Clock, bugs: &Bugs) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("notifications.sqlite"), MIGRATIONS)?,
            inbox: Inbox::new(clock.clone(), bugs),
            clock,
            wake: Arc::default(),
        })
    }
}

#[async_trait]
impl Handle for Desk {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let Some(event) = Event::read(&delivery.record.payload)? else {
            return Ok(());
        };
        let (inbox, now) = (self.inbox.clone(), self.clock.now());
        let (delivery, trace) = (delivery.clone(), trace.clone());
        let first = self
            .database
            .write(move |connection| {
                let first = inbox.first_time(connection, &event.id)?;
                match &event.happened {
                    Happened::Account { id, now } if first => {
                        outgoing::put_address(connection, id, now)?;
                    }
                    Happened::Order { order_id, news } => {
                        let letter = Letter::of(order_id, news, trace);
                        if first {
                            let account = news.account_id();
                            outgoing::add(connection, &letter, account, &delivery, now)?;
                        }
                        // An event that is given back may be older than what the inbox remembers.
                        outgoing::revive(connection, &letter, now)?;
                    }
                    Happened::Account { .. } => {}
                }
                Ok(first)
            })
            .await?;
        tracing::info!(first, "event taken");
        self.wake.notify_one();
        Ok(())
    }
}
