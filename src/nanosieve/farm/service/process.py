"""A service as a process of its own, for measurements, scripts and tests."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from nanosieve.errors import ToolError

__all__ = ["Running", "running_service"]


@dataclass
class Running:
    """A service that answers.

    Attributes:
        process: of it.
        host: interface.
        ports: ``http``, ``grpc`` and ``metrics``.
        models: name and version of each.
        tls: whether its ports speak TLS.
        counts: after the end, requests ``accepted`` and ``answered``.
    """

    process: subprocess.Popen[str]
    host: str
    ports: dict[str, int]
    models: list[dict[str, str]]
    tls: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def url(self, protocol: str) -> str:
        """For ``grpc`` or ``http``."""
        return f"{protocol}{'s' if self.tls else ''}://{self.host}:{self.ports[protocol]}"

    def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM, and the exit code when everything that was accepted is answered.

        Raises:
            ToolError: it does not end.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            text, _ = self.process.communicate(timeout=timeout)
            if text.strip():
                self.counts = json.loads(text)
            return self.process.returncode
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            message = f"the service did not end within {timeout:g} s of SIGTERM; it was killed"
            raise ToolError(message) from error


@contextmanager
def running_service(models: Sequence[str], *options: str, timeout: float = 600.0) -> Iterator[Running]:
    """``nanosieve serve`` on free ports, until the end of the block.

    Args:
        models: as on the command line.
        options: of the command line besides.
        timeout: s until it must answer.

    Raises:
        ToolError: it does not start, or does not end.
    """
    command = [sys.executable, "-m", "nanosieve", "serve", *models, "--json"]
    command += [text for port in ("http", "grpc", "metrics") for text in (f"--{port}-port", "0")]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(os.environ)
        )
        try:
            said = _said(process, errors, timeout)
            service = Running(
                process, said["host"], said["ports"], said["models"], tls="--tls-cert" in options
            )
            yield service
            service.stop()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _said(process: subprocess.Popen[str], errors: IO[str], timeout: float) -> dict[str, Any]:
    """The JSON that the service prints when it answers."""
    text, until = "", time.monotonic() + timeout
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while time.monotonic() < until:
            if not selector.select(until - time.monotonic()):
                break
            part = os.read(descriptor, 1 << 16)
            text += part.decode()
            if not part:
                break
            try:
                return dict(json.loads(text))
            except json.JSONDecodeError:
                continue
    errors.seek(0)
    reason = " ".join(errors.read().split())[-300:] or f"nothing was said within {timeout:g} s"
    message = f"the service did not start: {reason}"
    raise ToolError(message)
