"""Refusals of what nobody could read: bytes that are no HTTP, more of a head than is taken. The library
answers those by itself and in plain text; here they are what every other error of the shop is. What is
still on its way is read and dropped for a while before the connection ends: to one who sends into a
connection that is gone, the machine says so, and the answer is lost."""

import asyncio
import sys
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from recommendations import logs, trace
from recommendations.figures import Figures
from recommendations.problem import Problem

#: Bytes of what was refused that are dropped. 16 MiB: what one sends by mistake, a photograph in the
#: place of a word; whoever sends more does not mind the answer.
DROPPED = 16 * 1024 * 1024

_DETAILS = {
    400: "this is no HTTP request that can be read",
    431: "give fewer or shorter headers, and a shorter URL",
}


class Worded(H11Protocol):
    """A connection on which bare refusals are problems."""

    def __init__(self, dropping: float, figures: Figures, *given, **named) -> None:
        super().__init__(*given, **named)
        self._figures = figures
        #: For so many seconds what comes behind a refusal is dropped.
        self._dropping = dropping
        #: So many bytes of it may still come, once something was refused.
        self._left: int | None = None
        self._dropped: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            super().data_received(data)
            return
        self._left -= len(data)
        if self._left < 0:
            self.transport.abort()

    def connection_lost(self, why: Exception | None) -> None:
        super().connection_lost(why)
        if self._dropped:
            self._dropped.cancel()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state is h11.IDLE:
            why = sys.exception()
            self._refuse(why.error_status_hint if isinstance(why, h11.RemoteProtocolError) else 400)
        elif not self.cycle.response_complete:
            # The body of a request that is being answered, which no route reads: the connection ends
            # behind the answer.
            return
        self._drop()

    def _refuse(self, status: int) -> None:
        status = status if status in _DETAILS else 400
        said = Problem(status, _DETAILS[status], {"Connection": "close"}).response()
        token = trace.current.set(trace.Trace().or_fresh())
        logs.info("refused before it was read", status=status)
        trace.current.reset(token)
        # Neither route nor method was read.
        self._figures.answered("unmatched", "other", status, 0)
        headers = self.server_state.default_headers + said.raw_headers
        reason = HTTPStatus(status).phrase.encode()
        head = h11.Response(status_code=status, headers=headers, reason=reason)
        for event in (head, h11.Data(data=said.body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))

    def _drop(self) -> None:
        """Says no more, and hears no more of what it drops."""
        self._left = DROPPED
        self._unset_keepalive_if_required()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._dropped = self.loop.call_later(self._dropping, self.transport.abort)
