"""Whose work this is: `traceparent` and `baggage` as they came in, for logs and for calls."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """The trace that a piece of work belongs to; what came in goes out unchanged."""

    traceparent: str | None = None
    baggage: str | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> "Trace":
        """From names and values, as of a request or a record; several `baggage` are joined by a
        comma, as W3C says."""
        parent, baggage = None, []
        for name, value in pairs:
            name = name.lower()
            if name == "traceparent":
                parent = parent or value
            elif name == "baggage":
                baggage.append(value)
        return cls(parent, ",".join(baggage) if baggage else None)

    def pairs(self) -> dict[str, str]:
        """The names and values that are set."""
        both = {"traceparent": self.traceparent, "baggage": self.baggage}
        return {name: value for name, value in both.items() if value is not None}

    def trace_id(self) -> str | None:
        """The trace id inside `traceparent`."""
        parts = (self.traceparent or "").split("-")
        return parts[1] if len(parts) > 1 else None


#: The trace of the work in hand.
current: ContextVar[Trace] = ContextVar("trace", default=Trace())
