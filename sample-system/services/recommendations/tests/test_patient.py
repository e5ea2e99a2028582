"""Connections of which too little comes, under a clock that is put forward by hand."""

from tests.connection import KEPT, WHOLE, ConnectionCase

HALF = b"GET / HTTP/1.1\r\nhost:"
HALF_BODY = b"POST / HTTP/1.1\r\nhost: it\r\ncontent-length: 9\r\n\r\nhalf"
#: No limit is met to the second.
JUST = 0.5


class PatientTest(ConnectionCase):
    def ends_after(self, seconds: float, why: str) -> None:
        """It ends then, and not before."""
        self.clock.forward(seconds - JUST)
        self.assertFalse(self.transport.is_closing())
        self.clock.forward(JUST)
        self.assertTrue(self.transport.is_closing())
        self.assertIn(f'connections_ended_total{{why="{why}"}} 1.0', self.figures.text().decode())

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
