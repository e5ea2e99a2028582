"""What the tests share: a folder and a database of their own, events, tokens, a publisher."""

import base64
import json
import sqlite3
import tempfile
import unittest
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recommendations import logs
from recommendations.database import open_file
from recommendations.kafka import Delivery, Headers, KafkaError, Place, TooLarge

ANNA = "0b5f6a2e-5a3e-4a52-9d0c-8a4f0a1b2c3d"
BEN = "1b5f6a2e-5a3e-4a52-9d0c-8a4f0a1b2c3d"
CLEO = "2b5f6a2e-5a3e-4a52-9d0c-8a4f0a1b2c3d"

logs.start("off")


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def open(self) -> sqlite3.Connection:
        """The service's file there."""
        connection = open_file(self.folder)
        self.addCleanup(connection.close)
        return connection


def placed(account: str = ANNA, sku: str = "4521", **over: object) -> dict[str, object]:
    """An `ORDER_PLACED` as version 1 had it."""
    return {
        "id": str(uuid.uuid4()),
        "type": "ORDER_PLACED",
        "version": 1,
        "time": "2026-11-21T01:02:03.004Z",
        "order_id": str(uuid.uuid4()),
        "data": {
            "account_id": account,
            "sku": sku,
            "name": "Lamp",
            "quantity": 2,
            "total": {"amount": 9_998, "currency": "USD"},
        },
    } | over


def delivery(
    event: object, offset: int = 0, partition: int = 0, headers: Headers | None = None
) -> Delivery:
    """A record of the topic `orders`."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return Delivery("orders", partition, offset, b"key", payload, headers or [])


class Topic:
    """Where dead letters go; away as often as asked."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        #: Bytes of the largest record that is taken.
        self.largest = 1_048_588
        self.published: list[tuple[str, bytes | None, bytes, Headers]] = []

    def publish(self, topic: str, key: bytes | None, payload: bytes, headers: Headers) -> None:
        if self.away:
            self.away -= 1
            raise KafkaError("the broker is away")
        if len(key or b"") + len(payload) > self.largest:
            raise TooLarge("too large")
        self.published.append((topic, key, payload, headers))


class Source:
    """Records that were delivered, and what was said of them."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.left = list(deliveries)
        self.paused: set[Place] = set()
        self.committed: list[dict[Place, int]] = []
        self.is_closed = False
        self.lost = lambda _: None

    def next(self, timeout: float) -> Delivery | None:
        for one in self.left:
            if one.place not in self.paused:
                self.left.remove(one)
                return one
        return None

    def pause(self, place: Place) -> None:
        self.paused.add(place)

    def resume(self, place: Place) -> None:
        self.paused.remove(place)

    def commit(self, next_offsets: dict[Place, int]) -> None:
        self.committed.append(next_offsets)

    def lag(self) -> dict[str, int]:
        return {"orders": len(self.left)}

    def close(self) -> None:
        self.is_closed = True


class Signer:
    """Signs tokens as auth does."""

    def __init__(self, kid: str = "one") -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, str]:
        """The published half."""
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=")
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x.decode(), "use": "sig"}

    def token(self, now: float, **over: object) -> str:
        """A token of a customer; a claim that is none is left out."""
        claims = {
            "iss": "auth",
            "aud": "shop",
            "sub": ANNA,
            "role": "customer",
            "iat": int(now),
            "exp": int(now) + 900,
        } | over
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, "EdDSA", {"kid": self.kid})
