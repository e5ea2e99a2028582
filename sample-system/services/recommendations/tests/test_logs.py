"""Log lines and the trace that they carry."""

import io
import json
import unittest
from types import SimpleNamespace
from unittest.mock import patch

from recommendations import logs, trace


class LogsTest(unittest.TestCase):
    def tearDown(self) -> None:
        logs.start("off")

    def written(self, filter: str, write) -> list[dict[str, object]]:
        out = io.BytesIO()
        logs.start(filter)
        with patch("sys.stdout", SimpleNamespace(buffer=out)):
            write()
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def test_a_line_is_one_object_that_carries_the_trace_of_the_work_in_hand(self) -> None:
        def write() -> None:
            token = trace.current.set(trace.Trace("00-ab-cd-01", "a=1"))
            logs.warn("gone\nin two lines \ud800", error=OSError("away"), count=7)
            trace.current.reset(token)
            logs.info("after")

        first, second = self.written("info", write)
        self.assertRegex(first.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            first,
            {
                "level": "warn",
                "service": "recommendations",
                "message": "gone\nin two lines ?",
                "trace_id": "ab",
                "traceparent": "00-ab-cd-01",
                "baggage": "a=1",
                "error": "away",
                "count": 7,
            },
        )
        self.assertEqual(set(second), {"time", "level", "service", "message"})

    def test_a_filter_is_a_level_or_some_for_parts(self) -> None:
        def write() -> None:
            logs.debug("d")
            logs.info("i")
            logs.error("e")

        for filter, wanted in (
            ("debug", "die"),
            ("info", "ie"),
            ("error", "e"),
            ("hyper=debug,error", "e"),
            ("recommendations=debug,error", "die"),
            ("nonsense", "ie"),
            ("off", ""),
        ):
            lines = self.written(filter, write)
            self.assertEqual("".join(str(line["message"]) for line in lines), wanted, filter)

    def test_a_reader_that_has_gone_ends_nobody(self) -> None:
        logs.start("info")
        with patch("sys.stdout", SimpleNamespace(buffer=SimpleNamespace(write=self.gone))):
            logs.info("nobody hears this")

    def gone(self, _: bytes) -> None:
        raise BrokenPipeError

    def test_several_baggage_headers_become_one(self) -> None:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        pairs = [("Baggage", "a=1"), ("TraceParent", parent), ("baggage", "b=2")]
        self.assertEqual(trace.Trace.from_pairs(pairs), trace.Trace(parent, "a=1,b=2"))
        self.assertIsNone(trace.Trace("nonsense").trace_id())
