"""Dead letters, listed and replayed."""

import io
import json
from types import SimpleNamespace
from unittest.mock import patch

from recommendations import dead_letters
from recommendations.burial import digest, named, whole
from recommendations.kafka import Delivery
from recommendations.trace import Trace
from tests.support import Case, Topic, delivery

CAME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def letter(place: int, payload: bytes, own=()) -> Delivery:
    """A letter of the record at offset 7 and so many."""
    headers = whole(delivery(payload, 7 + place, 1, list(own)), "why", Trace())
    return Delivery("dead-letters", 0, place, b"key", payload, headers)


class DeadLettersTest(Case):
    def run_command(self, what: str, wanted: str | None, records, topic=None, stands=None) -> list[dict]:
        out = io.BytesIO()
        read_one = lambda _, *place: (stands or {}).get(place)
        with patch("sys.stdout", SimpleNamespace(buffer=out)):
            try:
                code = dead_letters.run("b:1", what, wanted, lambda *_: records, topic or Topic(), read_one)
                self.assertEqual(code, 0)
            finally:
                self.lines = [json.loads(line) for line in out.getvalue().splitlines()]
        return self.lines

    def test_the_letters_of_this_group_are_listed_once_each(self) -> None:
        one = letter(0, b"one \xff", [("traceparent", CAME.encode())])
        other = Delivery("dead-letters", 0, 9, None, b"", [("dead-letter-group", b"search")])
        strange = Delivery("dead-letters", 0, 9, None, b"", [])
        lines = self.run_command("list", None, [one, other, letter(1, b"two"), strange, one])
        self.assertEqual([line["id"] for line in lines], ["orders/1/7", "orders/1/8"])
        self.assertEqual(
            lines[0],
            {
                "id": "orders/1/7",
                "reason": "why",
                "topic": "orders",
                "partition": 1,
                "offset": 7,
                "group": "recommendations",
                "key": "key",
                "traceparent": CAME,
                "replayed": False,
                "whole": True,
                "payload": "one \ufffd",
            },
        )

    def test_what_was_replayed_is_replayed_again_only_by_name(self) -> None:
        letters = [letter(0, b"one", [("baggage", b"a=1")]), letter(1, b"two")]
        topic = Topic()
        lines = self.run_command("replay", "orders/1/7", letters, topic)
        self.assertEqual(lines, [{"replayed": "orders/1/7", "key": "key"}])
        replayed, (at, key, payload, headers) = topic.published
        self.assertEqual(replayed, ("orders", b"key", b"one", [("baggage", b"a=1")]))
        self.assertEqual(at, "dead-letters")
        letters.append(Delivery(at, 0, 2, key, payload, headers))
        self.assertEqual([line["replayed"] for line in self.run_command("list", None, letters)], [True, False])
        lines = self.run_command("replay", None, letters)
        self.assertEqual([line["replayed"] for line in lines], ["orders/1/8"])
        self.assertEqual(len(self.run_command("replay", "orders/1/7", letters)), 1)

    def test_a_letter_that_is_not_there_is_named(self) -> None:
        with self.assertRaisesRegex(dead_letters.Unknown, "no dead letter orders/9/9"):
            self.run_command("replay", "orders/9/9", [letter(0, b"one")])

    def test_a_record_that_its_letter_names_is_read_from_its_topic_again(self) -> None:
        records = {offset: delivery(b"z" * 1_000_000, offset, 1) for offset in (7, 8, 9)}
        letters = []
        for place, record in enumerate(records.values()):
            headers = named(record, "why", Trace(CAME))
            letters.append(Delivery("dead-letters", 0, place, b"key", record.payload[:1024], headers))
        shown = self.run_command("list", None, letters)[0]
        self.assertEqual(
            (shown["whole"], shown["size"], shown["payload"], shown["traceparent"]),
            (False, 1_000_003, "z" * 1024, CAME),
        )
        self.assertEqual(shown["digest"], digest(records[7].payload).decode())
        # The first is gone, in the place of the second stands another: neither keeps the third back.
        stands = {("orders", 1, 8): delivery(b"other", 8, 1), ("orders", 1, 9): records[9]}
        topic = Topic()
        with self.assertRaisesRegex(dead_letters.Lost, "orders/1/7 .*orders/1/8 "):
            self.run_command("replay", None, letters, topic, stands)
        self.assertEqual(self.lines, [{"replayed": "orders/1/9", "key": "key"}])
        given_back = ("orders", b"key", records[9].payload, [("traceparent", CAME.encode())])
        self.assertEqual(topic.published[0], given_back)
        self.assertEqual(len(topic.published), 2)
