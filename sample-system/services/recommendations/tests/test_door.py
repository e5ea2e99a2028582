"""Callers at a service that ends, over real sockets."""

import asyncio
import socket

import uvicorn

from recommendations.door import Door
from recommendations.figures import Figures
from recommendations.patient import Patience, protocol
from recommendations.routes import Around
from tests.support import Case

ASK = b"GET / HTTP/1.1\r\nhost: it\r\n\r\n"
#: Seconds; longer than anything here takes: only a failing test waits for it.
DEADLINE = 30


class DoorTest(Case):
    def play(self, does, linger: float) -> None:
        """Runs `does` with a server that keeps open connections so long at its end."""

        async def run() -> None:
            figures = Figures()
            self.may_answer = asyncio.Event()
            self.may_answer.set()
            config = uvicorn.Config(
                Around(self.app, figures, lambda: self.door.should_exit),
                interface="asgi3",
                http=protocol(Patience(), figures),
                lifespan="off",
                log_config=None,
            )
            config.load()
            self.door = Door(config, linger)
            self.door.lifespan = config.lifespan_class(config)
            listener = socket.create_server(("127.0.0.1", 0))
            self.address = listener.getsockname()
            await self.door.startup([listener])
            self.listener = listener
            await asyncio.wait_for(does(), DEADLINE)

        asyncio.run(run())

    async def app(self, scope, receive, send) -> None:
        if scope["path"] == "/slow":
            await self.may_answer.wait()
        length = (b"content-length", b"3")
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"yes"})

    def end(self) -> asyncio.Task:
        """It is asked to end."""
        self.door.should_exit = True
        return asyncio.create_task(self.door.shutdown([self.listener]))

    def assert_last(self, answer: bytes) -> None:
        self.assertTrue(answer.endswith(b"\r\n\r\nyes"), answer)
        self.assertIn(b"connection: close", answer.lower())

    def test_what_is_asked_on_a_kept_connection_and_what_is_in_hand_are_the_last_answers(self) -> None:
        async def does() -> None:
            kept = await asyncio.open_connection(*self.address)
            kept[1].write(ASK)
            first = await kept[0].readuntil(b"yes")
            self.assertNotIn(b"connection: close", first.lower())
            self.may_answer.clear()
            slow = await asyncio.open_connection(*self.address)
            slow[1].write(ASK.replace(b"/ ", b"/slow "))
            while not self.door.server_state.tasks:
                await asyncio.sleep(0)
            ending = self.end()
            while True:
                try:
                    _, knock = await asyncio.open_connection(*self.address)
                    knock.close()
                except ConnectionRefusedError:
                    break
            kept[1].write(ASK)
            self.assert_last(await kept[0].read())
            self.may_answer.set()
            self.assert_last(await slow[0].read())
            for _, writer in (kept, slow):
                writer.close()
            await ending

        self.play(does, DEADLINE)

    def test_who_waits_in_the_queue_of_the_listener_is_answered(self) -> None:
        async def does() -> None:
            # The loop does not run meanwhile, so none of them is let in before the end.
            waiting = [socket.create_connection(self.address) for _ in range(20)]
            for one in waiting:
                one.sendall(ASK)
            ending = self.end()
            for one in waiting:
                reader, writer = await asyncio.open_connection(sock=one)
                self.assert_last(await reader.read())
                writer.close()
            await ending
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(self.address)

        self.play(does, DEADLINE)

    def test_one_that_asks_nothing_holds_up_no_end(self) -> None:
        async def does() -> None:
            reader, writer = await asyncio.open_connection(*self.address)
            while not self.door.server_state.connections:
                await asyncio.sleep(0)
            ending = self.end()
            self.assertEqual(await reader.read(), b"")
            writer.close()
            await ending

        self.play(does, 0)
