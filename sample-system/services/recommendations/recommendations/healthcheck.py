"""`recommendations healthcheck` asks the one that listens at `LISTEN` whether it is ready. A
scratch image has no shell and no curl, so each service brings its own question.

It is asked every other second: nothing is loaded here but a socket."""

import socket

from recommendations.config import Address

#: Seconds that the service may take to answer. Below every `healthcheck.timeout` of the system.
TIMEOUT = 2.0


class Unhealthy(Exception):
    """Why the service is not ready."""


def ask(listen: Address) -> None:
    """`GET /readyz` must answer 200."""
    address = listen.dialled()
    try:
        connection = socket.create_connection(address, TIMEOUT)
    except OSError as why:
        raise Unhealthy(f"{address} does not accept: {why}") from why
    answer = b""
    try:
        with connection:
            request = f"GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            while len(answer) < 4_096 and (more := connection.recv(4_096)):
                answer += more
    except OSError as why:
        raise Unhealthy(f"{address} gave no answer: {why}") from why
    status, _, rest = answer.decode("utf-8", "replace").partition("\r\n")
    if status.split(" ")[1:2] != ["200"]:
        said = rest.partition("\r\n\r\n")[2].strip() or status
        raise Unhealthy(f"{address} is not ready: {said}")
