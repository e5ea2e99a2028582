"""The way of a record, with its faults."""

import sqlite3
import threading
from hashlib import sha256
from unittest.mock import patch

from recommendations import bugs, logs, shelf, trace
from recommendations.database import Inbox
from recommendations.figures import Figures
from recommendations.kafka import KafkaError
from recommendations.reader import ATTEMPTS, Reader
from tests.support import ANNA, BEN, Case, Source, Topic, delivery, placed


class ReaderTest(Case):
    def setUp(self) -> None:
        super().setUp()
        self.connection = self.open()
        self.dead = Topic()
        self.now = 0.0
        self.stop = threading.Event()
        self.reader = self.made()

    def made(self, *seeded: str) -> Reader:
        inbox = Inbox(self.connection)
        clock = lambda: self.now
        return Reader(self.connection, inbox, self.dead, Figures(), frozenset(seeded), clock)

    def step(self, source: Source) -> None:
        self.reader.step(source, 0.0, self.stop)

    def bought(self) -> list[tuple[str, str]]:
        return self.connection.execute("SELECT account, sku FROM purchase ORDER BY 1, 2").fetchall()

    def test_an_event_is_learnt_and_its_offset_committed_after_that(self) -> None:
        source = Source(delivery(placed(BEN, "lamp"), 4))
        seen = []
        source.commit = lambda offsets: seen.append((offsets, self.bought()))
        self.step(source)
        self.assertEqual(seen, [({("orders", 0): 5}, [(BEN, "lamp")])])

    def test_a_repeat_has_no_effect(self) -> None:
        first, second = placed(BEN, "lamp"), placed(BEN, "bulb")
        self.step(Source(delivery(first, 0), delivery(second, 1), delivery(first, 2)))
        order = "SELECT sku FROM purchase ORDER BY bought"
        self.assertEqual(self.connection.execute(order).fetchall(), [("lamp",), ("bulb",)])

    def test_without_dedup_a_repeat_has_one(self) -> None:
        self.reader = self.made(bugs.NO_DEDUP)
        first, second = placed(BEN, "lamp"), placed(BEN, "bulb")
        self.step(Source(delivery(first, 0), delivery(second, 1), delivery(first, 2)))
        order = "SELECT sku FROM purchase ORDER BY bought"
        self.assertEqual(self.connection.execute(order).fetchall(), [("bulb",), ("lamp",)])

    def test_acknowledged_before_it_is_handled_an_event_can_be_lost(self) -> None:
        self.reader = self.made(bugs.ACK_BEFORE_HANDLING)
        source = Source(delivery(placed(), 4))
        with patch.object(shelf, "learn", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.step(source)
        self.assertEqual(source.committed, [{("orders", 0): 5}])
        self.assertEqual(self.bought(), [])

    def test_a_record_that_cannot_be_read_becomes_a_dead_letter_and_the_next_goes_on(self) -> None:
        parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        own = [("traceparent", parent), ("baggage", b"a=1"), ("dead-letter-reason", b"old")]
        source = Source(delivery(b"{", 7, 2, own), delivery(placed(BEN, "lamp"), 8, 2))
        self.step(source)
        ((topic, key, payload, headers),) = self.dead.published
        self.assertEqual((topic, key, payload), ("dead-letters", b"key", b"{"))
        said = dict(headers)
        self.assertEqual(len(said), len(headers))
        self.assertIn(b"no JSON", said.pop("dead-letter-reason"))
        self.assertEqual(
            said,
            {
                "dead-letter-topic": b"orders",
                "dead-letter-partition": b"2",
                "dead-letter-offset": b"7",
                "dead-letter-group": b"recommendations",
                "traceparent": parent,
                "baggage": b"a=1",
            },
        )
        self.assertEqual(self.bought(), [(BEN, "lamp")])
        self.assertEqual(source.committed, [{("orders", 2): 9}])

    def test_the_dead_letter_of_a_record_without_a_readable_trace_tells_the_one_that_was_begun(self) -> None:
        for headers in ([], [("traceparent", b"00-ab-cd-01")], [("Traceparent", b"x"), ("traceparent", b"x")]):
            said = []
            log = lambda message, **_: said.append((message, trace.current.get().traceparent))
            with patch.object(logs, "error", log):
                self.step(Source(delivery(b"{", 7, 0, headers)))
            ((message, began),) = said
            self.assertEqual(message, "a record became a dead letter")
            (_, _, _, marked) = self.dead.published.pop()
            parents = [value for name, value in marked if name.lower() == "traceparent"]
            self.assertEqual(parents, [began.encode()])

    def test_a_record_too_large_for_its_letter_is_named_and_the_next_goes_on(self) -> None:
        large = b"z" * 999_900
        source = Source(delivery(large, 7), delivery(placed(BEN, "lamp"), 8))
        self.step(source)
        ((_, key, payload, headers),) = self.dead.published
        self.assertEqual((key, payload), (b"key", large[:1024]))
        said = dict(headers)
        self.assertEqual(said["dead-letter-size"], b"999903")
        self.assertEqual(said["dead-letter-digest"], b"sha-256:" + sha256(large).hexdigest().encode())
        self.assertEqual(source.committed, [{("orders", 0): 9}])

    def test_a_broker_that_takes_less_than_a_letter_is_given_one_that_names_its_record(self) -> None:
        self.dead.largest = 10_000
        source = Source(delivery(b"z" * 100_000, 7))
        self.step(source)
        ((_, _, payload, _),) = self.dead.published
        self.assertEqual(len(payload), 1024)
        self.assertEqual(source.committed, [{("orders", 0): 8}])

    def test_while_dead_letters_cannot_be_published_no_offset_is_committed(self) -> None:
        self.dead.away = 2
        source = Source(delivery(b"{", 7))
        for committed in ([], [], [{("orders", 0): 8}]):
            self.step(source)
            self.assertEqual(source.committed, committed)
            self.now += 10

    def test_a_busy_database_is_tried_until_it_works_while_other_partitions_go_on(self) -> None:
        source = Source(
            delivery(placed(ANNA, "lamp"), 0, 0),
            delivery(placed(ANNA, "bulb"), 1, 0),
            delivery(placed(BEN, "lamp"), 0, 1),
        )
        learn, busy = shelf.learn, sqlite3.OperationalError("database is locked")

        def learn_or_not(connection, account, sku):
            if (account, sku) == (ANNA, "lamp") and self.now < 60:
                raise busy
            learn(connection, account, sku)

        with patch.object(shelf, "learn", learn_or_not):
            for _ in range(20):
                self.step(source)
                self.now += 2.5
            self.assertEqual(self.bought(), [(BEN, "lamp")])
            self.assertEqual(source.committed, [{("orders", 1): 1}])
            self.now = 60
            self.step(source)
        self.assertEqual(self.bought(), [(ANNA, "bulb"), (ANNA, "lamp"), (BEN, "lamp")])
        self.assertEqual(source.committed[-1], {("orders", 0): 2})
        self.assertEqual(self.dead.published, [])

    def test_a_record_that_fails_five_times_becomes_a_dead_letter(self) -> None:
        source = Source(delivery(placed(ANNA, "lamp"), 0), delivery(placed(BEN, "lamp"), 1))
        learn, tries = shelf.learn, []

        def fail(connection, account, sku):
            if account == ANNA:
                tries.append(sku)
                raise ArithmeticError("no such sum")
            learn(connection, account, sku)

        with patch.object(shelf, "learn", fail):
            for _ in range(ATTEMPTS + 2):
                self.step(source)
                self.now += 2.5
        self.assertEqual(len(tries), ATTEMPTS)
        ((_, _, _, headers),) = self.dead.published
        self.assertIn(b"failed 5 times: ArithmeticError('no such sum')", headers[0][1])
        self.assertEqual(self.bought(), [(BEN, "lamp")])
        self.assertEqual(source.committed[-1], {("orders", 0): 2})

    def test_a_partition_that_went_to_another_member_is_forgotten(self) -> None:
        source = Source(delivery(b"{", 7))
        self.dead.away = 1
        self.step(source)
        self.reader._lose([("orders", 0)])
        source.paused.clear()
        self.now += 10
        self.step(source)
        self.assertEqual((source.committed, self.dead.published), ([], []))

    def test_offsets_that_could_not_be_committed_are_committed_with_the_next(self) -> None:
        source = Source(delivery(placed(), 0))
        with patch.object(source, "commit", side_effect=KafkaError("away")):
            with self.assertRaises(KafkaError):
                self.step(source)
        self.step(source)
        self.assertEqual(source.committed, [{("orders", 0): 1}])

    def test_asked_to_stop_it_finishes_what_is_in_hand_and_leaves_the_group(self) -> None:
        source = Source(delivery(placed(ANNA, "lamp"), 0), delivery(placed(BEN, "lamp"), 1))
        learn = shelf.learn

        def learn_and_stop(connection, account, sku):
            self.stop.set()
            learn(connection, account, sku)

        with patch.object(shelf, "learn", learn_and_stop):
            self.reader.run(source, self.stop)
        self.assertEqual(self.bought(), [(ANNA, "lamp")])
        self.assertEqual(source.committed, [{("orders", 0): 1}])
        self.assertTrue(source.is_closed)

    def test_an_event_is_handled_under_the_trace_of_its_headers(self) -> None:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        headers = [("traceparent", parent.encode()), ("baggage", b"msvc=r.s.1")]
        seen = []
        with patch.object(shelf, "learn", lambda *_: seen.append(trace.current.get())):
            self.step(Source(delivery(placed(), 0, 0, headers)))
        self.assertEqual(seen, [trace.Trace(parent, "msvc=r.s.1")])
        self.assertEqual(trace.current.get(), trace.Trace())

    def test_an_event_that_came_without_a_trace_begins_one(self) -> None:
        seen = []
        with patch.object(shelf, "learn", lambda *_: seen.append(trace.current.get())):
            self.step(Source(delivery(placed(), 0)))
        self.assertRegex(seen[0].traceparent, "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")
