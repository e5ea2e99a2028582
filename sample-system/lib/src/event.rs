//! Events: what services tell each other, as `contracts/events/` promises it.
//!
//! ```text
//! {"id": …, "type": "ORDER_PLACED", "version": 2, "time": …, "order_id": …, "data": {…}}
//! ```
//!
//! A publisher makes an [`Event`] of one of the types in [`kinds`] and puts its [`Event::message`]
//! into its outbox. A reader opens an [`Envelope`], looks at its type, and takes the data as the
//! type it knows; fields that it does not know are ignored, so a publisher may add, and a reader
//! may also ask for fewer fields with a type of its own.

mod kinds;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use kinds::{
    AccountChanged, Address, ItemShipped, OrderCancelled, OrderPlaced, PaymentRefunded,
    PaymentSettled, ProductChanged, ShipmentFailed, StockChanged,
};

use crate::objects::Objects;
use crate::outbox::Message;
use crate::trace_context::TraceContext;

/// The root of all ids that are derived here, made once for it.
const NAMESPACE: Uuid = Uuid::from_u128(0x9c1e_52d4_03b7_4f1b_9f2a_6c0d_71e5_8a34);

/// What an event is about; its id is the record's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// An order.
    Order,
    /// An account.
    Account,
    /// An item.
    Item,
}

impl Entity {
    /// The field that carries its id.
    pub fn field(self) -> &'static str {
        match self {
            Self::Order => "order_id",
            Self::Account => "account_id",
            Self::Item => "sku",
        }
    }
}

/// The data of a type of event.
pub trait Kind: Serialize + DeserializeOwned {
    /// Its name in `type`.
    const TYPE: &'static str;
    /// The version that is written now.
    const VERSION: u32;
    /// The topic that it is published to.
    const TOPIC: &'static str;
    /// What it is about.
    const ENTITY: Entity;
}

/// An event, as its publisher makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<K> {
    /// Identifies the event, the same in each repeat; see [`derived_id`].
    pub id: String,
    /// When it happened, a [`Clock::stamp`](crate::clock::Clock::stamp).
    pub time: String,
    /// The id of what it is about.
    pub entity: String,
    /// What happened.
    pub data: K,
}

impl<K: Kind> Event<K> {
    /// The event as its outbox takes it.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn message(&self, trace: &TraceContext) -> Result<Message, serde_json::Error> {
        let mut payload = Map::new();
        payload.insert("id".to_owned(), self.id.clone().into());
        payload.insert("type".to_owned(), K::TYPE.into());
        payload.insert("version".to_owned(), K::VERSION.into());
        payload.insert("time".to_owned(), self.time.clone().into());
        payload.insert(K::ENTITY.field().to_owned(), self.entity.clone().into());
        payload.insert("data".to_owned(), serde_json::to_value(&self.data)?);
        Ok(Message {
            topic: K::TOPIC.to_owned(),
            key: self.entity.clone(),
            payload: Value::Object(payload).to_string(),
            trace: trace.clone(),
        })
    }
}

/// The id of the event `what` of the entity `of`; where there can be several, `what` tells them
/// apart. Whoever repeats a step says the same id again.
pub fn derived_id(of: &str, what: &str) -> String {
    // The length keeps ("a", "b c") and ("a b", "c") apart.
    let name = format!("{} {of} {what}", of.len());
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// A record that is no event of the shop, or not one of its type.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The record is no envelope.
    #[error("the record is no event: {0}")]
    Envelope(serde_json::Error),
    /// The envelope's version is none.
    #[error("the event {id} has version 0: versions begin with 1")]
    Version {
        /// The event.
        id: String,
    },
    /// The id of what it is about is missing.
    #[error("the {kind} {id} names no {field}")]
    Entity {
        /// The event.
        id: String,
        /// Its type.
        kind: String,
        /// The field that is missing.
        field: &'static str,
    },
    /// The data is not that of its type.
    #[error("the data of the {kind} {id} cannot be read: {source}")]
    Data {
        /// The event.
        id: String,
        /// Its type.
        kind: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// An event as it comes, its data not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Envelope {
    /// Identifies the event, the same in each repeat.
    pub id: String,
    /// Its type, like `ORDER_PLACED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its version. A later one may have more fields, never fewer or others.
    pub version: u32,
    /// When it happened, RFC 3339.
    pub time: String,
    order_id: Option<String>,
    account_id: Option<String>,
    sku: Option<String>,
    data: Value,
}

impl Envelope {
    /// Opens the payload of a record.
    ///
    /// # Errors
    /// When it is no event.
    pub fn open(payload: &[u8]) -> Result<Self, Unreadable> {
        let Objects(envelope): Objects<Self> =
            serde_json::from_slice(payload).map_err(Unreadable::Envelope)?;
        if envelope.version == 0 {
            return Err(Unreadable::Version { id: envelope.id });
        }
        Ok(envelope)
    }

    /// Whether it is of the type `K`.
    pub fn is<K: Kind>(&self) -> bool {
        self.kind == K::TYPE
    }

    /// The id of the `entity` that it is about.
    ///
    /// # Errors
    /// When it names none.
    pub fn entity(&self, entity: Entity) -> Result<&str, Unreadable> {
        let given = match entity {
            Entity::Order => self.order_id.as_deref(),
            Entity::Account => self.account_id.as_deref(),
            Entity::Item => self.sku.as_deref(),
        };
        given
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Unreadable::Entity {
                id: self.id.clone(),
                kind: self.kind.clone(),
                field: entity.field(),
            })
    }

    /// The data, as any type that asks for no more than the event has.
    ///
    /// # Errors
    /// When it cannot be read so.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let read = Objects::<T>::deserialize(&self.data).map(|Objects(data)| data);
        read.map_err(|source| Unreadable::Data {
            id: self.id.clone(),
            kind: self.kind.clone(),
            source,
        })
    }

    /// The whole event, where it is of the type `K`; `None` where it is of another.
    ///
    /// # Errors
    /// When it is of that type and cannot be read.
    pub fn event<K: Kind>(&self) -> Result<Option<Event<K>>, Unreadable> {
        if !self.is::<K>() {
            return Ok(None);
        }
        Ok(Some(Event {
            id: self.id.clone(),
            time: self.time.clone(),
            entity: self.entity(K::ENTITY)?.to_owned(),
            data: self.data()?,
        }))
    }
}

#[cfg(test)]
mod tests;
