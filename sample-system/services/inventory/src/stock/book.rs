//! The rules of the stock, on a connection that is in a transaction.

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use shop::bugs::{Bug, Bugs};
use shop::clock::{Clock, stamp_of};
use shop::event::{Event, Kind as _, StockChanged, derived_id};
use shop::idempotency::{self, Known};
use shop::inbox::Inbox;
use shop::outbox::Outbox;
use shop::sku::Sku;
use shop::trace_context::TraceContext;

use super::{Closed, Key, Reserved, told};

/// What every change of the stock needs.
#[derive(Debug, Clone)]
pub(super) struct Book {
    /// How long a reservation lasts unless it is committed.
    pub(super) kept: TimeDelta,
    pub(super) clock: Clock,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) bugs: Bugs,
}

/// Units that are moved back or aside.
struct Move<'a> {
    sku: &'a str,
    change: i64,
    reason: &'static str,
    order: Option<&'a str>,
}

/// A reservation as it is kept; one that was refused before it came has no item.
struct Held {
    order: String,
    sku: Option<String>,
    quantity: i64,
    status: String,
    trace: TraceContext,
}

impl Book {
    /// Sets a level, unless the request did so before; whether it did is the answer.
    pub(super) fn set_once(
        &self,
        connection: &Connection,
        under: Option<&Key>,
        sku: &Sku,
        units: u32,
        trace: &TraceContext,
    ) -> rusqlite::Result<Known> {
        let Some(Key { account, key }) = under else {
            self.set(connection, sku, units, trace)?;
            return Ok(Known::New);
        };
        let (account, hash) = (account.to_string(), idempotency::hash(&json!([sku, units])));
        let known = idempotency::known(connection, &account, key, &hash)?;
        if known == Known::New {
            self.set(connection, sku, units, trace)?;
            let (answer, now) = (units.to_string(), self.clock.stamp());
            idempotency::remember(connection, &account, key, &hash, &answer, &now)?;
        }
        Ok(known)
    }

    fn set(
        &self,
        connection: &Connection,
        sku: &Sku,
        units: u32,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let before: i64 = connection
            .prepare_cached("SELECT available FROM stock WHERE sku = ?1")?
            .query_row([sku.as_str()], |row| row.get(0))
            .optional()?
            .unwrap_or_default();
        connection
            .prepare_cached(
                "INSERT INTO stock (sku, available) VALUES (?1, 0) ON CONFLICT DO NOTHING",
            )?
            .execute([sku.as_str()])?;
        let set = Move {
            sku: sku.as_str(),
            change: i64::from(units) - before,
            reason: "set",
            order: None,
        };
        self.apply(connection, &set, trace)
    }

    pub(super) fn reserve(
        &self,
        connection: &Connection,
        order: &str,
        sku: &Sku,
        quantity: u32,
        trace: &TraceContext,
    ) -> rusqlite::Result<Reserved> {
        if let Some(found) = find(connection, order)? {
            let is_same =
                found.sku.as_deref() == Some(sku.as_str()) && found.quantity == i64::from(quantity);
            return Ok(match found.status.as_str() {
                "reserved" | "committed" if is_same => Reserved::Taken,
                "reserved" | "committed" => Reserved::Different,
                _ => Reserved::Refused,
            });
        }
        let enough = connection
            .prepare_cached("SELECT 1 FROM stock WHERE sku = ?1 AND available >= ?2")?
            .exists(params![sku.as_str(), quantity])?;
        if !enough {
            return Ok(Reserved::OutOfStock);
        }
        connection
            .prepare_cached(
                "INSERT INTO reservation
                     (order_id, sku, quantity, status, expires, traceparent, baggage)
                 VALUES (?1, ?2, ?3, 'reserved', ?4, ?5, ?6)",
            )?
            .execute(params![
                order,
                sku.as_str(),
                quantity,
                stamp_of(self.clock.now() + self.kept),
                trace.traceparent,
                trace.baggage
            ])?;
        let taken = Move {
            sku: sku.as_str(),
            change: -i64::from(quantity),
            reason: "reserved",
            order: Some(order),
        };
        self.apply(connection, &taken, trace)?;
        Ok(Reserved::Taken)
    }

    pub(super) fn release(
        &self,
        connection: &Connection,
        order: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<Closed> {
        let Some(held) = find(connection, order)? else {
            connection
                .prepare_cached(
                    "INSERT INTO reservation (order_id, quantity, status, expires)
                     VALUES (?1, 0, 'released', ?2)",
                )?
                .execute(params![order, self.clock.stamp()])?;
            return Ok(Closed::Done);
        };
        match held.status.as_str() {
            "committed" => return Ok(Closed::Conflict),
            "reserved" if self.bugs.has(Bug::LostRelease) => {
                close(connection, order, "released")?;
            }
            "reserved" => self.give_back(connection, &held, "released", trace)?,
            // What ended otherwise has given its units back.
            _ => {}
        }
        Ok(Closed::Done)
    }

    /// What was committed comes back; so does what is still reserved, for the order that it is for
    /// will not be shipped.
    pub(super) fn take_back(
        &self,
        connection: &Connection,
        event_id: &str,
        order: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        if !self.inbox.first_time(connection, event_id)? {
            return Ok(());
        }
        let Some(held) = find(connection, order)? else {
            return Ok(());
        };
        let held_still = matches!(held.status.as_str(), "committed" | "reserved");
        // The bug forgets that the units are back.
        if held_still || (self.bugs.has(Bug::NoDedup) && held.status == "returned") {
            self.give_back(connection, &held, "returned", trace)?;
        }
        Ok(())
    }

    /// Ends the reservation of `order` if it is held still and its time is over; answers whether.
    pub(super) fn expire(&self, connection: &Connection, order: &str) -> rusqlite::Result<bool> {
        let held = connection
            .prepare_cached(&format!(
                "{SELECT} WHERE order_id = ?1 AND status = 'reserved' AND expires <= ?2"
            ))?
            .query_row(params![order, self.clock.stamp()], from_row)
            .optional()?;
        let Some(held) = held else {
            return Ok(false);
        };
        self.give_back(connection, &held, "expired", &held.trace)?;
        Ok(true)
    }

    fn give_back(
        &self,
        connection: &Connection,
        held: &Held,
        reason: &'static str,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        close(connection, &held.order, reason)?;
        let Some(sku) = &held.sku else {
            return Ok(());
        };
        let back = Move {
            sku,
            change: held.quantity,
            reason,
            order: Some(&held.order),
        };
        self.apply(connection, &back, trace)
    }

    /// Changes what can be sold, writes the movement down and tells of it; nothing of that when
    /// nothing changes.
    fn apply(
        &self,
        connection: &Connection,
        Move {
            sku,
            change,
            reason,
            order,
        }: &Move<'_>,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        if *change == 0 {
            return Ok(());
        }
        let available: i64 = connection
            .prepare_cached(
                "UPDATE stock SET available = available + ?2 WHERE sku = ?1 RETURNING available",
            )?
            .query_row(params![sku, change], |row| row.get(0))?;
        let time = self.clock.stamp();
        connection
            .prepare_cached(
                "INSERT INTO movement (time, sku, change, available, reason, order_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![time, sku, change, available, reason, order])?;
        let movement = connection.last_insert_rowid();
        let event = Event {
            id: derived_id(sku, &format!("{} {movement}", StockChanged::TYPE)),
            time,
            entity: (*sku).to_owned(),
            data: StockChanged {
                available: told(available),
            },
        };
        self.outbox.announce(connection, &event, trace)
    }
}

/// Up to `most` reservations numbered above `after` whose time is over at `now`: number and order.
pub(super) fn over(
    connection: &Connection,
    now: &str,
    after: i64,
    most: u32,
) -> rusqlite::Result<Vec<(i64, String)>> {
    connection
        .prepare_cached(
            "SELECT sequence, order_id FROM reservation
             WHERE status = 'reserved' AND expires <= ?1 AND sequence > ?2
             ORDER BY sequence LIMIT ?3",
        )?
        .query_map(params![now, after, most], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// Lets what is reserved leave the stock for good.
pub(super) fn commit(connection: &Connection, order: &str) -> rusqlite::Result<Closed> {
    let found = find(connection, order)?;
    match found.as_ref().map(|held| held.status.as_str()) {
        // What came back had left before: a late repeat finds nothing to do.
        Some("committed" | "returned") => Ok(Closed::Done),
        Some("reserved") => close(connection, order, "committed").map(|()| Closed::Done),
        _ => Ok(Closed::Conflict),
    }
}

const SELECT: &str =
    "SELECT order_id, sku, quantity, status, traceparent, baggage FROM reservation";

fn find(connection: &Connection, order: &str) -> rusqlite::Result<Option<Held>> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE order_id = ?1"))?
        .query_row([order], from_row)
        .optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Held> {
    Ok(Held {
        order: row.get(0)?,
        sku: row.get(1)?,
        quantity: row.get(2)?,
        status: row.get(3)?,
        trace: TraceContext {
            traceparent: row.get(4)?,
            baggage: row.get(5)?,
        },
    })
}

fn close(connection: &Connection, order: &str, status: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE reservation SET status = ?2 WHERE order_id = ?1")?
        .execute([order, status])
        .map(drop)
}
