//! The types of events that there are; each has its schema in `contracts/events/`.

use serde::{Deserialize, Serialize};

use super::{Entity, Kind};
use crate::money::Money;

/// Where an order is shipped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// Street and house number.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 country code, two capital letters.
    pub country: String,
}

/// `ORDER_PLACED`: an order is paid, its units are its own. Since version 2 with the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Whose order it is.
    pub account_id: String,
    /// The item.
    pub sku: String,
    /// Its name when it was ordered.
    pub name: String,
    /// Units.
    pub quantity: u32,
    /// What was paid.
    pub total: Money,
    /// Where it goes; missing in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// `ORDER_CANCELLED`: an order ended with nothing sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Whose order it was.
    pub account_id: String,
    /// The item.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// Why, in one word of the contract.
    pub reason: String,
}

/// `PAYMENT_SETTLED`: a card was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSettled {
    /// The charge.
    pub charge_id: String,
    /// Who paid.
    pub account_id: String,
    /// `amount` and `currency`.
    #[serde(flatten)]
    pub sum: Money,
}

/// `PAYMENT_REFUNDED`: what was charged was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRefunded {
    /// The charge.
    pub charge_id: String,
    /// Who had paid.
    pub account_id: String,
    /// `amount` and `currency`.
    #[serde(flatten)]
    pub sum: Money,
}

/// `ITEM_SHIPPED`: an order left the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemShipped {
    /// Whose order it is.
    pub account_id: String,
    /// The item.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// The carrier's number for it.
    pub tracking: String,
}

/// `SHIPMENT_FAILED`: an order will never leave the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentFailed {
    /// Whose order it is.
    pub account_id: String,
    /// The item.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// Why, in one word of the contract.
    pub reason: String,
}

/// `PRODUCT_CHANGED`: what an item is and costs from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChanged {
    /// Its name.
    pub title: String,
    /// What it is.
    pub description: String,
    /// What it costs.
    pub price: Money,
    /// Whether it is shown first.
    pub featured: bool,
}

/// `STOCK_CHANGED`: how many units of an item can be sold from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockChanged {
    /// Units.
    pub available: u32,
}

/// `ACCOUNT_CHANGED`: who an account belongs to from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChanged {
    /// Where its owner gets mail.
    pub email: String,
    /// Its owner's name.
    pub name: String,
    /// `customer` or `operator`.
    pub role: String,
    /// Grows with each change; the highest is right.
    pub revision: u64,
}

macro_rules! kinds {
    ($($data:ty: $name:literal $version:literal on $topic:literal about $entity:ident;)*) => {
        $(impl Kind for $data {
            const TYPE: &'static str = $name;
            const VERSION: u32 = $version;
            const TOPIC: &'static str = $topic;
            const ENTITY: Entity = Entity::$entity;
        })*
    };
}

kinds! {
    OrderPlaced: "ORDER_PLACED" 2 on "orders" about Order;
    OrderCancelled: "ORDER_CANCELLED" 1 on "orders" about Order;
    PaymentSettled: "PAYMENT_SETTLED" 1 on "payments" about Order;
    PaymentRefunded: "PAYMENT_REFUNDED" 1 on "payments" about Order;
    ItemShipped: "ITEM_SHIPPED" 1 on "shipping" about Order;
    ShipmentFailed: "SHIPMENT_FAILED" 1 on "shipping" about Order;
    ProductChanged: "PRODUCT_CHANGED" 1 on "catalog" about Item;
    StockChanged: "STOCK_CHANGED" 1 on "inventory" about Item;
    AccountChanged: "ACCOUNT_CHANGED" 1 on "accounts" about Account;
}
