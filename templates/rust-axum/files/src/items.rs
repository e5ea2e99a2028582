//! The example resource: items, and how they are kept.
//!
//! Every write can be repeated without harm: an item is put under an id that the caller chose, and
//! one that is gone stays gone. A caller whose answer got lost simply asks again.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use crate::database::{Database, DatabaseError};

/// Characters that an id may have.
pub const LONGEST_ID: usize = 64;
/// Characters that a name may have.
pub const LONGEST_NAME: usize = 200;

/// What a caller says about an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What people call it.
    pub name: String,
    /// How many there are.
    pub quantity: u32,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its id, chosen by whoever put it.
    pub id: String,
    /// What is said about it.
    #[serde(flatten)]
    pub description: Description,
}

/// Why something is no item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// The id.
    #[error("id: give 1 to {LONGEST_ID} letters, digits, `-` or `_`")]
    Id,
    /// The name.
    #[error("name: give 1 to {LONGEST_NAME} characters in one line")]
    Name,
}

impl Item {
    /// An item, checked.
    ///
    /// # Errors
    /// When id or name is none.
    pub fn new(id: String, description: Description) -> Result<Self, ItemError> {
        let name = description.name.trim();
        let length = name.chars().count();
        if !is_id(&id) {
            return Err(ItemError::Id);
        }
        if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(ItemError::Name);
        }
        Ok(Self { id, description })
    }
}

/// Whether `text` can be the id of an item.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let character = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(character)
}

/// Whether a put made an item or changed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none under this id.
    Created,
    /// There was one.
    Replaced,
}

/// All items.
#[derive(Debug, Clone)]
pub struct Items {
    database: Database,
}

impl Items {
    /// The items in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds the item, or describes it anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put(&self, item: Item) -> Result<Put, DatabaseError> {
        self.database
            .run(move |connection| {
                let Item { id, description } = &item;
                let values = (id, &description.name, description.quantity);
                let changed = connection.execute(
                    "UPDATE item SET name = ?2, quantity = ?3 WHERE id = ?1",
                    values,
                )?;
                if changed > 0 {
                    return Ok(Put::Replaced);
                }
                let insert = "INSERT INTO item (id, name, quantity) VALUES (?1, ?2, ?3)";
                connection.execute(insert, values)?;
                Ok(Put::Created)
            })
            .await
    }

    /// The item under `id`, where there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: String) -> Result<Option<Item>, DatabaseError> {
        self.database
            .run(move |connection| {
                let select = "SELECT id, name, quantity FROM item WHERE id = ?1";
                connection.query_row(select, [id], item).optional()
            })
            .await
    }

    /// The first `limit` items in the order of their ids, those up to `after` passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, after: String, limit: u32) -> Result<Vec<Item>, DatabaseError> {
        self.database
            .run(move |connection| {
                let select = "SELECT id, name, quantity FROM item
                              WHERE id > ?1 ORDER BY id LIMIT ?2";
                let mut statement = connection.prepare_cached(select)?;
                let items = statement.query_map((after, limit), item)?;
                items.collect()
            })
            .await
    }

    /// Removes the item under `id`, where there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, id: String) -> Result<(), DatabaseError> {
        self.database
            .run(move |connection| {
                connection.execute("DELETE FROM item WHERE id = ?1", [id])?;
                Ok(())
            })
            .await
    }

    /// Removes all items, for contract tests.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self) -> Result<(), DatabaseError> {
        self.database
            .run(|connection| connection.execute("DELETE FROM item", []).map(|_| ()))
            .await
    }

    /// Whether the items can be had.
    pub async fn answer(&self) -> bool {
        self.database.answers().await
    }
}

fn item(row: &rusqlite::Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: row.get(0)?,
        description: Description {
            name: row.get(1)?,
            quantity: row.get(2)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str) -> Description {
        Description {
            name: name.to_owned(),
            quantity: 3,
        }
    }

    fn lamp(id: &str) -> Item {
        Item::new(id.to_owned(), described("Lamp")).unwrap()
    }

    async fn ids(items: &Items, after: &str, limit: u32) -> Vec<String> {
        let found = items.list(after.to_owned(), limit).await.unwrap();
        found.into_iter().map(|item| item.id).collect()
    }

    #[test]
    fn an_id_is_what_a_path_can_carry_and_a_name_is_one_line() {
        for id in ["", "a/b", "ä", " ", &"x".repeat(65)] {
            let refused = Item::new(id.to_owned(), described("Lamp"));
            assert_eq!(refused, Err(ItemError::Id), "{id:?}");
        }
        for name in ["", "  ", "two\nlines", &"x".repeat(201)] {
            let refused = Item::new("lamp".to_owned(), described(name));
            assert_eq!(refused, Err(ItemError::Name), "{name:?}");
        }
    }

    #[tokio::test]
    async fn every_write_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let items = Items::new(Database::open(folder.path()).unwrap());
        assert_eq!(items.put(lamp("a")).await.unwrap(), Put::Created);
        assert_eq!(items.put(lamp("a")).await.unwrap(), Put::Replaced);
        assert_eq!(items.get("a".into()).await.unwrap(), Some(lamp("a")));
        items.delete("a".into()).await.unwrap();
        items.delete("a".into()).await.unwrap();
        assert_eq!(items.get("a".into()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_list_goes_on_where_the_last_one_ended() {
        let folder = tempfile::tempdir().unwrap();
        let items = Items::new(Database::open(folder.path()).unwrap());
        for id in ["c", "a", "b"] {
            items.put(lamp(id)).await.unwrap();
        }
        assert_eq!(ids(&items, "", 2).await, ["a", "b"]);
        assert_eq!(ids(&items, "b", 2).await, ["c"]);
    }
}
