//! The topic `shipping`: units that cannot be brought to their customer come back into the stock.

use async_trait::async_trait;
use shop::consume::{Failure, Handle};
use shop::event::{Entity, Envelope, ShipmentFailed};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::stock::StockRoom;

/// Hears of shipments that failed.
#[derive(Debug, Clone)]
pub(crate) struct FailedShipments(pub(crate) StockRoom);

#[async_trait]
impl Handle for FailedShipments {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let event = Envelope::open(&delivery.record.payload)?;
        if !event.is::<ShipmentFailed>() {
            return Ok(());
        }
        let order = event.entity(Entity::Order)?.to_owned();
        tracing::info!(order_id = order, "the shipment failed: its units come back");
        Ok(self.0.take_back(event.id, order, trace.clone()).await?)
    }
}
