//! What orders hears from shipping: an order was sent off, or never will be. The latter cancels it;
//! its money and its units are given back by those who hold them, who hear the same.

use shop::consume::{Failure, Handle};
use shop::event::{Envelope, ItemShipped, ShipmentFailed, Unreadable};
use shop::inbox::Inbox;
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::order::{Fact, OrderId};
use crate::store::{Heard, Store, cancelled_by_shipping};

/// The topic with shipping's events.
pub(crate) const TOPIC: &str = "shipping";

/// The group whose members share the work.
pub(crate) const GROUP: &str = "orders";

/// Records what shipping says.
#[derive(Debug)]
pub(crate) struct Shipments {
    store: Store,
    inbox: Inbox,
}

/// An event that fits no order as it stands. It may be a late copy of something that was never so;
/// a person has to look.
#[derive(Debug, thiserror::Error)]
#[error("shipping tells of the order {0}, which was never announced as placed")]
struct NeverPlaced(String);

/// The event names no order as this service does.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no order's id")]
struct NoOrder(String);

impl Shipments {
    /// What is heard goes into `store`, each event once by `inbox`.
    pub(crate) fn new(store: Store, inbox: Inbox) -> Self {
        Self { store, inbox }
    }
}

/// The order that an event is about, and what it says of it; `None` for others' business.
fn said(envelope: &Envelope) -> Result<Option<(String, Vec<Fact>)>, Unreadable> {
    if let Some(shipped) = envelope.event::<ItemShipped>()? {
        let tracking = shipped.data.tracking;
        return Ok(Some((shipped.entity, vec![Fact::Shipped { tracking }])));
    }
    let failed = envelope.event::<ShipmentFailed>()?;
    Ok(failed.map(|failed| (failed.entity, cancelled_by_shipping(failed.data.reason))))
}

#[async_trait::async_trait]
impl Handle for Shipments {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let envelope = Envelope::open(&delivery.record.payload)?;
        let Some((order, facts)) = said(&envelope)? else {
            return Ok(());
        };
        let id = OrderId::parse(&order).ok_or_else(|| Failure::staying(NoOrder(order.clone())))?;
        let (inbox, event) = (self.inbox.clone(), envelope.id);
        match self
            .store
            .hear(inbox, event, id, facts, trace.clone())
            .await?
        {
            Heard::Recorded => tracing::info!(order_id = order, "heard from shipping"),
            Heard::Nothing => tracing::info!(order_id = order, "heard from shipping before"),
            Heard::Unknown => return Err(Failure::staying(NeverPlaced(order))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
