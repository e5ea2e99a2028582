"""Who asks: a token signed with EdDSA, checked with the keys that auth publishes.

The keys are kept. An unknown `kid` has them fetched again, at most once a second: who comes sooner
waits. After five minutes they are fetched again beside the work; while auth is away what is there
goes on."""

import asyncio
import http.client
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recommendations import logs, trace
from recommendations.figures import Figures
from recommendations.problem import Problem

#: Seconds after which keys are fetched again.
FRESH = 300.0
#: Seconds between two tries: of an unknown `kid`, or while auth is away.
TRY_AGAIN = 1.0
#: Seconds that auth may take. It answers from memory.
TIMEOUT = 2.0
#: Seconds that two machines' clocks may differ.
LEEWAY = 30
#: Characters of a token; auth's have some four hundred.
LONGEST = 4_096
#: Bytes of the answer, and keys in it: current, next and some retired ones.
LONGEST_ANSWER = 64 * 1024
MOST_KEYS = 64
#: Requests that may wait for keys beyond those that are known; a further one is told to come again.
#: Strangers who make names of keys up leave places for everybody else. For the first keys all wait.
WAITING = 64

Keys = dict[str, Ed25519PublicKey]


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    account: str
    role: str


class Unusable(Exception):
    """The keys could not be had."""


def fetch(root: str, timeout: float, headers: Mapping[str, str]) -> Keys:
    """Asks auth for its keys."""
    url = urlsplit(root)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=timeout)
    try:
        connection.request("GET", "/.well-known/jwks.json", headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read(LONGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException) as why:
        raise Unusable(f"{root} gave no keys: {why!r}") from why
    finally:
        connection.close()
    if answer.status != 200:
        raise Unusable(f"{root} answered {answer.status} to the question for its keys")
    return read(body)


def read(body: bytes) -> Keys:
    """The Ed25519 keys of a published key set; others are for other uses."""
    if len(body) > LONGEST_ANSWER:
        raise Unusable(f"the key set has more than {LONGEST_ANSWER} bytes")
    try:
        listed = json.loads(body)["keys"][:MOST_KEYS]
        mine = [key for key in listed if key.get("kty") == "OKP" and key.get("crv") == "Ed25519"]
        keys = {str(key["kid"]): Ed25519PublicKey.from_public_bytes(_bytes(key["x"])) for key in mine}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        raise Unusable(f"the key set cannot be read: {why!r}") from why
    if not keys:
        raise Unusable("the key set has no Ed25519 key")
    return keys


def _bytes(text: str) -> bytes:
    return jwt.utils.base64url_decode(text)


class Checker:
    """Checks tokens; used by one event loop."""

    def __init__(
        self,
        root: str,
        figures: Figures,
        clock: Callable[[], float] = time.monotonic,
        fetch: Callable[[str, float, Mapping[str, str]], Keys] = fetch,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._root = root
        self._figures = figures
        self._clock = clock
        self._fetch = fetch
        self._pause = pause
        self._keys: Keys = {}
        self._had = self._tried = float("-inf")
        self._worked = False
        self._waiting = 0
        self._lock = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None
        figures.key_age.set_function(lambda: clock() - self._had if self._keys else -1.0)

    async def caller(self, authorization: str | None, deadline: float | None = None) -> Caller:
        """Who asks, by the request's `Authorization`; `deadline`, by this checker's clock, is until
        when the asker waits. Raises a `Problem` where it is nobody."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            missing = "sign in: send `Authorization: Bearer` with a token from POST /tokens"
            raise Problem(401, missing, {"WWW-Authenticate": 'Bearer realm="shop"'})
        if len(token) > LONGEST:
            raise refused("the token is too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except (jwt.PyJWTError, ValueError, RecursionError) as why:
            raise refused("the token cannot be read") from why
        if not isinstance(kid, str):
            raise refused("the token names no key")
        return read_token(token, await self._key(kid, deadline))

    async def _key(self, kid: str, deadline: float | None) -> Ed25519PublicKey:
        if kid not in self._keys:
            await self._learn(kid, deadline)
        elif self._clock() - self._had > FRESH and self._may_try() and self._beside is None:
            self._beside = asyncio.create_task(self._fetch_again(None))
            self._beside.add_done_callback(self._no_longer_beside)
        key = self._keys.get(kid)
        if key is None and not self._worked:
            raise Problem(503, "auth's keys are not known yet; try again", {"Retry-After": "1"})
        if key is None:
            raise refused("the token is signed with a key that is not known")
        return key

    def _no_longer_beside(self, _: object) -> None:
        self._beside = None

    def _may_try(self) -> bool:
        return self._clock() - self._tried >= TRY_AGAIN

    async def _learn(self, kid: str, deadline: float | None) -> None:
        """Has the keys fetched for one that is not known. Who comes within a second after a fetch
        waits for the next one, so no token is refused because its key is young."""
        asked = self._clock()
        if self._keys and self._waiting >= WAITING:
            raise too_soon()
        self._waiting += 1
        try:
            async with self._lock:
                # Somebody's fetch that was begun later says all that another could.
                if kid in self._keys or self._tried > asked:
                    return
                if not self._may_try():
                    if not self._worked:
                        return
                    left = TRY_AGAIN - (self._clock() - self._tried)
                    if deadline is not None and self._clock() + left >= deadline:
                        raise too_soon()
                    await self._pause(left)
                await self._try(deadline)
        finally:
            self._waiting -= 1

    async def _fetch_again(self, deadline: float | None) -> None:
        async with self._lock:
            if self._may_try():
                await self._try(deadline)

    async def _try(self, deadline: float | None) -> None:
        """One fetch, by whoever holds the lock; what is known stays where it fails."""
        left = TIMEOUT if deadline is None else min(TIMEOUT, deadline - self._clock())
        if left <= 0:
            return
        self._tried = began = self._clock()
        self._worked = False
        headers = trace.current.get().pairs()
        try:
            self._keys = await asyncio.to_thread(self._fetch, self._root, left, headers)
            self._had = self._clock()
            self._worked, outcome = True, "ok"
        except Unusable as why:
            logs.warn("going on with the keys that are known", keys=len(self._keys), error=why)
            outcome = "error"
        self._figures.called("auth", outcome, self._clock() - began)


def read_token(token: str, key: Ed25519PublicKey) -> Caller:
    """Who a token is about; raises a `Problem` where it is not valid."""
    asked = {"require": ["iss", "aud", "sub", "iat", "exp"]}
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience="shop",
            issuer="auth",
            leeway=LEEWAY,
            options=asked,
        )
        account = str(uuid.UUID(claims["sub"]))
    except jwt.ExpiredSignatureError as why:
        raise refused("the token has expired; sign in again") from why
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError, OverflowError) as why:
        raise refused("the token is not valid") from why
    role = claims.get("role")
    if role not in ("customer", "operator"):
        raise refused("the token names no role of the shop")
    return Caller(account, role)


def too_soon() -> Problem:
    """503: it cannot be told yet who asks."""
    return Problem(503, "auth's keys cannot be asked for yet; try again", {"Retry-After": "1"})


def refused(detail: str) -> Problem:
    """401: nobody is known to ask."""
    return Problem(401, detail, {"WWW-Authenticate": 'Bearer realm="shop", error="invalid_token"'})
