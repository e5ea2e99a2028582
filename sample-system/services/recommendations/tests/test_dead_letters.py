"""Dead letters, listed and replayed."""

import contextlib
import io
import json

from recommendations import dead_letters
from recommendations.kafka import Delivery
from recommendations.reader import burial
from tests.support import Case, Topic, delivery


class DeadLettersTest(Case):
    def test_letters_are_listed_and_replayed_once_each(self) -> None:
        letters = [
            Delivery("dead-letters", 0, n, b"key", body, burial(delivery(body, n, 1, own), "why"))
            for n, (body, own) in enumerate([(b"one", [("baggage", b"a=1")]), (b"two", [])])
        ]
        other = Delivery("dead-letters", 0, 9, b"k", b"", [("dead-letter-group", b"search")])

        def run(what: str, wanted: str | None, records: list[Delivery], topic: Topic | None = None):
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                code = dead_letters.run("b:1", what, wanted, lambda *_: iter(records), topic or Topic())
            return code, [json.loads(line) for line in out.getvalue().splitlines()]

        code, lines = run("list", None, [*letters, other])
        self.assertEqual((code, [line["id"] for line in lines]), (0, ["0-0", "0-1"]))
        self.assertEqual(
            lines[0],
            {
                "id": "0-0",
                "reason": "why",
                "topic": "orders",
                "partition": "1",
                "offset": "0",
                "key": "key",
                "headers": {"baggage": "a=1"},
                "payload": "one",
            },
        )
        self.assertEqual(run("list", "0-9", [*letters, other])[0], 1)
        topic = Topic()
        code, lines = run("replay", "0-0", letters, topic)
        self.assertEqual((code, len(lines)), (0, 1))
        replayed, mark = topic.published
        self.assertEqual(replayed, ("orders", b"key", b"one", [("baggage", b"a=1")]))
        self.assertEqual(mark[0], "dead-letters")
        marked = Delivery("dead-letters", 0, 2, mark[1], mark[2], mark[3])
        code, lines = run("list", None, [*letters, marked])
        self.assertEqual([line["id"] for line in lines], ["0-1"])
