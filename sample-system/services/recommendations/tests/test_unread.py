"""What nobody can read is refused as everything else is, and what is refused is heard out."""

import json

from recommendations.unread import DROPPED
from tests.connection import HEAD, WHOLE, ConnectionCase

#: The beginning of a TLS handshake.
TLS = bytes.fromhex("16030100 c8010000 c40303") + bytes(range(200))
CHUNKED = b"POST / HTTP/1.1\r\nhost: it\r\ntransfer-encoding: chunked\r\n\r\n"


class UnreadTest(ConnectionCase):
    def refusal(self) -> dict[str, object]:
        """The problem that was written last, and nothing behind it."""
        _, last = self.transport.written.rsplit(b"HTTP/1.1 ", 1)
        head, body = last.split(b"\r\n\r\n")
        lines = head.lower().splitlines()
        for line in (
            b"content-type: application/problem+json",
            b"connection: close",
            f"content-length: {len(body)}".encode(),
        ):
            self.assertIn(line, lines)
        problem = json.loads(body)
        self.assertEqual(head.split()[0], str(problem["status"]).encode())
        self.assertTrue(problem["title"] and problem["detail"])
        return problem

    def counted(self, status: int) -> bool:
        of = f'http_requests_total{{method="other",route="unmatched",status="{status}"}} 1.0'
        return of in self.figures.text().decode()

    def test_what_is_no_http_and_a_head_without_end_are_problems_in_the_figures(self) -> None:
        for data, status in (
            (b"hello\r\n\r\n", 400),
            (b"GET / HTTP/9\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nhost: it\r\ncontent-length: many\r\n\r\n", 400),
            (TLS, 400),
            (b"GET / HTTP/1.1\r\nhost: " + b"x" * HEAD, 431),
        ):

            async def does(data: bytes = data, status: int = status) -> None:
                await self.comes(data)
                self.assertEqual(self.refusal()["status"], status)
                self.assertTrue(self.counted(status))
                self.assertTrue(self.transport.has_said_all)

            with self.subTest(data[:40]):
                self.play(does)

    def test_it_is_so_for_the_second_request_of_a_connection_too(self) -> None:
        async def does() -> None:
            await self.comes(WHOLE + b"hello\r\n\r\n")
            self.assertEqual(self.answers(), 1)
            self.assertEqual(self.refusal()["status"], 400)

        self.play(does)

    def test_what_comes_behind_a_refusal_is_dropped_for_a_while_and_the_connection_ended(self) -> None:
        async def does() -> None:
            await self.comes(b"hello\r\n\r\n")
            said = self.transport.written
            for _ in range(9):
                self.clock.forward(1)
                await self.comes(WHOLE)
            self.assertEqual(self.transport.written, said)
            self.assertFalse(self.transport.is_closing())
            self.clock.forward(1)
            self.assertTrue(self.transport.is_aborted)

        self.play(does)

    def test_no_more_is_dropped_than_one_sends_by_mistake(self) -> None:
        async def does() -> None:
            await self.comes(b"hello\r\n\r\n")
            await self.comes(b"x" * DROPPED)
            self.assertFalse(self.transport.is_closing())
            await self.comes(b"x")
            self.assertTrue(self.transport.is_aborted)

        self.play(does)

    def test_a_body_that_cannot_be_read_ends_the_connection_behind_the_answer(self) -> None:
        async def does() -> None:
            self.may_answer.clear()
            await self.comes(CHUNKED)
            await self.comes(b"no length\r\n")
            self.assertFalse(self.transport.is_closing())
            await self.answered()
            self.assertEqual(self.answers(), 1)
            self.assertTrue(self.transport.is_closing())

        self.play(does)

    def test_a_body_that_turns_out_unreadable_after_its_answer_ends_the_connection(self) -> None:
        async def does() -> None:
            await self.comes(CHUNKED)
            self.assertEqual(self.answers(), 1)
            said = self.transport.written
            await self.comes(b"no length\r\n")
            self.assertTrue(self.transport.has_said_all)
            self.assertEqual(self.transport.written, said)

        self.play(does)
