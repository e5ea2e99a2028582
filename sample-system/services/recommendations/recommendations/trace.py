"""Whose work this is: `traceparent` and `baggage` as they came in, for logs and for calls. A
`traceparent` that is none by W3C's Trace Context (level 1) is as if nobody had sent it; work that has
none begins a trace of its own. The other services read them in the same way."""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Trace:
    """The trace that a piece of work belongs to; what came in goes out unchanged."""

    traceparent: str | None = None
    baggage: str | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> "Trace":
        """From names and values, as of a request or a record; several `baggage` are joined by a
        comma, as W3C says, and several `traceparent` contradict each other."""
        parents, baggage = [], []
        for name, value in pairs:
            name = name.lower()
            if name == "traceparent":
                parents.append(value)
            elif name == "baggage":
                baggage.append(value)
        parent = _parent(parents[0]) if len(parents) == 1 else None
        return cls(parent, ",".join(baggage) if baggage else None)

    def or_fresh(self) -> "Trace":
        """This one, with a new `traceparent` where it has none."""
        if self.traceparent is not None:
            return self
        # An id of all zeros means "none".
        trace, span = secrets.randbits(128) or 1, secrets.randbits(64) or 1
        return replace(self, traceparent=f"00-{trace:032x}-{span:016x}-01")

    def pairs(self) -> dict[str, str]:
        """The names and values that are set."""
        both = {"traceparent": self.traceparent, "baggage": self.baggage}
        return {name: value for name, value in both.items() if value is not None}

    def trace_id(self) -> str | None:
        """The trace id inside `traceparent`."""
        parts = (self.traceparent or "").split("-")
        return parts[1] if len(parts) > 1 else None


def _parent(text: str) -> str | None:
    """The `traceparent` in `text` as it is passed on, where it is one. One of a version to come goes
    on as what version 00 knows of it."""
    match = _PARENT.fullmatch(text)
    if not match:
        return None
    version, trace, span, flags, more = match.groups()
    if version == "ff" or not trace.strip("0") or not span.strip("0"):
        return None
    if version == "00":
        return None if more else text
    return f"00-{trace}-{span}-{int(flags, 16) & 1:02x}"


#: The trace of the work in hand.
current: ContextVar[Trace] = ContextVar("trace", default=Trace())
