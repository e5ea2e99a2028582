-- A migration that was released is never changed, only followed by another.
CREATE TABLE item (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0)
) STRICT, WITHOUT ROWID;
