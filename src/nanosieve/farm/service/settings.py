"""How a service is run: addresses, limits, access."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError, SettingsError
from nanosieve.farm.engine.checks import whole

__all__ = ["ServiceSettings", "read_token", "with_free_ports"]


@dataclass(frozen=True)
class ServiceSettings:
    """What the server does beside computing.

    Attributes:
        host: interface; 127.0.0.1 is this machine alone.
        http_port, grpc_port, metrics_port: 0 for any that is free.
        most_events: of a request, and of the batches into which requests are gathered.
        most_waiting: events of a model that may wait; above it requests are refused as too many.
        workers: batches of a model that are computed at one time.
        most_bytes: of a request.
        rate: requests a second that are accepted, over all clients; 0 for no limit.
        body_seconds: s in which the body of a request must have come in.
        grace: s that accepted requests are given after SIGTERM.
        certificate, key: PEM files; with them all ports speak TLS.
        token: that clients must send as ``authorization: Bearer TOKEN``; empty for none.

    Raises:
        SettingsError: a number out of its domain, or a certificate without its key.
        InputFileError: no such certificate or key.
    """

    host: str = "127.0.0.1"
    http_port: int = 8080
    grpc_port: int = 8081
    metrics_port: int = 8082
    most_events: int = 16_384
    most_waiting: int = 1 << 20
    workers: int = 1
    most_bytes: int = 64 << 20
    rate: float = 0.0
    body_seconds: float = 30.0
    grace: float = 30.0
    certificate: Path | None = None
    key: Path | None = None
    token: str = ""

    def __post_init__(self) -> None:
        for name in ("most_events", "most_waiting", "workers", "most_bytes"):
            whole(getattr(self, name), name=name)
        for name in ("rate", "body_seconds", "grace"):
            if not getattr(self, name) >= 0:
                message = f"{name} = {getattr(self, name)!r} must be zero or more"
                raise SettingsError(message)
        if self.most_waiting < self.most_events:
            message = (
                f"most_waiting = {self.most_waiting} is below most_events = {self.most_events}; a request "
                "could never be accepted"
            )
            raise SettingsError(message)
        if (self.certificate is None) != (self.key is None):
            message = "TLS takes a certificate and its key; give --tls-cert and --tls-key, or neither"
            raise SettingsError(message)
        for path in (self.certificate, self.key):
            if path is not None:
                existing_file(path, kind="PEM file", suffixes=(".pem", ".crt", ".key"))

    @property
    def tls(self) -> bool:
        """Whether all ports speak TLS."""
        return self.certificate is not None


def with_free_ports(settings: ServiceSettings) -> ServiceSettings:
    """The settings with a number for every port that is 0.

    Raises:
        SettingsError: a port that is given is taken.
    """
    ports: dict[str, int] = {}
    with ExitStack() as held:  # all at one time, so that none is found twice
        for name in ("http_port", "grpc_port", "metrics_port"):
            sock = held.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            number = getattr(settings, name)
            try:
                sock.bind((settings.host, number))
            except OSError as error:
                where = f"{name.replace('_', ' ')} {number} of {settings.host}"
                message = f"{where}: {error.strerror}; choose another"
                raise SettingsError(message) from error
            ports[name] = sock.getsockname()[1]
    return replace(
        settings,
        http_port=ports["http_port"],
        grpc_port=ports["grpc_port"],
        metrics_port=ports["metrics_port"],
    )


def read_token(path: Path) -> str:
    """The token in a file, so that it stands on no command line.

    Raises:
        InputFileError: no such file, or nothing in it.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"token file {str(path)!r} cannot be read ({error}); write the token into it"
        raise InputFileError(message) from error
    if not token or not token.isascii() or any(c.isspace() for c in token):
        message = f"token file {str(path)!r} holds no token; write one word of ASCII into it"
        raise InputFileError(message)
    return token
