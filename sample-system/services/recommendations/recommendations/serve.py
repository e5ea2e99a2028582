"""Both sides from start to end: the HTTP side in the event loop, the reader in a thread. Asked to
stop, both finish what is in hand, for at most the configured grace."""

import asyncio
import contextlib
import signal
import socket
import threading

import uvicorn

from recommendations import logs
from recommendations.burial import GROUP
from recommendations.config import Config
from recommendations.database import Inbox, open_file
from recommendations.door import LINGER, Door
from recommendations.figures import Figures
from recommendations.kafka import Consumer, Producer
from recommendations.patient import Patience, protocol
from recommendations.reader import TOPIC, Reader
from recommendations.routes import Parts, app
from recommendations.tokens import Checker

#: Seconds that a connection is kept for the next request; above what the gateway's pool keeps it,
#: or a request would meet a connection that ends.
KEPT = 120
#: Bytes of a head that are read before its end has come; it is refused by what it counts before.
HEAD = 64 * 1024


class CannotListen(Exception):
    """The address could not be had."""


class ReaderEnded(Exception):
    """The reader ended before it was asked to."""


def bind(config: Config) -> socket.socket:
    """The listener."""
    family = socket.AF_INET6 if ":" in config.listen.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(tuple(config.listen))
    except OSError as why:
        listener.close()
        raise CannotListen(
            f"cannot listen at {config.listen}: {why}; set LISTEN to an address that is free"
        ) from why
    return listener


def run(config: Config) -> None:
    """Serves until SIGTERM or SIGINT."""
    for name in sorted(config.bugs):
        logs.warn(f"the bug {name} is seeded here", bug=name)
    written = open_file(config.data_dir)
    listener = bind(config)
    figures = Figures()
    reader = Reader(written, Inbox(written), Producer(config.brokers), figures, config.bugs)
    consumer = Consumer(config.brokers, GROUP, [TOPIC])
    asyncio.run(_serve(config, listener, figures, lambda stop: reader.run(consumer, stop)))
    logs.info("stopped")


async def _serve(config: Config, listener: socket.socket, figures: Figures, read) -> None:
    stop, loop = threading.Event(), asyncio.get_running_loop()
    connection = open_file(config.data_dir)
    #: When the grace of both sides is over, once they end.
    until: float | None = None

    def end() -> None:
        nonlocal until
        server.should_exit = True
        until = until or loop.time() + config.grace

    checker = Checker(config.auth, figures)
    parts = Parts(checker, figures, connection, lambda: server.should_exit)
    linger = min(LINGER, config.grace)
    server = Door(
        uvicorn.Config(
            app(parts),
            loop="asyncio",
            http=protocol(Patience(), figures),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEPT,
            h11_max_incomplete_event_size=HEAD,
            timeout_graceful_shutdown=config.grace - linger,
        ),
        linger,
    )
    ended: list[BaseException | None] = []

    def reading() -> None:
        why = None
        try:
            read(stop)
        except BaseException as failure:  # told by who waits for it
            why = failure
        ended.append(why)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(end)

    def asked(number: signal.Signals) -> None:
        if not stop.is_set():
            logs.info(f"asked to stop by {number.name}")
        stop.set()
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    thread = threading.Thread(target=reading, name="reader", daemon=True)
    thread.start()
    logs.info("listening", address=str(config.listen))
    await server.serve([listener])
    was_asked = stop.is_set()
    stop.set()
    left = (until or loop.time()) - loop.time()
    await asyncio.to_thread(thread.join, max(0.0, left))
    connection.close()
    if thread.is_alive():
        logs.warn("left an event in hand at shutdown")
    elif ended[0] is not None:
        raise ended[0]
    elif not was_asked:
        raise ReaderEnded("the reader ended by itself")

