"""Errors as clients see them: `application/problem+json` (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

CONTENT_TYPE = "application/problem+json"
#: Seconds after which to ask again, where a 503 does not say otherwise.
COME_AGAIN = {"Retry-After": "2"}


class Problem(Exception):
    """An error on its way to a client: `detail` says what was wrong and what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = (COME_AGAIN if status == 503 else {}) | dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        try:
            title = HTTPStatus(self.status).phrase
        except ValueError:
            title = "Error"
        body = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        return Response(json.dumps(body), self.status, self.headers, CONTENT_TYPE)
