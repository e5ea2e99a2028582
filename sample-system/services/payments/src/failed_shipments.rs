//! The topic `shipping`: what was charged for an order whose goods cannot be brought is given back.

use async_trait::async_trait;
use shop::consume::{Failure, Handle};
use shop::event::{Entity, Envelope, ShipmentFailed};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::ledger::Ledger;

/// Hears of shipments that failed.
#[derive(Debug, Clone)]
pub(crate) struct FailedShipments(pub(crate) Ledger);

#[async_trait]
impl Handle for FailedShipments {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let event = Envelope::open(&delivery.record.payload)?;
        if !event.is::<ShipmentFailed>() {
            return Ok(());
        }
        let order = event.entity(Entity::Order)?.to_owned();
        tracing::info!(
            order_id = order,
            "the shipment failed: the order is refunded"
        );
        Ok(self.0.undo(event.id, order, trace.clone()).await?)
    }
}
