//! What is known of items: how they are called, whether they can be had, how often they were
//! ordered. Made of events alone, so that it can be dropped and made again.
//!
//! Events may come twice and in any order. Of an item's descriptions the latest holds, and of its
//! stocks, by the time that the event tells and then by its place in the topic; an order counts
//! once by the event's id. So it does not matter what of the topics is read again.
//!
//! A model has a group of readers of its own, named when the model is made: one that is new, because
//! it was dropped or its file deleted, is read from the beginning.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use shop::bugs::Bugs;
use shop::clock::Clock;
use shop::database::{Database, DatabaseError};
use shop::event::{ProductChanged, StockChanged};
use shop::inbox::{self, Inbox};
use shop::money::Money;
use uuid::Uuid;

use crate::GROUP;
use crate::words::phrases;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE model (
         one       INTEGER PRIMARY KEY CHECK (one = 1),
         group_id  TEXT NOT NULL
     ) STRICT;
     -- `time` and `place` are those of the event that said it.
     CREATE TABLE product (
         number      INTEGER PRIMARY KEY,
         sku         TEXT NOT NULL UNIQUE,
         title       TEXT NOT NULL,
         description TEXT NOT NULL,
         amount      INTEGER NOT NULL,
         currency    TEXT NOT NULL,
         time        INTEGER NOT NULL, -- milliseconds since 1970
         place       INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE stock (
         sku       TEXT PRIMARY KEY,
         available INTEGER NOT NULL,
         time      INTEGER NOT NULL,
         place     INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE popularity (
         sku    TEXT PRIMARY KEY,
         orders INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX popularity_best ON popularity (orders DESC, sku);
     CREATE VIRTUAL TABLE product_text USING fts5(
         title, description, content = 'product', content_rowid = 'number',
         tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
     );
     CREATE TRIGGER product_added AFTER INSERT ON product BEGIN
         INSERT INTO product_text (rowid, title, description)
         VALUES (new.number, new.title, new.description);
     END;
     CREATE TRIGGER product_removed AFTER DELETE ON product BEGIN
         INSERT INTO product_text (product_text, rowid, title, description)
         VALUES ('delete', old.number, old.title, old.description);
     END;
     CREATE TRIGGER product_changed AFTER UPDATE ON product BEGIN
         INSERT INTO product_text (product_text, rowid, title, description)
         VALUES ('delete', old.number, old.title, old.description);
         INSERT INTO product_text (rowid, title, description)
         VALUES (new.number, new.title, new.description);
     END;",
    inbox::SCHEMA,
];

/// When an event happened, and where it stands in its topic, which has one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct When {
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    /// The offset of its record.
    pub(crate) place: i64,
}

/// An item as it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) price: Money,
    pub(crate) in_stock: bool,
}

/// The file of the database in the service's folder.
pub(crate) const FILE: &str = "search.sqlite";

/// All that is known. Clones are the same model.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    database: Database,
    inbox: Inbox,
}

impl Model {
    /// Opens the model kept in `folder`, or makes an empty one.
    pub(crate) async fn open(folder: &Path, clock: Clock) -> Result<Self, DatabaseError> {
        let database = Database::open(&folder.join(FILE), MIGRATIONS)?;
        let group = fresh_group();
        database
            .write(move |connection| {
                let first =
                    "INSERT INTO model (one, group_id) VALUES (1, ?1) ON CONFLICT DO NOTHING";
                connection.execute(first, [group])
            })
            .await?;
        Ok(Self {
            database,
            inbox: Inbox::new(clock, &Bugs::none()),
        })
    }

    /// The database that it is in.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The group that reads for it.
    pub(crate) async fn group(&self) -> Result<String, DatabaseError> {
        let group = "SELECT group_id FROM model";
        self.database
            .read(move |connection| connection.query_row(group, [], |row| row.get(0)))
            .await
    }

    /// Forgets all, and answers the name of the group that is to read it anew.
    pub(crate) async fn start_over(&self) -> Result<String, DatabaseError> {
        let group = fresh_group();
        self.database
            .write(move |connection| {
                connection.execute_batch(
                    "DELETE FROM product; DELETE FROM stock; DELETE FROM popularity;",
                )?;
                inbox::forget_all(connection)?;
                connection.execute("UPDATE model SET group_id = ?1", [&group])?;
                Ok(group)
            })
            .await
    }

    /// Describes the item, unless something later is known.
    pub(crate) async fn described(
        &self,
        sku: String,
        product: ProductChanged,
        when: When,
    ) -> Result<(), DatabaseError> {
        self.database
            .write(move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO product
                             (sku, title, description, amount, currency, time, place)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                         ON CONFLICT (sku) DO UPDATE SET
                             title = excluded.title, description = excluded.description,
                             amount = excluded.amount, currency = excluded.currency,
                             time = excluded.time, place = excluded.place
                         WHERE (excluded.time, excluded.place) > (product.time, product.place)",
                    )?
                    .execute(params![
                        sku,
                        product.title,
                        product.description,
                        product.price.amount(),
                        product.price.currency(),
                        when.time,
                        when.place
                    ])
                    .map(drop)
            })
            .await
    }

    /// Notes how many units there are, unless something later is known.
    pub(crate) async fn stocked(
        &self,
        sku: String,
        stock: StockChanged,
        when: When,
    ) -> Result<(), DatabaseError> {
        self.database
            .write(move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO stock (sku, available, time, place) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (sku) DO UPDATE SET
                             available = excluded.available,
                             time = excluded.time, place = excluded.place
                         WHERE (excluded.time, excluded.place) > (stock.time, stock.place)",
                    )?
                    .execute(params![sku, stock.available, when.time, when.place])
                    .map(drop)
            })
            .await
    }

    /// Counts an order of the item: once for the event of that id.
    pub(crate) async fn ordered(&self, event_id: String, sku: String) -> Result<(), DatabaseError> {
        let inbox = self.inbox.clone();
        self.database
            .write(move |connection| {
                if !inbox.first_time(connection, &event_id)? {
                    return Ok(());
                }
                connection
                    .prepare_cached(
                        "INSERT INTO popularity (sku, orders) VALUES (?1, 1)
                         ON CONFLICT (sku) DO UPDATE SET orders = orders + 1",
                    )?
                    .execute([sku])
                    .map(drop)
            })
            .await
    }

    /// Up to `limit` items that have all words of `text` in title or description, those that say
    /// them in the title first.
    pub(crate) async fn find(&self, text: &str, limit: u32) -> Result<Vec<Found>, DatabaseError> {
        let Some(phrases) = phrases(text) else {
            return Ok(Vec::new());
        };
        self.database
            .read(move |connection| found(connection, FIND, params![phrases, limit]))
            .await
    }

    /// Up to `limit` items that were ordered most often.
    pub(crate) async fn popular(&self, limit: u32) -> Result<Vec<Found>, DatabaseError> {
        self.database
            .read(move |connection| found(connection, POPULAR, params![limit]))
            .await
    }
}

/// A word in the title weighs as much as ten in the description.
const FIND: &str = "
SELECT product.sku, title, amount, currency, coalesce(available, 0) > 0 AS in_stock
FROM (SELECT rowid AS hit, bm25(product_text, 10.0, 1.0) AS distance
      FROM product_text WHERE product_text MATCH ?1)
JOIN product ON product.number = hit LEFT JOIN stock ON stock.sku = product.sku
ORDER BY distance, product.sku LIMIT ?2";

const POPULAR: &str = "
SELECT product.sku, title, amount, currency, coalesce(available, 0) > 0 AS in_stock
FROM popularity JOIN product ON product.sku = popularity.sku
LEFT JOIN stock ON stock.sku = product.sku
ORDER BY orders DESC, popularity.sku LIMIT ?1";

fn found(
    connection: &Connection,
    query: &str,
    given: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection.prepare_cached(query)?;
    statement.query_map(given, from_row)?.collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Found> {
    let currency: String = row.get("currency")?;
    let price = Money::new(row.get("amount")?, currency).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
    })?;
    Ok(Found {
        sku: row.get("sku")?,
        title: row.get("title")?,
        price,
        in_stock: row.get("in_stock")?,
    })
}

fn fresh_group() -> String {
    format!("{GROUP}-{}", Uuid::new_v4())
}
