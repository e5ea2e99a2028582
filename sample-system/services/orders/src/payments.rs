//! What orders asks of payments, and what it makes of the answers. What it relies on is written
//! down in `contracts/pacts/orders-payments.json`, by the tests of this very code.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use shop::card::Card;
use shop::http_client::{CallError, ClientError, Peer};
use shop::idempotency::IDEMPOTENCY_KEY;
use shop::money::Money;
use shop::trace_context::TraceContext;

use crate::executor::How;

/// What payments is asked to charge.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ChargeRequest<'a> {
    pub(crate) charge_id: String,
    pub(crate) order_id: String,
    pub(crate) account_id: String,
    #[serde(flatten)]
    pub(crate) sum: &'a Money,
    pub(crate) card: &'a Card,
}

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChargeStatus {
    /// The money was taken.
    Charged,
    /// The card was not good for it.
    Declined,
    /// The money was given back.
    Refunded,
    /// The money will never be taken.
    Refused,
}

/// A charge as payments shows it; what it has besides is none of orders' business.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) status: ChargeStatus,
    /// Absent from a charge that was refused before it came.
    amount: Option<i64>,
    currency: Option<String>,
}

impl Charge {
    fn is_of(&self, sum: &Money) -> bool {
        self.amount == Some(sum.amount()) && self.currency.as_deref() == Some(sum.currency())
    }
}

/// The payments service.
#[derive(Debug, Clone)]
pub(crate) struct Payments {
    peer: Peer,
    refund_timeout: Duration,
}

impl Payments {
    /// The payments at `url`, given `timeout` for a charge and `refund_timeout` for a refund,
    /// called as `how` says.
    pub(crate) fn new(
        url: &str,
        timeout: Duration,
        refund_timeout: Duration,
        how: &How,
    ) -> Result<Self, ClientError> {
        let peer = Peer::new("payments", url, timeout)?;
        Ok(Self {
            peer: peer.guarded(how.limits, &how.metrics, &how.draw),
            refund_timeout,
        })
    }

    /// Charges a card. The charge's id is also its idempotency key.
    pub(crate) async fn charge(
        &self,
        request: &ChargeRequest<'_>,
        trace: &TraceContext,
    ) -> Result<Charge, CallError> {
        let answer = self
            .peer
            .request(Method::POST, "/charges", trace)
            .header(IDEMPOTENCY_KEY, &request.charge_id)
            .json(request)
            .send()
            .await?;
        let charge = match answer.status {
            StatusCode::CREATED | StatusCode::PAYMENT_REQUIRED | StatusCode::CONFLICT => {
                answer.json::<Charge>()?
            }
            _ => return Err(answer.unreadable("wanted 201, 402 or 409")),
        };
        // Status and body say the same, of the charge that was asked for, or the answer cannot be
        // relied on.
        let charged = answer.status == StatusCode::CREATED;
        if charge.id != request.charge_id {
            return Err(answer.unreadable("`id` is that of another charge"));
        }
        if charged != (charge.status == ChargeStatus::Charged) {
            return Err(answer.unreadable("`status` contradicts the status of the answer"));
        }
        if charged && !charge.is_of(request.sum) {
            return Err(answer.unreadable("`amount` or `currency` is not what was asked for"));
        }
        Ok(charge)
    }

    /// Gives back what the charge took; one that has not come is refused when it comes.
    pub(crate) async fn refund(
        &self,
        charge_id: &str,
        trace: &TraceContext,
    ) -> Result<Charge, CallError> {
        let answer = self
            .peer
            .request(Method::POST, &format!("/charges/{charge_id}/refund"), trace)
            .within(self.refund_timeout)
            .insisting()
            .send()
            .await?;
        let charge = match answer.status {
            StatusCode::OK | StatusCode::ACCEPTED => answer.json::<Charge>()?,
            _ => return Err(answer.unreadable("wanted 200 or 202")),
        };
        if charge.id != charge_id || charge.status == ChargeStatus::Charged {
            return Err(answer.unreadable("`id` or `status` is not that of a refund"));
        }
        Ok(charge)
    }

    /// The charges of an order.
    pub(crate) async fn of_order(
        &self,
        order_id: &str,
        trace: &TraceContext,
    ) -> Result<Vec<Charge>, CallError> {
        let request = self.peer.request(Method::GET, "/charges", trace);
        let answer = request
            .query("order_id", order_id)
            .insisting()
            .send()
            .await?;
        match answer.status {
            StatusCode::OK => answer.json(),
            _ => Err(answer.unreadable("wanted 200")),
        }
    }
}

#[cfg(test)]
mod contract;
