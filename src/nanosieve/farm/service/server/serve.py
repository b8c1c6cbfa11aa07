"""The service: models on two protocols, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import mlserver
from mlserver import MLServer, ModelSettings, Settings
from mlserver.repository import ModelRepository

from nanosieve.compiler.emulate.threads import single_blas
from nanosieve.farm.service.access import Access
from nanosieve.farm.service.models import Versioned
from nanosieve.farm.service.server.grpc_server import GrpcServer
from nanosieve.farm.service.server.rest_server import Metrics, RestServer
from nanosieve.farm.service.server.runtime import model_settings
from nanosieve.farm.service.settings import ServiceSettings

__all__ = ["serve"]

EXTENSIONS = ["binary_tensor_data"]
NAME = "nanosieve"
LATE = 0.25
"""s without a request in work, after which a service that ends closes its connections."""


class Repository(ModelRepository):  # type: ignore[misc]  # MLServer ships no types
    """The models that were given at the start, and no others."""

    def __init__(self, root: str, models: Sequence[ModelSettings]) -> None:
        self._models = list(models)

    async def find(self, name: str) -> list[ModelSettings]:
        """The versions of one."""
        return [model for model in self._models if model.name == name]

    async def list(self) -> Sequence[ModelSettings]:
        """All of them."""
        return self._models


class Service(MLServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer with the ports of this package.

    Args:
        models: loaded.
        settings: of the service.
    """

    def __init__(self, models: Sequence[Versioned], settings: ServiceSettings) -> None:
        self._own, self._access = settings, Access(settings)
        versions = {
            entry.model.name: [e.version for e in models if e.model.name == entry.model.name]
            for entry in models
        }
        self.models = [model_settings(entry, versions[entry.model.name], settings) for entry in models]
        super().__init__(
            Settings(
                debug=False,
                parallel_workers=0,  # threads: arrays would have to be copied to another process
                host=settings.host,
                http_port=settings.http_port,
                grpc_port=settings.grpc_port,
                metrics_port=settings.metrics_port,
                grpc_max_message_length=settings.most_bytes,
                gzip_enabled=False,
                server_name=NAME,
                extensions=EXTENSIONS,
                model_repository_implementation=Repository,
                model_repository_implementation_args={"models": self.models},
            )
        )
        self._metrics_server = Metrics(self._settings)

    def _create_servers(self) -> None:
        given = (self._settings, self._data_plane, self._model_repository_handlers, self._own, self._access)
        self._rest_server, self._grpc_server = RestServer(*given), GrpcServer(*given)
        self._kafka_server = None

    def _configure_logger(self) -> None:
        logging.getLogger("mlserver").setLevel(logging.ERROR)

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until a signal comes; `ready` is called when all models answer.

        Raises:
            OSError: a port was taken meanwhile.
        """
        serving = asyncio.create_task(self.start(self.models))
        while not serving.done():
            if await self._data_plane.ready() and self._listens():
                ready()
                break
            await asyncio.sleep(0.02)
        await serving

    def _listens(self) -> bool:
        """Whether REST and gRPC take requests, and every model is there."""
        rest = getattr(self._rest_server, "_server", None)
        grpc = getattr(self._grpc_server, "_server", None)
        return bool(rest and rest.started and grpc and len(self._model_registry._models) > 0)

    async def stop(self, sig: Any = None) -> None:
        """Take nothing new on any port, finish what was accepted, end.

        Who asks in the meantime is told so in the words of the protocol; connections are closed only then.
        """
        access, until = self._access, time.monotonic() + self._own.grace
        access.closing = True
        quiet = time.monotonic() + LATE
        while time.monotonic() < min(quiet, until):
            if access.accepted != access.answered:
                quiet = time.monotonic() + LATE
            await asyncio.sleep(0.01)
        await asyncio.gather(self._grpc_server.stop(sig), self._rest_server.stop(sig))
        await self._metrics_server.stop(sig)


def serve(
    models: Sequence[Versioned], settings: ServiceSettings, *, ready: Callable[[], None] = lambda: None
) -> tuple[int, int]:
    """Serve `models` until SIGTERM or SIGINT; returns when everything that was accepted is answered.

    Args:
        models: of `load_models`.
        settings: with numbers for all ports, as `with_free_ports` gives.
        ready: called once, when all models answer.

    Returns:
        Requests that were accepted, and those of them that were answered.
    """
    mlserver.utils.install_uvloop_event_loop()

    async def main() -> tuple[int, int]:
        service = Service(models, settings)
        await service.run(ready)
        return service._access.accepted, service._access.answered

    with single_blas():  # once, instead of anew for every call of an emulator
        return asyncio.run(main())
