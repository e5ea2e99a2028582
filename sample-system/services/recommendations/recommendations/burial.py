"""How a record becomes a dead letter: whole where a letter can hold it, else by its name.

A letter has more headers than its record, and a broker takes no record above a size: so the largest
records have letters that nobody takes. Theirs say where the record stands, what it is and how it
begins; the record itself is still in its topic. All services of the shop do it so."""

import hashlib
from typing import Protocol

from recommendations.kafka import Delivery, Headers, TooLarge
from recommendations.trace import Trace

#: The group whose members share the work.
GROUP = "recommendations"
#: Where records go that nobody could read.
DEAD_LETTERS = "dead-letters"
#: Their headers begin so.
MARK = "dead-letter-"
#: Header of a letter that names its record instead of holding it: how many bytes key, payload and
#: headers have together.
SIZE = MARK + "size"
#: Header of such a letter: `sha-256:` and the digest of the record's payload.
DIGEST = MARK + "digest"

#: Bytes of a letter that holds its record, with all of its headers. Kafka's brokers take batches of
#: 1,048,588 bytes by default, and so does the shop's; what is between is for how they are framed.
LARGEST = 1_000_000
#: Bytes that a header may take beside its name and its value.
OF_A_HEADER = 10
#: Bytes of a record's payload, and of its key, in a letter that only names it.
BEGINNING = 1_024
#: Characters of a reason: what cannot be read is often quoted in it.
LONGEST_REASON = 500


class Publish(Protocol):
    """Where dead letters go."""

    def publish(self, topic: str, key: bytes | None, payload: bytes, headers: Headers) -> None: ...


def bury(delivery: Delivery, reason: str, trace: Trace, dead: Publish) -> None:
    """Publishes the dead letter of a record, in the work of `trace`. A broker that takes less than a
    whole letter gets one that names its record."""
    headers = whole(delivery, reason, trace)
    framed = size(delivery.key, delivery.payload, headers) + OF_A_HEADER * len(headers)
    if framed <= LARGEST:
        try:
            return dead.publish(DEAD_LETTERS, delivery.key, delivery.payload, headers)
        except TooLarge:
            pass
    key = None if delivery.key is None else delivery.key[:BEGINNING]
    dead.publish(DEAD_LETTERS, key, delivery.payload[:BEGINNING], named(delivery, reason, trace))


def whole(delivery: Delivery, reason: str, trace: Trace) -> Headers:
    """The headers of a letter that holds its record: why and whence, then its own."""
    return _marks(delivery, reason) + own(delivery.headers, trace)


def named(delivery: Delivery, reason: str, trace: Trace) -> Headers:
    """The headers of a letter that names its record: why and whence, and what it is."""
    bytes_of_it = size(delivery.key, delivery.payload, delivery.headers)
    marks = _marks(delivery, reason) + [
        (SIZE, str(bytes_of_it).encode()),
        (DIGEST, digest(delivery.payload)),
    ]
    return marks + own([], trace)


def _marks(delivery: Delivery, reason: str) -> Headers:
    said = {
        "reason": reason[:LONGEST_REASON],
        "topic": delivery.topic,
        "partition": str(delivery.partition),
        "offset": str(delivery.offset),
        "group": GROUP,
    }
    return [(MARK + name, text.encode("utf-8", "replace")) for name, text in said.items()]


def own(headers: Headers, trace: Trace) -> Headers:
    """The headers that a record came with, and the `traceparent` of `trace` where it came with none
    that can be read."""
    parents = [(name, value) for name, value in headers if _is_parent(name)]
    came = (
        [name for name, _ in parents] == ["traceparent"]
        and Trace.from_pairs([("traceparent", parents[0][1].decode("utf-8", "replace"))]).traceparent
    )
    kept = [one for one in headers if not one[0].startswith(MARK) and (came or not _is_parent(one[0]))]
    if not came and trace.traceparent is not None:
        kept.append(("traceparent", trace.traceparent.encode()))
    return kept


def _is_parent(name: str) -> bool:
    return name.lower() == "traceparent"


def size(key: bytes | None, payload: bytes, headers: Headers) -> int:
    """Bytes of a record's key, payload and headers."""
    return len(key or b"") + len(payload) + sum(len(n.encode()) + len(v) for n, v in headers)


def digest(payload: bytes) -> bytes:
    """What tells a record's payload from any other."""
    return b"sha-256:" + hashlib.sha256(payload).hexdigest().encode()
