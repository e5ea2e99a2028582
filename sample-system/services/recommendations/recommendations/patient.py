"""Limits of time for whoever is at the other end of a connection, which uvicorn has none of but
between two requests: for a request's head, for its body, for taking an answer. The numbers are those
of the other services."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import h11

from recommendations.figures import Figures
from recommendations.unread import Worded


@dataclass(frozen=True)
class Patience:
    """Seconds."""

    #: From the first byte of a head to its last, and from a connection's beginning to its first byte.
    head: float = 10
    #: From the end of a request's head to that of its body; as long comes to nothing what is sent
    #: after a refusal.
    body: float = 10
    #: In which an answer that does not leave is to be taken.
    taken: float = 30


def protocol(patience: Patience, figures: Figures) -> Callable[..., asyncio.Protocol]:
    """What uvicorn makes for each connection."""

    def made(*given, **named) -> asyncio.Protocol:
        return _Patient(patience, figures, *given, **named)

    return made


class _Patient(Worded):
    """A connection that is ended when too little comes, or is taken."""

    def __init__(self, patience: Patience, figures: Figures, *given, **named) -> None:
        super().__init__(patience.body, figures, *given, **named)
        self._patience = patience
        #: What is waited for, and for which request; its time runs from when it was first missed.
        self._missing: tuple[str, object] | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(self._patience.taken, self._end, "answer")

    def resume_writing(self) -> None:
        super().resume_writing()
        _stop(self._writing)

    def connection_lost(self, why: Exception | None) -> None:
        super().connection_lost(why)
        _stop(self._reading)
        _stop(self._writing)

    def timeout_keep_alive_handler(self) -> None:
        if not self.transport.is_closing():
            self._figures.ended("idle")
        super().timeout_keep_alive_handler()
        self._leave()

    def _look(self) -> None:
        """Gives what is missing now its time, unless that runs already."""
        missing = self._what_is_missing()
        if missing == self._missing:
            return
        self._missing = missing
        _stop(self._reading)
        if missing:
            seconds = self._patience.head if missing[0] == "head" else self._patience.body
            self._reading = self.loop.call_later(seconds, self._end, missing[0])

    def _what_is_missing(self) -> tuple[str, object] | None:
        if self.conn.their_state is h11.SEND_BODY:
            return "body", self.cycle
        if self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            return "head", self.cycle
        return None

    def _end(self, why: str) -> None:
        self._figures.ended(why)
        if why == "body" and not self.cycle.response_complete:
            # It is being answered: that is given first.
            self.cycle.keep_alive = False
            return
        self.transport.close()
        self._leave()

    def _leave(self) -> None:
        """Closed, a connection stays until its answers have left: not for one who takes none."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
