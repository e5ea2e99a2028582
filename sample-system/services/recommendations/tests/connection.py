"""A connection as the service makes one, with what is written to it, under a clock that is put forward
by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvicorn
from uvicorn.server import ServerState

from recommendations.figures import Figures
from recommendations.patient import Patience, protocol
from tests.support import Case

WHOLE = b"GET / HTTP/1.1\r\nhost: it\r\n\r\n"
KEPT = 120
#: Bytes of a head that are read before its end has come.
HEAD = 64 * 1024


@dataclass
class Timer:
    """Something to be called later."""

    at: float
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """The running loop with a time of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def create_task(self, *given, **named) -> asyncio.Task:
        return asyncio.get_running_loop().create_task(*given, **named)

    def call_later(self, seconds: float, callback, *given) -> Timer:
        timer = Timer(self.now + seconds, lambda: callback(*given))
        self.timers.append(timer)
        return timer

    def forward(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            if not timer.is_cancelled:
                timer.callback()


class Transport:
    """What was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.has_said_all = self.is_closed = self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.has_said_all = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, _: str) -> None:
        return None

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class ConnectionCase(Case):
    def play(self, does: Callable[[], Awaitable[None]]) -> None:
        """Runs `does` on one new connection with the limits that the service has."""

        async def run() -> None:
            self.figures, self.clock, self.transport = Figures(), Clock(), Transport()
            self.may_answer = asyncio.Event()
            self.may_answer.set()
            config = uvicorn.Config(
                self.app,
                interface="asgi3",
                log_config=None,
                timeout_keep_alive=KEPT,
                h11_max_incomplete_event_size=HEAD,
            )
            config.load()
            made = protocol(Patience(), self.figures)
            self.one = made(config, ServerState(), {}, _loop=self.clock)
            self.one.connection_made(self.transport)
            await does()
            self.one.connection_lost(None)

        asyncio.run(run())

    async def app(self, scope, receive, send) -> None:
        await self.may_answer.wait()
        length = (b"content-length", b"3")
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"yes"})

    async def comes(self, data: bytes) -> None:
        """`data` comes, and is answered where it may be."""
        self.one.data_received(data)
        await self.settles()

    async def answered(self) -> None:
        """What is in hand is answered."""
        self.may_answer.set()
        await self.settles()

    async def settles(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def answers(self) -> int:
        return self.transport.written.count(b"yes")
