"""Connections of which too little comes, under a clock that is put forward by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvicorn
from uvicorn.server import ServerState

from recommendations.figures import Figures
from recommendations.patient import Patience, protocol
from tests.support import Case

WHOLE = b"GET / HTTP/1.1\r\nhost: it\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nhost:"
HALF_BODY = b"POST / HTTP/1.1\r\nhost: it\r\ncontent-length: 9\r\n\r\nhalf"
KEPT = 120
#: No limit is met to the second.
JUST = 0.5


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
        self.is_closed = self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

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


class PatientTest(Case):
    def play(self, does: Callable[[], Awaitable[None]]) -> None:
        """Runs `does` on one new connection with the limits that the service has."""

        async def run() -> None:
            self.figures, self.clock, self.transport = Figures(), Clock(), Transport()
            self.may_answer = asyncio.Event()
            self.may_answer.set()
            config = uvicorn.Config(
                self.app, interface="asgi3", log_config=None, timeout_keep_alive=KEPT
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

    def ends_after(self, seconds: float, why: str) -> None:
        """It ends then, and not before."""
        self.clock.forward(seconds - JUST)
        self.assertFalse(self.transport.is_closing())
        self.clock.forward(JUST)
        self.assertTrue(self.transport.is_closing())
        self.assertIn(f'connections_ended_total{{why="{why}"}} 1.0', self.figures.text().decode())

    def answers(self) -> int:
        return self.transport.written.count(b"yes")

    def test_a_connection_of_which_nothing_comes_is_ended(self) -> None:
        async def does() -> None:
            self.ends_after(10, "head")

        self.play(does)

    def test_half_a_head_that_comes_byte_by_byte_has_no_more_time_than_any_other(self) -> None:
        async def does() -> None:
            await self.comes(WHOLE)
            self.clock.forward(60)
            await self.comes(HALF)
            for _ in range(9):
                self.clock.forward(1)
                await self.comes(b"x")
            self.ends_after(1, "head")
            self.assertEqual(self.answers(), 1)

        self.play(does)

    def test_half_a_head_behind_a_whole_request_has_a_heads_time_after_the_answer(self) -> None:
        async def does() -> None:
            self.may_answer.clear()
            await self.comes(WHOLE + HALF)
            self.clock.forward(20)
            self.assertFalse(self.transport.is_closing())
            await self.answered()
            self.assertEqual(self.answers(), 1)
            self.ends_after(10, "head")

        self.play(does)

    def test_half_a_body_is_answered_and_has_a_bodys_time(self) -> None:
        async def does() -> None:
            self.clock.forward(9)
            await self.comes(HALF_BODY)
            self.assertEqual(self.answers(), 1)
            self.clock.forward(5)
            await self.comes(b"b")
            self.ends_after(5, "body")

        self.play(does)

    def test_each_body_has_a_time_of_its_own(self) -> None:
        async def does() -> None:
            await self.comes(HALF_BODY)
            self.clock.forward(9)
            await self.comes(b"body." + HALF_BODY)
            self.assertEqual(self.answers(), 2)
            self.ends_after(10, "body")

        self.play(does)

    def test_a_request_in_hand_is_answered_before_its_connection_ends(self) -> None:
        async def does() -> None:
            self.may_answer.clear()
            await self.comes(HALF_BODY)
            self.clock.forward(10)
            self.assertFalse(self.transport.is_closing())
            await self.answered()
            self.assertEqual(self.answers(), 1)
            self.assertTrue(self.transport.is_closing())

        self.play(does)

    def test_an_answer_that_nobody_takes_is_given_up(self) -> None:
        async def does() -> None:
            await self.comes(WHOLE)
            self.one.pause_writing()
            self.clock.forward(29)
            self.one.resume_writing()
            self.clock.forward(2)
            self.assertFalse(self.transport.is_closing())
            self.one.pause_writing()
            self.transport.unsent = 70_000
            self.ends_after(30, "answer")
            self.assertTrue(self.transport.is_aborted)

        self.play(does)

    def test_one_that_asks_nothing_more_is_kept_for_a_while(self) -> None:
        async def does() -> None:
            for asked in range(1, 4):
                await self.comes(WHOLE)
                self.assertEqual(self.answers(), asked)
                self.clock.forward(KEPT - JUST)
                self.assertFalse(self.transport.is_closing())
            self.assertNotIn("connections_ended_total{", self.figures.text().decode())
            await self.comes(WHOLE)
            self.transport.unsent = 1
            self.ends_after(KEPT, "idle")
            self.assertTrue(self.transport.is_aborted)

        self.play(does)
