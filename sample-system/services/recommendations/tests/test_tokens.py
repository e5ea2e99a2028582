"""Tokens, and the keys that they are checked with."""

import asyncio
import base64
import json
import random
import time
import unittest
import uuid

from recommendations import tokens
from recommendations.figures import Figures
from recommendations.problem import Problem
from tests.support import ANNA, Signer


class Auth:
    """Publishes keys; away when asked."""

    def __init__(self, *signers: Signer) -> None:
        self.signers = list(signers)
        self.is_away = False
        self.asked = 0
        self.headers: dict[str, str] = {}

    def __call__(self, root: str, timeout: float, headers: dict[str, str]) -> tokens.Keys:
        self.asked += 1
        self.headers = dict(headers)
        if self.is_away:
            raise tokens.Unusable("auth is away")
        return tokens.read(json.dumps({"keys": [one.jwk() for one in self.signers]}).encode())


class TokensTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.now = 1_000.0
        self.signer = Signer()
        self.auth = Auth(self.signer)
        self.checker = tokens.Checker(
            "http://auth", Figures(), lambda: self.now, self.auth, self.pause
        )

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds

    def token(self, signer: Signer | None = None, **over: object) -> str:
        return (signer or self.signer).token(time.time(), **over)

    async def refused(self, authorization: str | None) -> Problem:
        with self.assertRaises(Problem) as told:
            await self.checker.caller(authorization)
        return told.exception

    async def test_a_token_says_whose_it_is(self) -> None:
        caller = await self.checker.caller(f"Bearer {self.token(role='operator')}")
        self.assertEqual(caller, tokens.Caller(ANNA, "operator"))
        self.assertEqual((await self.checker.caller(f"bearer  {self.token()}")).role, "customer")
        self.assertEqual(self.auth.asked, 1)

    async def test_what_is_not_a_token_of_the_shop_is_refused(self) -> None:
        now = time.time()
        other = Signer()
        for over in (
            {"iss": "other"},
            {"aud": "elsewhere"},
            {"aud": None},
            {"sub": "anna"},
            {"sub": None},
            {"exp": None},
            {"exp": int(now) - 31},
            {"iat": int(now) + 60},
            {"iat": None},
            {"role": "root"},
            {"role": None},
            {"role": ["customer"]},
        ):
            with self.subTest(over):
                self.assertEqual((await self.refused(f"Bearer {self.token(**over)}")).status, 401)
        whole = self.token()
        head, claims, signature = whole.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"one"}').decode().rstrip("=")
        hmac = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').decode().rstrip("=")
        for authorization in (
            None,
            "",
            "Bearer",
            "Bearer ",
            f"Basic {whole}",
            f"Bearer {self.token(other)}",
            f"Bearer {none}.{claims}.",
            f"Bearer {hmac}.{claims}.{signature}",
            f"Bearer {head}.{claims}",
            f"Bearer {whole}x",
            f"Bearer {whole} {whole}",
            "Bearer " + "x" * 5_000,
        ):
            with self.subTest(authorization):
                problem = await self.refused(authorization)
                self.assertEqual(problem.status, 401)
                self.assertTrue(problem.headers["WWW-Authenticate"].startswith("Bearer"))

    async def test_whatever_comes_is_a_caller_or_refused(self) -> None:
        draw = random.Random(7)
        whole = self.token().encode()
        for _ in range(2_000):
            broken = bytearray(whole)
            for _ in range(draw.randint(1, 4)):
                at = draw.randrange(len(broken))
                broken[at : at + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
            head = base64.urlsafe_b64encode(draw.randbytes(draw.randint(0, 30))).rstrip(b"=")
            for text in (bytes(broken), head + b"." + whole.split(b".", 1)[1]):
                try:
                    await self.checker.caller("Bearer " + text.decode("latin-1"))
                except Problem as problem:
                    self.assertIn(problem.status, (401, 503))

    async def test_a_token_whose_key_is_young_waits_for_the_next_fetch(self) -> None:
        await self.checker.caller(f"Bearer {self.token()}")
        began = self.now
        for name in ("two", "three"):
            new = Signer(name)
            self.auth.signers.append(new)
            await self.checker.caller(f"Bearer {self.token(new)}")
        self.assertEqual((self.auth.asked, self.now - began), (3, 2 * tokens.TRY_AGAIN))

    async def test_unknown_keys_are_asked_for_at_most_once_a_second(self) -> None:
        await self.checker.caller(f"Bearer {self.token()}")
        stranger = f"Bearer {self.token(Signer('stranger'))}"
        began = self.now
        for _ in range(20):
            self.assertEqual((await self.refused(stranger)).status, 401)
        self.assertEqual((self.auth.asked, self.now - began), (21, 20 * tokens.TRY_AGAIN))
        self.now += 1
        together = await asyncio.gather(*(self.refused(stranger) for _ in range(20)))
        self.assertEqual({problem.status for problem in together}, {401})
        self.assertLessEqual(self.auth.asked, 23, "those who asked before a fetch share it")

    async def test_who_cannot_wait_is_told_to_come_again(self) -> None:
        await self.checker.caller(f"Bearer {self.token()}")
        stranger = f"Bearer {self.token(Signer('stranger'))}"
        with self.assertRaises(Problem) as told:
            await self.checker.caller(stranger, self.now + tokens.TRY_AGAIN / 2)
        self.assertEqual((told.exception.status, told.exception.headers["Retry-After"]), (503, "1"))
        asked = tokens.WAITING + 3
        together = await asyncio.gather(*(self.refused(stranger) for _ in range(asked)))
        told_to_wait = [problem for problem in together if problem.status == 503]
        self.assertEqual(len(told_to_wait), 3)

    async def test_those_who_ask_at_once_wait_for_one_answer(self) -> None:
        asked = (self.checker.caller(f"Bearer {self.token()}") for _ in range(20))
        callers = await asyncio.gather(*asked)
        self.assertEqual((len(callers), self.auth.asked), (20, 1))

    async def test_while_auth_is_away_known_keys_go_on(self) -> None:
        token = f"Bearer {self.token()}"
        await self.checker.caller(token)
        self.auth.is_away = True
        for _ in range(3):
            self.now += tokens.FRESH + 1
            await self.checker.caller(token)
            await self.settled()
        self.assertEqual(self.auth.asked, 4)
        self.auth.is_away, self.auth.signers = False, [Signer("two")]
        self.now += 1
        await self.checker.caller(token)
        await self.settled()
        self.assertEqual((await self.refused(token)).status, 401)

    async def test_an_unknown_key_is_not_called_unknown_while_auth_is_away(self) -> None:
        await self.checker.caller(f"Bearer {self.token()}")
        self.auth.is_away = True
        stranger = f"Bearer {self.token(Signer('stranger'))}"
        for _ in range(2):
            self.assertEqual((await self.refused(stranger)).status, 503)
        self.assertEqual(self.auth.asked, 2)

    async def settled(self) -> None:
        while self.checker._beside is not None:
            await asyncio.sleep(0)

    async def test_without_any_key_nothing_can_be_said(self) -> None:
        self.auth.is_away = True
        problem = await self.refused(f"Bearer {self.token()}")
        self.assertEqual((problem.status, problem.headers["Retry-After"]), (503, "1"))
        self.auth.is_away = False
        self.now += 1
        await self.checker.caller(f"Bearer {self.token()}")

    async def test_who_waits_no_longer_has_nobody_asked(self) -> None:
        with self.assertRaises(Problem):
            await self.checker.caller(f"Bearer {self.token()}", self.now - 1)
        self.assertEqual(self.auth.asked, 0)

    def test_a_key_set_that_cannot_be_read_is_told(self) -> None:
        good = self.signer.jwk()
        ec = {"kty": "EC", "crv": "P-256", "kid": "e", "x": "AA", "y": "AA"}
        self.assertEqual(list(tokens.read(json.dumps({"keys": [ec, good]}).encode())), ["one"])
        for body in (
            b"",
            b"[]",
            b"{}",
            b"[" * 60_000,
            b" " * 70_000,
            b'{"keys": 7}',
            b'{"keys": [7]}',
            b'{"keys": []}',
            json.dumps({"keys": [ec]}).encode(),
            json.dumps({"keys": [good | {"x": "AA"}]}).encode(),
            json.dumps({"keys": [good | {"x": 7}]}).encode(),
        ):
            with self.subTest(body[:40]), self.assertRaises(tokens.Unusable):
                tokens.read(body)

    def test_ids_of_accounts_have_one_form(self) -> None:
        caller = tokens.read_token(self.token(sub=ANNA.upper()), self.signer.key.public_key())
        self.assertEqual(caller.account, str(uuid.UUID(ANNA)))
