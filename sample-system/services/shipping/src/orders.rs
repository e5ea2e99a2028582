//! The topic `orders`: what was ordered is to be packed, what was cancelled is not any more.

use async_trait::async_trait;
use shop::consume::{Failure, Handle};
use shop::event::{Entity, Envelope, Kind as _, OrderCancelled, OrderPlaced};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::warehouse::Warehouse;

/// Hears of orders.
#[derive(Debug, Clone)]
pub(crate) struct Orders(pub(crate) Warehouse);

#[async_trait]
impl Handle for Orders {
    async fn handle(&self, delivery: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        let event = Envelope::open(&delivery.record.payload)?;
        if let Some(placed) = event.event::<OrderPlaced>()? {
            tracing::info!(order_id = placed.entity, "an order is to be packed");
            return Ok(self.0.placed(placed, trace.clone()).await?);
        }
        if event.kind == OrderCancelled::TYPE {
            let order = event.entity(Entity::Order)?.to_owned();
            return Ok(self.0.cancelled(event.id, order).await?);
        }
        Ok(())
    }
}
