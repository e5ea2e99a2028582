"""Logs: one JSON object a line on standard output, with `time`, `level`, `service`, `message`
and, while work is in hand, `trace_id`, `traceparent` and `baggage`, as the other services write.

Nothing secret may be handed to a log line: tokens never are, and of accounts only the id."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime

from recommendations import trace

SERVICE = "recommendations"

_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40, "off": 100}
_lock = threading.Lock()
_lowest = _LEVELS["info"]


def start(filter: str) -> None:
    """Starts logging for the whole process. `filter` is `info`, `debug`, `x=debug,info`, …; one
    that cannot be read falls back to `info`."""
    global _lowest
    chosen = {}
    for directive in filter.lower().split(","):
        target, _, level = directive.strip().rpartition("=")
        chosen[target] = _LEVELS.get(level)
    _lowest = chosen.get(SERVICE) or chosen.get("") or _LEVELS["info"]
    handler = _Library()
    logging.basicConfig(level=logging.DEBUG if _lowest <= 10 else logging.WARNING, handlers=[handler])


def debug(message: str, **fields: object) -> None:
    """Of interest to who looks for a fault."""
    _write("debug", message, fields)


def info(message: str, **fields: object) -> None:
    """What is done."""
    _write("info", message, fields)


def warn(message: str, **fields: object) -> None:
    """What passes, and should be looked at if it does not."""
    _write("warn", message, fields)


def error(message: str, **fields: object) -> None:
    """What someone has to look at."""
    _write("error", message, fields)


def stamp(now: datetime | None = None) -> str:
    """The time, as RFC 3339 in UTC with milliseconds."""
    now = now or datetime.now(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1_000:03}Z"


def _write(level: str, message: str, fields: dict[str, object]) -> None:
    if _LEVELS[level] < _lowest:
        return
    line = {"time": stamp(), "level": level, "service": SERVICE, "message": message}
    work = trace.current.get()
    if work.trace_id() is not None:
        line["trace_id"] = work.trace_id()
    line |= work.pairs()
    line |= fields
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
    data = text.encode("utf-8", "replace")
    # A reader that has gone away must not end the service; there is nobody left to tell.
    try:
        with _lock:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except (OSError, ValueError):
        pass


class _Library(logging.Handler):
    """What libraries say, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        levels = ((40, "error"), (30, "warn"), (20, "info"))
        level = next((name for number, name in levels if record.levelno >= number), "debug")
        fields: dict[str, object] = {"target": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = repr(record.exc_info[1])
        try:
            _write(level, record.getMessage(), fields)
        except Exception as failure:  # a library's own fault in wording must not end its caller
            _write(level, "a library's message could not be worded", {"error": repr(failure)})
