"""The end of the HTTP side, at which nobody is cut who was let in. A machine that closes a listener
resets whoever waits in its queue, and uvicorn closes idle connections at once, whatever is on its way
there. So the queue is emptied first, then open connections are kept a little longer; from the beginning
of the end each answer says `Connection: close` (`routes`)."""

import asyncio
import contextlib
import socket

import uvicorn

#: Seconds for which open connections are kept, as at the other services: what a caller sent before it
#: could know has come by then.
LINGER = 2.0
#: As many are let in at the end: what the queue of a listener can hold.
QUEUE = 2048
#: Seconds between two looks whether anybody is still there.
LOOK = 0.02


class Door(uvicorn.Server):
    """A server that ends in this order. Signals are the service's own business."""

    def __init__(self, config: uvicorn.Config, linger: float = LINGER) -> None:
        super().__init__(config)
        self._linger = linger

    @contextlib.contextmanager
    def capture_signals(self):
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends; uvicorn's own way comes last."""
        for listener in sockets or []:
            await self._empty(listener)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._linger
        while self.server_state.connections and loop.time() < until:
            await asyncio.sleep(LOOK)
        await super().shutdown(sockets)

    async def _empty(self, listener: socket.socket) -> None:
        """Lets in who waits, and closes the listener."""
        # What asyncio accepts with is closed with it; the queue is there as long as one of both is.
        with listener.dup() as queue:
            for server in self.servers:
                server.close()
            for _ in range(QUEUE):
                try:
                    stream, _ = queue.accept()
                except BlockingIOError:
                    return
                except OSError:
                    # One that went away while it waited.
                    continue
                stream.setblocking(False)
                await asyncio.get_running_loop().connect_accepted_socket(self._connection, stream)

    def _connection(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
