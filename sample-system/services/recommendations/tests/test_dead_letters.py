"""Dead letters, listed and replayed."""

import io
import json
from types import SimpleNamespace
from unittest.mock import patch

from recommendations import dead_letters
from recommendations.kafka import Delivery
from recommendations.reader import burial
from tests.support import Case, Topic, delivery


def letter(place: int, payload: bytes, own=()) -> Delivery:
    """A letter of the record at offset 7 and so many."""
    headers = burial(delivery(payload, 7 + place, 1, list(own)), "why")
    return Delivery("dead-letters", 0, place, b"key", payload, headers)


class DeadLettersTest(Case):
    def run_command(self, what: str, wanted: str | None, records, topic=None) -> list[dict]:
        out = io.BytesIO()
        with patch("sys.stdout", SimpleNamespace(buffer=out)):
            code = dead_letters.run("b:1", what, wanted, lambda *_: records, topic or Topic())
        self.assertEqual(code, 0)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def test_the_letters_of_this_group_are_listed_once_each(self) -> None:
        one = letter(0, b"one \xff", [("traceparent", b"00-ab-cd-01")])
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
                "traceparent": "00-ab-cd-01",
                "replayed": False,
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
