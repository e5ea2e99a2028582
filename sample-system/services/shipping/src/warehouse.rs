//! The warehouse: every pick-and-pack task, each change in one transaction with the event that
//! causes it or tells of it.
//!
//! An order that is cancelled before it comes leaves a tombstone: its task is dropped when it
//! comes.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Row;
use serde::Serialize;
use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::event::{Event, OrderPlaced};
use shop::inbox::{self, Inbox};
use shop::lease::{self, Holder};
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use tokio::sync::Notify;

use crate::task::{self, End, Shipment, Task};

const MIGRATIONS: &[&str] = &[task::SCHEMA, inbox::SCHEMA, outbox::SCHEMA, lease::SCHEMA];

/// A task in the list of all, as docs/design/shop.md says under "What the auditor reads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Its place in the list.
    sequence: i64,
    #[serde(flatten)]
    shipment: Shipment,
}

/// All tasks. Clones are the same warehouse.
#[derive(Debug, Clone)]
pub(crate) struct Warehouse {
    database: Database,
    /// Says what time it is.
    pub(crate) clock: Clock,
    inbox: Inbox,
    outbox: Outbox,
    /// The seeded bug `no-dedup`: an order that comes again is packed again.
    doubling: bool,
    /// Told when there is a new task.
    pub(crate) wake: Arc<Notify>,
}

impl Warehouse {
    /// Opens the warehouse kept in `folder`; what leaves it is told through `outbox`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        bugs: &Bugs,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("shipping.sqlite"), MIGRATIONS)?,
            inbox: Inbox::new(clock.clone(), bugs),
            clock,
            outbox,
            doubling: bugs.has(Bug::NoDedup),
            wake: Arc::default(),
        })
    }

    /// The database that it is in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Makes the task of an order that was placed.
    pub(crate) async fn placed(
        &self,
        event: Event<OrderPlaced>,
        trace: TraceContext,
    ) -> Result<(), DatabaseError> {
        let (inbox, doubling) = (self.inbox.clone(), self.doubling);
        self.database
            .write(move |connection| {
                if inbox.first_time(connection, &event.id)? {
                    task::make(connection, &event, &trace, doubling)?;
                }
                Ok(())
            })
            .await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Drops the task of an order that was cancelled, unless it ended; where there is none yet, the
    /// one to come.
    pub(crate) async fn cancelled(
        &self,
        event_id: String,
        order_id: String,
    ) -> Result<(), DatabaseError> {
        let inbox = self.inbox.clone();
        self.database
            .write(move |connection| {
                if inbox.first_time(connection, &event_id)? {
                    task::drop_tasks(connection, &order_id)?;
                }
                Ok(())
            })
            .await
    }

    /// Takes up to `most` tasks that nobody works on, oldest first, under leases of `holder`.
    pub(crate) async fn take(
        &self,
        holder: &Holder,
        most: u32,
    ) -> Result<Vec<Task>, DatabaseError> {
        let (holder, now) = (holder.clone(), self.clock.millis());
        // Most looks find nothing: ask a reader before the one writer is troubled.
        let any = self
            .database
            .read(move |connection| task::free(connection, now, 1));
        if any.await?.is_empty() {
            return Ok(Vec::new());
        }
        self.database
            .write(move |connection| {
                let mut held = Vec::new();
                for task in task::free(connection, now, most)? {
                    let name = task::lease_of(&task.id);
                    if lease::claim(connection, &name, &holder, now, lease::LASTS)? {
                        held.push(task);
                    }
                }
                Ok(held)
            })
            .await
    }

    /// Ends the work on `task` and tells of it, unless it ended already; answers whether it did.
    pub(crate) async fn finish(
        &self,
        holder: &Holder,
        task: &Task,
        end: End,
    ) -> Result<bool, DatabaseError> {
        let (holder, task, time) = (holder.clone(), task.clone(), self.clock.stamp());
        let outbox = self.outbox.clone();
        let ended = self
            .database
            .write(move |connection| {
                lease::give_back(connection, &task::lease_of(&task.id), &holder)?;
                task::finish(connection, &outbox, &task, end, time)
            })
            .await?;
        self.outbox.wake();
        Ok(ended)
    }

    /// Lets all leases of `holder` last anew.
    pub(crate) async fn renew(&self, holder: &Holder) -> Result<(), DatabaseError> {
        let (holder, now) = (holder.clone(), self.clock.millis());
        self.database
            .write(move |connection| lease::renew_all(connection, &holder, now, lease::LASTS))
            .await
            .map(drop)
    }

    /// Gives all leases of `holder` back.
    pub(crate) async fn give_back(&self, holder: &Holder) -> Result<(), DatabaseError> {
        let holder = holder.clone();
        self.database
            .write(move |connection| lease::give_back_all(connection, &holder))
            .await
    }

    /// The shipments of an order, oldest first; more than one only where a bug is seeded.
    pub(crate) async fn of_order(&self, order_id: String) -> Result<Vec<Shipment>, DatabaseError> {
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT * FROM task WHERE order_id = ?1 ORDER BY sequence")?
                    .query_map([order_id], task::shipment)?
                    .collect()
            })
            .await
    }

    /// Up to `limit` shipments that came after the one numbered `after`, oldest first.
    pub(crate) async fn after(&self, after: i64, limit: u32) -> Result<Vec<Entry>, DatabaseError> {
        let entry = |row: &Row<'_>| {
            Ok(Entry {
                sequence: row.get("sequence")?,
                shipment: task::shipment(row)?,
            })
        };
        self.database
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT * FROM task WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                    )?
                    .query_map((after, limit), entry)?
                    .collect()
            })
            .await
    }

    /// How many tasks have not ended.
    pub(crate) async fn open_tasks(&self) -> Result<u32, DatabaseError> {
        self.database
            .read(|connection| {
                connection
                    .prepare_cached("SELECT count(*) FROM task WHERE status = 'packing'")?
                    .query_row([], |row| row.get(0))
            })
            .await
    }
}
