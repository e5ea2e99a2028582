//! The items, as catalog keeps them.

use std::path::Path;

use rusqlite::OptionalExtension;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};
use shop::database::{Database, DatabaseError};
use shop::money::Money;
use shop::sku::Sku;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE item (
        sku      TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        amount   INTEGER NOT NULL CHECK (amount >= 0),
        currency TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// What a shop assistant says about an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// What customers call it.
    pub(crate) name: String,
    /// Price of one.
    pub(crate) price: Money,
}

/// An item for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub(crate) sku: Sku,
    #[serde(flatten)]
    pub(crate) description: Description,
}

/// All items.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    database: Database,
}

impl Items {
    /// Opens the items kept in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: Database::open(&folder.join("catalog.sqlite"), MIGRATIONS)?,
        })
    }

    /// Adds the item, or describes it anew.
    pub(crate) async fn put(&self, item: Item) -> Result<Item, DatabaseError> {
        self.database
            .write(move |connection| {
                let Description { name, price } = &item.description;
                connection.execute(
                    "INSERT INTO item (sku, name, amount, currency) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (sku) DO UPDATE SET
                         name = excluded.name, amount = excluded.amount,
                         currency = excluded.currency",
                    (item.sku.as_str(), name, price.amount(), price.currency()),
                )?;
                Ok(item)
            })
            .await
    }

    /// The item named `sku`, where there is one.
    pub(crate) async fn get(&self, sku: Sku) -> Result<Option<Item>, DatabaseError> {
        self.database
            .read(move |connection| {
                let description = connection
                    .query_row(
                        "SELECT name, amount, currency FROM item WHERE sku = ?1",
                        [sku.as_str()],
                        |row| {
                            let currency: String = row.get(2)?;
                            let price = Money::new(row.get(1)?, currency).map_err(|error| {
                                let error = Box::new(error);
                                rusqlite::Error::FromSqlConversionFailure(2, Type::Text, error)
                            })?;
                            Ok(Description {
                                name: row.get(0)?,
                                price,
                            })
                        },
                    )
                    .optional()?;
                Ok(description.map(|description| Item { sku, description }))
            })
            .await
    }

    /// Whether the database works.
    pub(crate) async fn answer(&self) -> bool {
        self.database.answers().await
    }
}
