"""What is read from the topic `orders`.

This reader was written for version 1 of `ORDER_PLACED` and reads nothing else of it: the event has
grown since, and what it gained passes by."""

import json
import re
from dataclasses import dataclass

#: Bytes that a record may have; an event of the shop has some hundred.
LONGEST = 64 * 1024

_SKU = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Unreadable(Exception):
    """A record that nobody can read, however often it comes."""


@dataclass(frozen=True)
class Placed:
    """What is learnt from an `ORDER_PLACED`."""

    #: The same in each repeat.
    id: str
    order_id: str
    account_id: str
    sku: str


def read(payload: bytes) -> Placed | None:
    """The event; none where it is one that this service does not learn from."""
    if len(payload) > LONGEST:
        raise Unreadable(f"it has {len(payload)} bytes; an event has {LONGEST} at most")
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError) as why:
        raise Unreadable(f"it is no JSON: {why}") from why
    if not isinstance(event, dict):
        raise Unreadable("it is no JSON object")
    if _text(event, "type") != "ORDER_PLACED":
        return None
    version = event.get("version")
    if type(version) is not int or version < 1:
        raise Unreadable(f"`version` is {version!r}, not a number from 1 on")
    data = event.get("data")
    if not isinstance(data, dict):
        raise Unreadable("`data` is no JSON object")
    account, sku = _text(data, "account_id"), _text(data, "sku")
    if not _SKU.fullmatch(sku):
        raise Unreadable(f"`sku` is {sku!r}, no SKU")
    return Placed(_text(event, "id"), _text(event, "order_id"), account.lower(), sku)


def _text(of: dict[str, object], name: str) -> str:
    value = of.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise Unreadable(f"`{name}` is no text of 1 to 200 characters")
    try:
        value.encode()
    except UnicodeEncodeError as why:
        raise Unreadable(f"`{name}` is no text: {why}") from why
    return value
