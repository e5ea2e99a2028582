//! The topics `catalog`, `inventory` and `orders`, as what they say of items.

use async_trait::async_trait;
use chrono::DateTime;
use serde::Deserialize;
use shop::consume::{Failure, Handle};
use shop::event::{Entity, Envelope, OrderPlaced, ProductChanged, StockChanged};
use shop::kafka::Delivery;
use shop::trace_context::TraceContext;

use crate::model::{Model, When};

/// Hears of items.
#[derive(Debug, Clone)]
pub(crate) struct Topics(pub(crate) Model);

/// All that is asked of an order: the first version of `ORDER_PLACED` had it already.
#[derive(Debug, Deserialize)]
struct Ordered {
    sku: String,
}

#[async_trait]
impl Handle for Topics {
    async fn handle(&self, delivery: &Delivery, _: &TraceContext) -> Result<(), Failure> {
        let event = Envelope::open(&delivery.record.payload)?;
        let Self(model) = self;
        if event.is::<OrderPlaced>() {
            let Ordered { sku } = event.data()?;
            model.ordered(event.id, sku).await?;
        } else if event.is::<ProductChanged>() {
            let (sku, when) = (
                event.entity(Entity::Item)?.to_owned(),
                when(&event, delivery)?,
            );
            model.described(sku, event.data()?, when).await?;
        } else if event.is::<StockChanged>() {
            let (sku, when) = (
                event.entity(Entity::Item)?.to_owned(),
                when(&event, delivery)?,
            );
            model.stocked(sku, event.data()?, when).await?;
        }
        Ok(())
    }
}

fn when(event: &Envelope, delivery: &Delivery) -> Result<When, Failure> {
    let time = DateTime::parse_from_rfc3339(&event.time).map_err(Failure::staying)?;
    Ok(When {
        time: time.timestamp_millis(),
        place: delivery.offset,
    })
}
