"""What is bought together: learnt from one purchase at a time, shown by account.

Two SKUs belong together as strongly as there are accounts that have bought both."""

import sqlite3

#: SKUs of an account that a new one is paired with, and that a shelf is made of: its newest. It
#: bounds the work for an account that buys everything.
NEWEST = 50

_OTHERS = """
    SELECT sku FROM purchase WHERE account = ? AND sku != ? ORDER BY bought DESC LIMIT ?
"""

_PAIR = """
    INSERT INTO together VALUES (?, ?, 1)
    ON CONFLICT (sku, other) DO UPDATE SET accounts = accounts + 1
"""

_SHELF = """
    WITH mine AS (SELECT sku FROM purchase WHERE account = :account ORDER BY bought DESC LIMIT :newest)
    SELECT other, sum(accounts) AS score
    FROM mine JOIN together USING (sku)
    WHERE other NOT IN (SELECT sku FROM purchase WHERE account = :account)
    GROUP BY other ORDER BY score DESC, other LIMIT :limit
"""


def learn(connection: sqlite3.Connection, account: str, sku: str) -> None:
    """Takes in that an account has bought a SKU, within the caller's transaction. A SKU bought
    before moves to the front and pairs with nothing anew."""
    newest = "SELECT coalesce(max(bought), 0) + 1 FROM purchase WHERE account = ?"
    (number,) = connection.execute(newest, (account,)).fetchone()
    known = "UPDATE purchase SET bought = ? WHERE account = ? AND sku = ?"
    if connection.execute(known, (number, account, sku)).rowcount:
        return
    connection.execute("INSERT INTO purchase VALUES (?, ?, ?)", (account, sku, number))
    others = connection.execute(_OTHERS, (account, sku, NEWEST)).fetchall()
    pairs = [pair for (other,) in others for pair in ((sku, other), (other, sku))]
    connection.executemany(_PAIR, pairs)


def show(connection: sqlite3.Connection, account: str, limit: int) -> list[tuple[str, int]]:
    """SKUs that the account has not bought, with how strongly they belong to those that it has;
    the strongest first."""
    asked = {"account": account, "newest": NEWEST, "limit": limit}
    return connection.execute(_SHELF, asked).fetchall()
