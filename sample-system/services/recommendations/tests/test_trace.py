"""What is a `traceparent`, and what is as if nobody had sent it."""

import unittest

from recommendations.trace import Trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


def read(*texts: str) -> str | None:
    return Trace.from_pairs([("Traceparent", text) for text in texts]).traceparent


class Traces(unittest.TestCase):
    def test_what_is_no_traceparent_is_as_if_nobody_had_sent_it(self) -> None:
        self.assertEqual(read(GOOD), GOOD)
        for bad in (
            "",
            "00-ab-cd-01",
            f"ff-{TRACE}-{SPAN}-01",
            f"00-{'0' * 32}-{SPAN}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE.upper()}-{SPAN}-01",
            f"00-{TRACE}-{SPAN}-0G",
            f"{GOOD}-more",
            f"{GOOD}\n",
            f"01-{TRACE}-{SPAN}-01more",
        ):
            self.assertIsNone(read(bad), bad)
        self.assertIsNone(read(GOOD, GOOD))

    def test_one_of_a_version_to_come_goes_on_as_what_is_known_of_it(self) -> None:
        self.assertEqual(read(f"cc-{TRACE}-{SPAN}-ff-what-comes"), GOOD)
        self.assertEqual(read(f"01-{TRACE}-{SPAN}-02"), f"00-{TRACE}-{SPAN}-00")

    def test_work_without_a_trace_begins_one_and_keeps_its_baggage(self) -> None:
        one, other = (Trace(None, "a=1").or_fresh() for _ in range(2))
        self.assertEqual(one.baggage, "a=1")
        self.assertNotEqual(one.trace_id(), other.trace_id())
        self.assertEqual(read(one.traceparent), one.traceparent)
        self.assertEqual(Trace(GOOD).or_fresh(), Trace(GOOD))
