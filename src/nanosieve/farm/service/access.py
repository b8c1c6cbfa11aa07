"""Who may ask, how often, and until when: the token, the rate of requests, and the end of the service."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nanosieve.farm.service.settings import ServiceSettings

__all__ = ["Access"]


class Access:
    """Decides on requests as they arrive.

    Up to a second's worth of requests may come at once; then they are let through at the rate.

    Args:
        settings: with token and rate.

    Attributes:
        closing: whether the service ends: nothing is accepted any more.
        accepted, answered: requests; those between are being worked on.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._token = f"Bearer {settings.token}".encode() if settings.token else b""
        self._rate = settings.rate
        self._most = max(settings.rate, 1.0)
        self._left = self._most
        self._seen = time.monotonic()
        self.closing = False
        self.accepted = self.answered = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """One accepted request, until its answer, or its error, is handed to the protocol."""
        self.accepted += 1
        try:
            yield
        finally:
            self.answered += 1

    def knows(self, authorization: str | bytes | None) -> bool:
        """Whether the header ``authorization`` is that of a client who may ask; in constant time."""
        if not self._token:
            return True
        given = authorization or b""
        given = given.encode("utf-8", "replace") if isinstance(given, str) else given
        return hmac.compare_digest(given, self._token)

    def admits(self) -> bool:
        """Whether one more request is let through now; it is counted if so."""
        if not self._rate:
            return True
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._seen) * self._rate)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
