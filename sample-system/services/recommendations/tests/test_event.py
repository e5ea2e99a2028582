"""What is read from the topic."""

import json
import random
import unittest

from recommendations import event
from tests.support import ANNA, placed


class EventTest(unittest.TestCase):
    def refused(self, changed: object) -> str:
        payload = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        with self.assertRaises(event.Unreadable) as told:
            event.read(payload)
        return str(told.exception)

    def test_a_grown_event_is_read_as_version_1_was(self) -> None:
        old, new = placed(), placed(version=2)
        new["data"] |= {"address": {"country": "DE"}, "gift": True}
        for one in (old, new, placed(version=7, more={"than": "known"})):
            read = event.read(json.dumps(one).encode())
            self.assertEqual((read.id, read.account_id, read.sku), (one["id"], ANNA, "4521"))

    def test_other_events_pass_by(self) -> None:
        for kind in ("ORDER_CANCELLED", "SOMETHING_NEW"):
            self.assertIsNone(event.read(json.dumps({"type": kind, "data": 7}).encode()))

    def test_what_cannot_be_read_is_told_by_name(self) -> None:
        data = placed()["data"]
        for changed, said in (
            (b"", "no JSON"),
            (b"\xff\xfe\x00", "no JSON"),
            (b"[" * 60_000, "no JSON"),
            (b" " * 70_000, "70000 bytes"),
            (b"[]", "no JSON object"),
            ({}, "`type`"),
            (placed(type=""), "`type`"),
            (placed(version=0), "`version` is 0"),
            (placed(version=True), "`version` is True"),
            (placed(version="1"), "`version` is '1'"),
            (placed(data=[]), "`data`"),
            (placed(id=None), "`id`"),
            (placed(id="\ud800"), "`id`"),
            (placed(id="x" * 201), "`id`"),
            (placed(data=data | {"account_id": 7}), "`account_id`"),
            (placed(data=data | {"sku": "a b"}), "`sku`"),
            (placed(data=data | {"sku": "x" * 65}), "`sku`"),
        ):
            self.assertIn(said, self.refused(changed))

    def test_whatever_comes_is_read_or_refused(self) -> None:
        draw = random.Random(7)
        whole = json.dumps(placed()).encode()
        values = ["null", "true", "-1", "1e9", "1.5", '""', '"x"', "[]", "{}", '{"sku": 1}']
        for _ in range(3_000):
            broken = bytearray(whole)
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(len(broken))
                broken[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
            one = placed()
            one[draw.choice(list(one))] = json.loads(draw.choice(values))
            if isinstance(one["data"], dict):
                one["data"][draw.choice(["account_id", "sku", "total"])] = json.loads(draw.choice(values))
            for payload in (bytes(broken), draw.randbytes(20), json.dumps(one).encode()):
                try:
                    event.read(payload)
                except event.Unreadable:
                    pass
