"""The HTTP side: `GET /recommendations` for the account of the token, and what every service has:
`/healthz`, `/readyz`, `/metrics`, the access log, limits, errors as problem+json."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommendations import figures, logs, shelf, trace
from recommendations.figures import Figures
from recommendations.problem import Problem
from recommendations.tokens import Checker
from recommendations.unread import DROPPED

#: Items that are shown where nothing is asked, and the most that can be asked for.
SHOWN = 10
MOST = 50
#: Bytes that a request's body may have. No route reads one.
BODY_LIMIT = 64 * 1024
#: Bytes that a request's headers may have, with 32 for each, as HTTP/2 counts them: what the other
#: services behind the gateway take.
HEADERS_LIMIT = 20 * 1024
#: Requests in hand at once. One takes a millisecond, so as many wait a quarter of a second, and the
#: gateway waits no longer; more would only fill memory.
AT_ONCE = 256
#: Who asks these asks again and again.
PROBES = ("/healthz", "/readyz", "/metrics")
#: What the last answer of a connection says.
CLOSE = (b"connection", b"close")
#: Methods that have a figure of their own; whatever else a client invents is one.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass
class Parts:
    """What the routes are made of."""

    checker: Checker
    figures: Figures
    #: For reading alone; belongs to the event loop's thread, which it holds for well under a
    #: millisecond, since a reader waits for no writer.
    connection: sqlite3.Connection
    #: Whether the service is to end: each answer is the last of its connection then, and says so.
    is_ending: Callable[[], bool]


def app(parts: Parts) -> ASGIApp:
    """The service's routes with everything around them."""
    # The contract is in contracts/openapi; nobody asks the service for another.
    routes = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @routes.get("/recommendations")
    async def recommendations(
        request: Request, limit: int = Query(SHOWN, ge=1, le=MOST)
    ) -> Response:
        deadline = _deadline(request, parts.figures)
        caller = await parts.checker.caller(request.headers.get("authorization"), deadline)
        found = shelf.show(parts.connection, caller.account, limit)
        return JSONResponse({"items": [{"sku": sku, "score": score} for sku, score in found]})

    @routes.get("/healthz")
    async def alive() -> Response:
        return PlainTextResponse("alive\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        if parts.is_ending():
            raise Problem(503, "shutting down")
        try:
            parts.connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone()
        except sqlite3.Error as why:
            raise Problem(503, "the database does not answer") from why
        return PlainTextResponse("ready\n")

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(parts.figures.text(), media_type=figures.CONTENT_TYPE)

    @routes.exception_handler(Problem)
    async def problem(_: Request, why: Problem) -> Response:
        return why.response()

    @routes.exception_handler(RequestValidationError)
    async def refused(_: Request, why: RequestValidationError) -> Response:
        said = (f"{error['loc'][-1]}: {error['msg']}" for error in why.errors())
        return Problem(400, "; ".join(said)).response()

    @routes.exception_handler(HTTPException)
    async def no_route(_: Request, why: HTTPException) -> Response:
        details = {404: "no such route", 405: "this route does not take this method"}
        detail = details.get(why.status_code, why.detail)
        return Problem(why.status_code, detail, why.headers).response()

    return Around(routes, parts.figures, parts.is_ending)


def _deadline(request: Request, figures: Figures) -> float | None:
    """Until when the caller waits, by its `request-timeout-ms`; work whose time is over is not
    begun."""
    said = request.headers.get("request-timeout-ms")
    if said is None:
        return None
    if not re.fullmatch(r"[0-9]{1,8}", said, re.ASCII):
        raise Problem(400, f"request-timeout-ms is {said!r}: give milliseconds, 1 to 8 digits")
    if int(said) == 0:
        figures.late()
        raise Problem(504, "the caller waits no longer")
    return time.monotonic() + int(said) / 1_000


class Around:
    """What happens around every request: its trace, its size, a fault of ours, the access log,
    the figures."""

    def __init__(self, inner: ASGIApp, figures: Figures, is_ending: Callable[[], bool]) -> None:
        self._inner = inner
        self._figures = figures
        self._is_ending = is_ending
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        token = trace.current.set(trace.Trace.from_pairs(headers).or_fresh())
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._is_ending() and CLOSE not in message["headers"]:
                    message = message | {"headers": [*message["headers"], CLOSE]}
            await send(message)

        began = time.monotonic()
        self._in_hand += 1
        with self._figures.in_flight.track_inprogress():
            try:
                await self._answer(scope, receive, sent, dict(headers))
            except asyncio.CancelledError:
                status = status or 499
                raise
            except Exception as why:
                logs.error("failed to answer", error=repr(why))
                if not status:
                    failed = Problem(500, "the service failed; its log says why")
                    await failed.response()(scope, receive, sent)
            finally:
                self._in_hand -= 1
                self._tell(scope, status, time.monotonic() - began)
                trace.current.reset(token)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        if self._in_hand > AT_ONCE and scope["path"] not in PROBES:
            self._figures.shed()
            full = Problem(503, "too much at once; try again", {"Retry-After": "1"})
            await full.response()(scope, receive, send)
            return
        if sum(len(name) + len(value) + 32 for name, value in scope["headers"]) > HEADERS_LIMIT:
            too_long = Problem(431, f"the headers are longer than {HEADERS_LIMIT} bytes together")
            await too_long.response()(scope, receive, send)
            return
        length = int(headers.get("content-length", "0"))
        if length > BODY_LIMIT:
            # What comes of it is dropped, so that nobody is cut who reads the answer after that.
            close = {"Connection": "close"} if length > DROPPED else {}
            too_large = Problem(413, f"a body may have {BODY_LIMIT} bytes", close)
            await too_large.response()(scope, receive, send)
            return
        await self._inner(scope, receive, send)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._figures.answered(route or "unmatched", method, status, seconds)
        # The probes ask every other second; a line of each would bury all others.
        if route in PROBES:
            return
        logs.info(
            "answered",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=int(seconds * 1_000),
        )
