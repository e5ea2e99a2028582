//! The rules of the ledger, on a connection that is in a transaction.

use rusqlite::Connection;
use serde_json::json;
use shop::bugs::{Bug, Bugs};
use shop::clock::Clock;
use shop::event::{Event, Kind, PaymentRefunded, PaymentSettled, derived_id};
use shop::idempotency::{self, IdempotencyKey, Known, Secret};
use shop::inbox::Inbox;
use shop::money::Money;
use shop::outbox::Outbox;
use shop::trace_context::TraceContext;
use uuid::Uuid;

use super::{Charge, ChargeRequest, Charging, Status, find, of_order};

/// Cards that end so are declined; every other one is charged.
const DECLINED_ENDING: &str = "0002";

/// What every change of the ledger needs.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub(super) clock: Clock,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) bugs: Bugs,
    /// Requests are told apart with it.
    pub(super) secret: Secret,
}

impl Book {
    /// What tells one request from another, its card included.
    fn hash(&self, request: &ChargeRequest) -> String {
        self.secret.hash(&json!([
            request.charge_id,
            request.order_id,
            request.amount,
            request.currency,
            request.card.number
        ]))
    }

    /// Charges `sum`, unless key or charge are known.
    pub(super) fn charge(
        &self,
        connection: &Connection,
        key: &IdempotencyKey,
        request: &ChargeRequest,
        sum: &Money,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charging> {
        let (account, hash) = (request.account_id.to_string(), self.hash(request));
        let known = idempotency::known(connection, &account, key, &hash)?;
        if known == Known::Different {
            return Ok(Charging::Different);
        }
        let found = find(connection, &request.charge_id)?;
        if found
            .as_ref()
            .is_some_and(|found| found.is_another(request, sum))
        {
            return Ok(Charging::Different);
        }
        let is_new = found.as_ref().is_none_or(|found| found.order_id.is_none());
        let id = match is_new {
            true => request.charge_id.clone(),
            // The bug takes a repeat for a further charge.
            false if self.bugs.has(Bug::MissingIdempotency) => Uuid::new_v4().to_string(),
            false => {
                return found
                    .map(Charging::Stands)
                    .ok_or(rusqlite::Error::QueryReturnedNoRows);
            }
        };
        let charge = self.make(connection, &id, request, sum, trace)?;
        if known == Known::New {
            let time = self.clock.stamp();
            idempotency::remember(connection, &account, key, &hash, &id, &time)?;
        }
        Ok(Charging::Stands(charge))
    }

    /// Writes the charge, as it ends: taken, declined, or refused by a refund that came first.
    fn make(
        &self,
        connection: &Connection,
        id: &str,
        request: &ChargeRequest,
        sum: &Money,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        let last_four = request.card.number.last_four();
        let undone = connection
            .prepare_cached("SELECT 1 FROM undone WHERE order_id = ?1")?
            .exists([&request.order_id])?;
        let status = match last_four {
            _ if undone => "refused",
            DECLINED_ENDING => "declined",
            _ => "charged",
        };
        // A tombstone keeps its status and only learns what it forbids.
        connection.execute(
            "INSERT INTO charge (id, order_id, account_id, amount, currency, status, last_four)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET
                 order_id = excluded.order_id, account_id = excluded.account_id,
                 amount = excluded.amount, currency = excluded.currency,
                 last_four = excluded.last_four",
            (
                id,
                &request.order_id,
                request.account_id.to_string(),
                sum.amount(),
                sum.currency(),
                status,
                last_four,
            ),
        )?;
        let charge = find(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        if charge.status == Status::Charged {
            let data = |charge_id, account_id, sum| PaymentSettled {
                charge_id,
                account_id,
                sum,
            };
            self.tell(connection, &charge, data, trace)?;
        }
        Ok(charge)
    }

    /// Gives back what the charge took, or leaves a tombstone where there is none.
    pub(super) fn refund(
        &self,
        connection: &Connection,
        id: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        let Some(charge) = find(connection, id)? else {
            connection.execute(
                "INSERT INTO charge (id, status) VALUES (?1, 'refused')",
                [id],
            )?;
            return find(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows);
        };
        if charge.status != Status::Charged {
            return Ok(charge);
        }
        self.give_back(connection, charge, trace)
    }

    /// Gives back all that was charged for the order, and forbids more.
    pub(super) fn undo(
        &self,
        connection: &Connection,
        order_id: &str,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        connection.execute(
            "INSERT INTO undone (order_id) VALUES (?1) ON CONFLICT DO NOTHING",
            [order_id],
        )?;
        for charge in of_order(connection, order_id)? {
            if charge.status == Status::Charged {
                self.give_back(connection, charge, trace)?;
            }
        }
        Ok(())
    }

    fn give_back(
        &self,
        connection: &Connection,
        mut charge: Charge,
        trace: &TraceContext,
    ) -> rusqlite::Result<Charge> {
        charge.status = Status::Refunded;
        if self.bugs.has(Bug::NoRefund) {
            return Ok(charge);
        }
        connection.execute(
            "UPDATE charge SET status = 'refunded' WHERE id = ?1",
            [&charge.id],
        )?;
        let data = |charge_id, account_id, sum| PaymentRefunded {
            charge_id,
            account_id,
            sum,
        };
        self.tell(connection, &charge, data, trace)?;
        Ok(charge)
    }

    /// Tells of a charge that has all its parts.
    fn tell<K: Kind>(
        &self,
        connection: &Connection,
        charge: &Charge,
        data: impl FnOnce(String, String, Money) -> K,
        trace: &TraceContext,
    ) -> rusqlite::Result<()> {
        let (Some(order_id), Some(account), Some(sum)) =
            (&charge.order_id, &charge.account_id, &charge.sum)
        else {
            return Ok(());
        };
        let event = Event {
            id: derived_id(&charge.id, K::TYPE),
            time: self.clock.stamp(),
            entity: order_id.clone(),
            data: data(charge.id.clone(), account.to_string(), sum.clone()),
        };
        self.outbox.announce(connection, &event, trace)
    }
}

impl Charge {
    /// Whether it is not the one that `request` asks for.
    fn is_another(&self, request: &ChargeRequest, sum: &Money) -> bool {
        let Some(order_id) = &self.order_id else {
            return false;
        };
        *order_id != request.order_id
            || self.account_id != Some(request.account_id)
            || self.sum.as_ref() != Some(sum)
    }
}
