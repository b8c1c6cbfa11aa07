"""What stands before the REST application: token, rate, size, and a time for the body to come in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from nanosieve.farm.service.access import Access
from nanosieve.farm.service.settings import ServiceSettings

__all__ = ["Guard"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Guard:
    """ASGI middleware. A body is read whole before the application sees it: nothing half-read is work."""

    def __init__(
        self, app: Callable[..., Awaitable[None]], settings: ServiceSettings, access: Access
    ) -> None:
        self.app, self.settings, self.access = app, settings, access

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        path: str = scope["path"]
        if not path.startswith("/v2/health/") and not self.access.knows(headers.get(b"authorization")):
            await _answer(send, 401, "send the header authorization: Bearer TOKEN")
            return
        if self.access.closing and (path.endswith("/infer") or path == "/v2/health/ready"):
            await _answer(send, 503, "the service ends; ask another one")
            return
        if path.endswith("/infer") and not self.access.admits():
            await _answer(send, 429, "too many requests; send fewer")
            return
        most = self.settings.most_bytes
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            await _answer(send, 413, f"a body of {int(length)} bytes; send at most {most}")
            return
        try:
            body = await self._body(receive)
        except TimeoutError:
            await _answer(send, 408, f"the body did not come in within {self.settings.body_seconds:g} s")
            return
        if body is None:
            return
        if len(body) > most:
            await _answer(send, 413, f"a body of more than {most} bytes; send at most that")
            return
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def read() -> Message:
            return next(given, None) or await receive()

        if path.endswith("/infer"):
            with self.access.request():
                await self.app(scope, read, send)
        else:
            await self.app(scope, read, send)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, or its first part if that is too long already; None if the client has gone."""
        parts: list[bytes] = []
        size = 0
        until = time.monotonic() + self.settings.body_seconds
        while True:
            message = await asyncio.wait_for(receive(), until - time.monotonic())
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.settings.most_bytes or not message.get("more_body"):
                return b"".join(parts)


async def _answer(send: Send, status: int, error: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"error": error})})
