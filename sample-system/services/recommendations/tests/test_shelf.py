"""What is learnt and what is shown."""

from recommendations import shelf
from recommendations.database import MIGRATIONS, NewerDatabase, Inbox, open_file, writing
from recommendations.database import INBOX_KEPT, PRUNED_EVERY
from tests.support import ANNA, BEN, CLEO, Case


class ShelfTest(Case):
    def learnt(self, *purchases: tuple[str, str]):
        connection = self.open()
        with writing(connection):
            for account, sku in purchases:
                shelf.learn(connection, account, sku)
        return connection

    def test_what_others_bought_besides_is_shown_the_strongest_first(self) -> None:
        lamp = [(ANNA, "lamp"), (BEN, "lamp"), (CLEO, "lamp")]
        besides = [(BEN, "bulb"), (CLEO, "bulb"), (CLEO, "cable"), (BEN, "anvil")]
        connection = self.learnt(*lamp, *besides)
        shown = shelf.show(connection, ANNA, 10)
        self.assertEqual(shown, [("bulb", 2), ("anvil", 1), ("cable", 1)])
        self.assertEqual(shelf.show(connection, ANNA, 1), [("bulb", 2)])

    def test_nobody_is_shown_what_they_have_bought_or_anything_before_that(self) -> None:
        connection = self.learnt((ANNA, "lamp"), (BEN, "lamp"), (BEN, "bulb"))
        self.assertEqual(shelf.show(connection, BEN, 10), [])
        self.assertEqual(shelf.show(connection, CLEO, 10), [])

    def test_buying_a_thing_again_makes_nothing_stronger(self) -> None:
        bought = [(BEN, "lamp"), (BEN, "bulb")]
        connection = self.learnt(*bought, *bought, *bought, (ANNA, "lamp"))
        self.assertEqual(shelf.show(connection, ANNA, 10), [("bulb", 1)])

    def test_an_account_that_buys_everything_is_paired_with_its_newest_only(self) -> None:
        everything = [(BEN, f"sku-{number:03}") for number in range(shelf.NEWEST + 20)]
        connection = self.learnt(*everything)
        (pairs,) = connection.execute("SELECT count(*) FROM together WHERE sku = 'sku-069'").fetchone()
        self.assertEqual(pairs, shelf.NEWEST)

    def test_what_was_learnt_outlives_the_process_and_replicas_share_it(self) -> None:
        first = self.learnt((ANNA, "lamp"), (BEN, "lamp"), (BEN, "bulb"))
        second = self.open()
        self.assertEqual(shelf.show(second, ANNA, 10), shelf.show(first, ANNA, 10))

    def test_a_file_of_a_newer_version_is_refused_and_stays_as_it_is(self) -> None:
        newer = len(MIGRATIONS) + 1
        self.open().execute(f"PRAGMA user_version = {newer}")
        with self.assertRaises(NewerDatabase):
            open_file(self.folder)
        self.assertEqual(self.folder.joinpath("recommendations.db").exists(), True)

    def test_a_migration_that_fails_half_way_leaves_nothing(self) -> None:
        from unittest.mock import patch

        with patch("recommendations.database.MIGRATIONS", ("CREATE TABLE a (b); CREATE TABLE a (b)",)):
            with self.assertRaises(Exception):
                open_file(self.folder)
        self.assertEqual(shelf.show(self.open(), ANNA, 10), [])

    def test_the_inbox_knows_an_event_for_seven_days(self) -> None:
        now = [1_000_000.0]
        connection = self.open()
        inbox = Inbox(connection, lambda: now[0])
        inbox.prune()
        with writing(connection):
            self.assertTrue(inbox.first_time("e"))
            self.assertFalse(inbox.first_time("e"))
        now[0] += INBOX_KEPT - PRUNED_EVERY
        inbox.prune()
        with writing(connection):
            self.assertFalse(inbox.first_time("e"))
        now[0] += 2 * PRUNED_EVERY
        inbox.prune()
        with writing(connection):
            self.assertTrue(inbox.first_time("e"))
