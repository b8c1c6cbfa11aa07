"""The REST side: JSON and the binary tensor extension, limits on what is read, a drain that waits."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import orjson
import uvicorn
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from mlserver.errors import InferenceError
from mlserver.metrics import MetricsServer
from mlserver.rest import RESTServer
from mlserver.types import InferenceRequest, RepositoryIndexRequest, RequestInput, RequestOutput, TensorData
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from nanosieve.errors import NanosieveError
from nanosieve.farm.service.access import Access
from nanosieve.farm.service.server.guard import Guard
from nanosieve.farm.service.server.schema import openapi
from nanosieve.farm.service.settings import ServiceSettings
from nanosieve.farm.service.tensors import from_bytes, from_numbers

__all__ = ["Metrics", "RestServer"]

logger = logging.getLogger(__name__)

HEADER = "inference-header-content-length"
_NOT_SERVED = ("generate", "infer", "load", "unload", "docs", "index", "docs/dataplane.json")
"""Ends of paths: extensions of MLServer that are not served, and inference, which is served here."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)
    name: str
    parameters: dict[str, Any] = {}


class _Input(_Part):
    shape: list[int] = Field(max_length=16)
    datatype: str
    data: list[Any] | None = None


class _Request(BaseModel):
    model_config = ConfigDict(strict=True)
    id: str = ""
    parameters: dict[str, Any] = {}
    inputs: list[_Input]
    outputs: list[_Part] = []


async def infer(request: Request) -> Response:
    """``POST /v2/models/NAME[/versions/VERSION]/infer``, with or without binary tensors."""
    plane = request.app.state.data_plane
    name, version = request.path_params["model_name"], request.path_params.get("model_version")
    await plane.model_ready(name, version)
    body = await request.body()
    try:
        header = int(request.headers.get(HEADER, len(body)))
    except ValueError:
        header = -1
    if not 0 <= header <= len(body):
        message = f"the header {HEADER} is no number of bytes of this body"
        raise InferenceError(message)
    try:
        asked = _Request.model_validate(orjson.loads(body[:header]))
    except orjson.JSONDecodeError as error:
        message = f"the body is no JSON: {error}"
        raise InferenceError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{'.'.join(map(str, first['loc'])) or 'request'}: {first['msg']}"
        raise InferenceError(message) from error
    try:
        payload = _payload(asked, memoryview(body)[header:])
    except NanosieveError as error:
        raise InferenceError(str(error)) from error
    found = await plane.infer(payload, name, version)
    every = bool(asked.parameters.get("binary_data_output"))
    binary = {each.name: bool(each.parameters.get("binary_data", every)) for each in asked.outputs}
    return _response(found, binary, every)


async def _index(request: Request) -> Response:
    """``POST /v2/repository/index``: all models; the body may ask for those that are ready."""
    body = await request.body()
    try:
        asked = RepositoryIndexRequest.model_validate(orjson.loads(body) if body else {})
    except (orjson.JSONDecodeError, ValidationError) as error:
        message = 'the body is no request for the index; send {} or {"ready": true}'
        raise InferenceError(message) from error
    found = await request.app.state.repository.index(asked)
    return Response(found.model_dump_json(), media_type="application/json")


async def _schema(request: Request) -> Response:
    """``GET /v2/docs/dataplane.json``: what is served of MLServer's schema, with names."""
    models = await request.app.state.repository.index(RepositoryIndexRequest())
    served = openapi(_Request, [(each.name, each.version) for each in models.root])
    return Response(orjson.dumps(served), media_type="application/json")


def _payload(asked: _Request, rest: memoryview) -> InferenceRequest:
    """The request with arrays; binary tensors follow the JSON in the order of the inputs.

    Raises:
        InferenceError: sizes that are not those of the body, or data given twice or not at all.
        SampleError: contents that are not what shape and type say.
    """
    inputs = []
    for each in asked.inputs:
        size = each.parameters.get("binary_data_size")
        if (size is None) == (each.data is None):
            message = f"input {each.name!r}: give data, or binary_data_size and the bytes behind the JSON"
            raise InferenceError(message)
        if size is None:
            array = from_numbers(each.name, each.datatype, each.shape, each.data)
        else:
            if not isinstance(size, int) or not 0 <= size <= len(rest):
                message = f"input {each.name!r}: binary_data_size {size!r} is no number of bytes of this body"
                raise InferenceError(message)
            array = from_bytes(each.name, each.datatype, each.shape, rest[:size])
            rest = rest[size:]
        inputs.append(
            RequestInput.model_construct(
                name=each.name,
                shape=each.shape,
                datatype=each.datatype,
                data=TensorData.model_construct(root=array),
            )
        )
    if len(rest):
        message = f"{len(rest)} bytes of the body belong to no input; give each its binary_data_size"
        raise InferenceError(message)
    outputs = [RequestOutput.model_construct(name=each.name) for each in asked.outputs] or None
    return InferenceRequest.model_construct(id=asked.id or None, inputs=inputs, outputs=outputs)


def _response(found: Any, binary: dict[str, bool], every: bool) -> Response:
    outputs, parts = [], []
    for output in found.outputs:
        array = output.data.root
        entry = {"name": output.name, "datatype": output.datatype, "shape": output.shape}
        if binary.get(output.name, every):
            parts.append(array.tobytes())
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = array.ravel().tolist()
        outputs.append(entry)
    document = orjson.dumps(
        {
            "model_name": found.model_name,
            "model_version": found.model_version,
            "id": found.id,
            "parameters": found.parameters.model_extra or {},
            "outputs": outputs,
        }
    )
    if not parts:
        return Response(document, media_type="application/json")
    headers = {HEADER: str(len(document))}
    return Response(b"".join([document, *parts]), media_type="application/octet-stream", headers=headers)


class _Quiet(uvicorn.Server):  # type: ignore[misc]  # uvicorn is left out of the type check
    """The signals belong to the service, which drains all its ports together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class RestServer(RESTServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's application with inference, limits and access of its own."""

    def __init__(
        self, settings: Any, data_plane: Any, repository: Any, own: ServiceSettings, access: Access
    ) -> None:
        super().__init__(settings, data_plane, repository)
        self._own = own
        app = self._app
        app.state.data_plane = data_plane
        kept = [r for r in app.router.routes if not r.path.removesuffix("_stream").endswith(_NOT_SERVED)]
        paths = [f"/v2/models/{{model_name}}{version}/infer" for version in ("", "/versions/{model_version}")]
        index = Route("/v2/repository/index", _index, methods=["POST"])
        schema = Route("/v2/docs/dataplane.json", _schema)
        app.router.routes[:] = [
            *kept,
            index,
            schema,
            *(Route(path, infer, methods=["POST"]) for path in paths),
        ]
        app.state.repository = repository
        for kind in (RequestValidationError, HTTPException, Exception):
            app.add_exception_handler(kind, _refused)
        app.add_middleware(Guard, settings=own, access=access)

    async def start(self) -> None:
        """Serve until told to stop."""
        config = uvicorn.Config(
            self._app,
            host=self._own.host,
            port=self._own.http_port,
            access_log=False,
            log_level="warning",
            backlog=4096,
            ssl_certfile=self._own.certificate,
            ssl_keyfile=self._own.key,
            timeout_graceful_shutdown=max(1, int(self._own.grace)),
        )
        self._server = _Quiet(config)
        await self._server.serve()

    async def stop(self, sig: int | None = None) -> None:
        """Take nothing new, finish what was accepted."""
        self._server.should_exit = True


async def _refused(request: Request, error: Exception) -> Response:
    """Whatever goes wrong as the protocol's error; what nobody has foreseen is told to the log alone."""
    status, headers = 500, None
    message = "the service has failed; its log says why"
    if isinstance(error, HTTPException):
        status, message, headers = error.status_code, str(error.detail), error.headers
    elif isinstance(error, RequestValidationError):
        first = error.errors()[0]
        status, message = 400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        logger.error("request %s", request.url.path, exc_info=error)
    return Response(orjson.dumps({"error": message}), status, headers, media_type="application/json")


class Metrics(MetricsServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's port for Prometheus, without signals of its own."""

    async def start(self) -> None:
        """Serve until told to stop."""
        config = uvicorn.Config(
            self._app, host=self._settings.host, port=self._settings.metrics_port, access_log=False,
            log_level="warning",
        )  # fmt: skip
        self._server = _Quiet(config)
        await self._server.serve()

    async def stop(self, sig: int | None = None) -> None:
        """At once: nothing is lost with it."""
        self._server.should_exit = True
