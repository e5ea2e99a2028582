//! Where orders are kept: events, read model, sagas and outbox in one SQLite file. Each change of
//! an order is one transaction over all of them, so they never tell different stories.
//!
//! Several processes may work on one file. Who leads a saga holds a lease for it; what it records
//! counts only while that is so and the step is the one that it believes is next.

mod leading;
mod rows;

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::idempotency::{self, IdempotencyKey, Known};
use shop::inbox::{self, Inbox};
use shop::lease::{self, Holder};
use shop::outbox::{self, Outbox};
use shop::trace_context::TraceContext;
use tokio::sync::watch;
use uuid::Uuid;

use self::leading::lease_of;
pub(crate) use self::leading::{Recorded, Saga};
use crate::announcement;
use crate::order::{Event, Fact, Order, OrderId, Reason, Status};
use crate::saga::Step;

/// How many orders are read anew in one transaction: some milliseconds, which a request has.
const REBUILT_AT_ONCE: usize = 50;

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE event (
        position    INTEGER PRIMARY KEY AUTOINCREMENT,
        order_id    TEXT NOT NULL,
        sequence    INTEGER NOT NULL,
        fact        TEXT NOT NULL,
        time        TEXT NOT NULL,
        traceparent TEXT,
        baggage     TEXT,
        UNIQUE (order_id, sequence)
    ) STRICT;
    CREATE TABLE order_view ( -- what the events say; `orders rebuild` makes it anew
        sequence   INTEGER PRIMARY KEY, -- the position of the order's first event
        id         TEXT NOT NULL UNIQUE,
        account_id TEXT NOT NULL,
        key        TEXT NOT NULL,
        status     TEXT NOT NULL,
        reason     TEXT,
        sku        TEXT NOT NULL,
        name       TEXT NOT NULL,
        quantity   INTEGER NOT NULL,
        amount     INTEGER NOT NULL,
        currency   TEXT NOT NULL,
        address    TEXT NOT NULL,
        placed     TEXT NOT NULL,
        ended      TEXT
    ) STRICT;
    CREATE INDEX order_of_account ON order_view (account_id, sequence);
    CREATE TABLE saga (
        order_id    TEXT PRIMARY KEY,
        step        TEXT, -- the next one; NULL at the end
        traceparent TEXT,
        baggage     TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX saga_unfinished ON saga (order_id) WHERE step IS NOT NULL;
    ",
    idempotency::SCHEMA,
    outbox::SCHEMA,
    inbox::SCHEMA,
    lease::SCHEMA,
    // How often the peer failed at the next step, and when it is tried again (ms since 1970).
    "
    ALTER TABLE saga ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE saga ADD COLUMN next_try INTEGER NOT NULL DEFAULT 0;
    ",
];

/// How placing an order ended.
#[derive(Debug)]
pub(crate) enum Placed {
    /// The order is stored, its saga begins.
    New(Box<Saga>),
    /// The same request came before.
    Before(OrderId),
    /// Another request had this key.
    Different,
}

/// What came of hearing from shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is recorded.
    Recorded,
    /// It was recorded before, or the order ended otherwise: nothing is.
    Nothing,
    /// There is no such order, or it was not confirmed: nobody can have been asked to ship it.
    Unknown,
}

/// A request to place an order, ready to be stored.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) id: OrderId,
    pub(crate) account: Uuid,
    pub(crate) key: IdempotencyKey,
    pub(crate) hash: String,
    pub(crate) received: Fact,
    pub(crate) priced: Fact,
    pub(crate) trace: TraceContext,
    /// The seeded bug `missing-idempotency`: the key tells nothing.
    pub(crate) keyless: bool,
}

/// A row of the auditor's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audited {
    pub(crate) sequence: i64,
    pub(crate) order: Order,
}

/// All orders.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    database: Database,
    clock: Clock,
    outbox: Outbox,
    holder: Holder,
    changed: watch::Sender<()>,
}

/// The file of the database in the service's folder.
pub(crate) const FILE: &str = "orders.sqlite";

impl Store {
    /// Opens the orders kept in `folder`, whose events go through `outbox` and whose sagas are led
    /// by `holder`.
    pub(crate) fn open(
        folder: &Path,
        clock: Clock,
        outbox: Outbox,
        holder: Holder,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join(FILE), MIGRATIONS)?,
            clock,
            outbox,
            holder,
            changed: watch::Sender::new(()),
        })
    }

    /// The database, for the outbox's relay, for readiness and for metrics.
    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }

    /// Tells of every change that this process makes to any order from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether `account` sent `key` before, and with which request.
    pub(crate) async fn known(
        &self,
        account: Uuid,
        key: IdempotencyKey,
        hash: String,
    ) -> Result<Known, DatabaseError> {
        let account = account.to_string();
        self.database
            .read(move |connection| idempotency::known(connection, &account, &key, &hash))
            .await
    }

    /// Stores a new order with its first two events and its saga, unless its key is known.
    pub(crate) async fn place(&self, placement: Placement) -> Result<Placed, DatabaseError> {
        let (time, now, holder) = (self.clock.stamp(), self.clock.millis(), self.holder.clone());
        let placed = self
            .database
            .write(move |connection| place(connection, placement, &time, (now, &holder)))
            .await?;
        self.changed.send_replace(());
        Ok(placed)
    }

    /// Records what shipping says of the order `id`: `facts`, the last of which says how it ended.
    /// An event that came before, or one for an order that ended otherwise, changes nothing.
    pub(crate) async fn hear(
        &self,
        inbox: Inbox,
        event_id: String,
        id: OrderId,
        facts: Vec<Fact>,
        trace: TraceContext,
    ) -> Result<Heard, DatabaseError> {
        let (time, outbox) = (self.clock.stamp(), self.outbox.clone());
        let heard = self
            .database
            .write(move |connection| {
                let Some(mut order) = rows::order(connection, id)? else {
                    return Ok(Heard::Unknown);
                };
                if order.status == Status::Pending {
                    return Ok(Heard::Unknown);
                }
                let fresh = inbox.first_time(connection, &event_id)?;
                if !fresh || order.status != Status::Confirmed {
                    return Ok(Heard::Nothing);
                }
                for fact in &facts {
                    order = append(connection, &outbox, order, fact, &trace, &time)?;
                }
                Ok(Heard::Recorded)
            })
            .await?;
        self.outbox.wake();
        self.changed.send_replace(());
        Ok(heard)
    }

    /// Makes the read model anew from the events, a few orders at a time, so that whoever places one
    /// meanwhile waits for those alone; answers how many orders it has. Ended on the way it leaves
    /// some orders as they were, and the next time begins again.
    pub(crate) async fn rebuild(&self) -> Result<usize, DatabaseError> {
        let (mut after, mut orders) = (0, 0);
        loop {
            let since = Instant::now();
            let some =
                move |connection: &Connection| rows::rebuild(connection, after, REBUILT_AT_ONCE);
            let Some((last, count)) = self.database.write(some).await? else {
                return Ok(orders);
            };
            (after, orders) = (last, orders + count);
            // Half of the time belongs to those who place orders meanwhile.
            tokio::time::sleep(since.elapsed()).await;
        }
    }

    /// The order `id`, where there is one.
    pub(crate) async fn order(&self, id: OrderId) -> Result<Option<Order>, DatabaseError> {
        self.database
            .read(move |connection| rows::order(connection, id))
            .await
    }

    /// The newest orders of `account`, the newest first.
    pub(crate) async fn orders_of(
        &self,
        account: Uuid,
        limit: u32,
    ) -> Result<Vec<Order>, DatabaseError> {
        self.database
            .read(move |connection| rows::orders_of(connection, account, limit))
            .await
    }

    /// Orders in the sequence in which they were taken, from behind `after` on.
    pub(crate) async fn audited(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Audited>, DatabaseError> {
        self.database
            .read(move |connection| rows::audited(connection, after, limit))
            .await
    }

    /// The events of the order `id`, oldest first.
    pub(crate) async fn events(&self, id: OrderId) -> Result<Vec<Event>, DatabaseError> {
        self.database
            .read(move |connection| rows::events(connection, id))
            .await
    }
}

/// What shipping's word for a shipment that failed leads to.
pub(crate) fn cancelled_by_shipping(cause: String) -> Vec<Fact> {
    let reason = Reason::ShipmentFailed;
    vec![Fact::ShipmentFailed { cause }, Fact::Cancelled { reason }]
}

fn place(
    connection: &Connection,
    placement: Placement,
    time: &str,
    (now, holder): (i64, &Holder),
) -> rusqlite::Result<Placed> {
    let Placement {
        id,
        account,
        key,
        hash,
        received,
        priced,
        trace,
        keyless,
    } = placement;
    if !keyless {
        let account = account.to_string();
        match idempotency::known(connection, &account, &key, &hash)? {
            Known::Same(_) => return Ok(Placed::Before(id)),
            Known::Different => return Ok(Placed::Different),
            Known::New => {}
        }
        // Keys are kept with their orders. Where one was lost all the same, nobody can tell whether
        // this is what was asked for.
        if rows::order(connection, id)?.is_some() {
            return Ok(Placed::Different);
        }
        idempotency::remember(connection, &account, &key, &hash, &id.to_string(), time)?;
    }
    let order = Order::begun(id, &received, &priced, time)
        .ok_or(rusqlite::Error::InvalidParameterName("no order".to_owned()))?;
    let position = rows::append(connection, id, &received, &trace, time)?;
    rows::append(connection, id, &priced, &trace, time)?;
    rows::new_order(connection, position, &order)?;
    let step = Step::StockReserved;
    connection
        .prepare_cached(
            "INSERT INTO saga (order_id, step, traceparent, baggage) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            id.to_string(),
            step.name(),
            trace.traceparent,
            trace.baggage
        ])?;
    lease::claim(connection, &lease_of(id), holder, now, lease::LASTS)?;
    Ok(Placed::New(Box::new(Saga::fresh(order, step, trace))))
}

/// Appends `fact` to the order's history and to what is said of it elsewhere; answers the order
/// after it.
fn append(
    connection: &Connection,
    outbox: &Outbox,
    order: Order,
    fact: &Fact,
    trace: &TraceContext,
    time: &str,
) -> rusqlite::Result<Order> {
    let order = order.after(fact, time);
    rows::append(connection, order.id, fact, trace, time)?;
    rows::put_order(connection, &order)?;
    announcement::write(connection, outbox, (fact, &order), trace, time)?;
    Ok(order)
}

#[cfg(test)]
pub(crate) mod tests;
