"""The gRPC side: raw tensor contents to arrays and back, access, TLS, a drain that waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc import aio
from mlserver.errors import InferenceError, MLServerError
from mlserver.grpc import GRPCServer
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from mlserver.grpc.servicers import InferenceServicer
from mlserver.types import InferenceRequest, RequestInput, RequestOutput, TensorData

from nanosieve.errors import NanosieveError
from nanosieve.farm.service.access import Access
from nanosieve.farm.service.server.runtime import TOO_MANY
from nanosieve.farm.service.settings import ServiceSettings
from nanosieve.farm.service.tensors import from_bytes, from_numbers

__all__ = ["GrpcServer"]

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    TOO_MANY: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_HEALTH = ("/inference.GRPCInferenceService/ServerLive", "/inference.GRPCInferenceService/ServerReady")
_INFER = ("/inference.GRPCInferenceService/ModelInfer", "/inference.GRPCInferenceService/ModelStreamInfer")
_CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}


class Servicer(InferenceServicer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's servicer, but for inference: what it makes of raw contents is a list of Python numbers."""

    access: Access

    async def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Not when the service ends, so that a balancer sends nothing more."""
        ready = not self.access.closing and await self._data_plane.ready()
        return pb.ServerReadyResponse(ready=ready)

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        """One request; its errors carry the codes of gRPC."""
        try:
            with self.access.request():
                return await self._infer(request)
        except MLServerError as error:
            code = _CODES.get(error.status_code, grpc.StatusCode.INTERNAL)
            await context.abort(code, str(error))
        except NanosieveError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    async def ModelStreamInfer(self, requests: Any, context: Any) -> Any:  # noqa: N802
        """A stream is refused by name: a design answers each request for itself."""
        message = "streams are not served; send each request by ModelInfer"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
        yield  # makes this the generator that gRPC expects

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refused: a client does not choose what a trigger service computes."""
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "models are loaded when the service starts")

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refused, as loading is."""
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "models are unloaded when the service stops")

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Whether a model is ready; a name that is unknown is an error of the protocol, not of the server."""
        try:
            ready = await self._data_plane.model_ready(request.name, request.version)
        except MLServerError as error:
            await context.abort(_CODES.get(error.status_code, grpc.StatusCode.INTERNAL), str(error))
        return pb.ModelReadyResponse(ready=ready)

    async def _infer(self, request: Any) -> Any:
        # before the data plane, which would keep a counter for every name that a client invents
        await self._data_plane.model_ready(request.model_name, request.model_version)
        payload = _payload(request)
        raw = bool(request.raw_input_contents)
        name, version = request.model_name, request.model_version
        return _response(await self._data_plane.infer(payload, name, version), raw)


def _payload(request: Any) -> InferenceRequest:
    """The request with arrays.

    Raises:
        InferenceError: raw contents for some of the inputs only.
        SampleError: contents that are not what shape and type say.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        message = f"{len(raw)} raw contents for {len(request.inputs)} inputs; send one for each input"
        raise InferenceError(message)
    inputs = []
    for number, each in enumerate(request.inputs):
        if raw:
            array = from_bytes(each.name, each.datatype, each.shape, raw[number])
        else:
            field = _CONTENTS.get(each.datatype)
            numbers = getattr(each.contents, field) if field else ()
            array = from_numbers(each.name, each.datatype, each.shape, numbers)
        inputs.append(
            RequestInput.model_construct(
                name=each.name,
                shape=list(each.shape),
                datatype=each.datatype,
                data=TensorData.model_construct(root=array),
            )
        )
    outputs = [RequestOutput.model_construct(name=each.name) for each in request.outputs] or None
    return InferenceRequest.model_construct(id=request.id, inputs=inputs, outputs=outputs)


def _response(found: Any, raw: bool) -> Any:
    """The answer as protobuf, in raw contents where the request had them."""
    response = pb.ModelInferResponse(model_name=found.model_name, model_version=found.model_version)
    response.id = found.id or ""
    for output in found.outputs:
        array = output.data.root
        entry = response.outputs.add(name=output.name, datatype=output.datatype, shape=output.shape)
        if raw or output.datatype not in _CONTENTS:
            response.raw_output_contents.append(array.tobytes())
        else:
            getattr(entry.contents, _CONTENTS[output.datatype]).extend(array.ravel().tolist())
    for key, value in (found.parameters.model_extra or {}).items():
        if isinstance(value, int):
            response.parameters[key].int64_param = value
        else:
            response.parameters[key].string_param = str(value)
    return response


class Gate(aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Token and rate, before a message is read."""

    def __init__(self, access: Access) -> None:
        self.access = access

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """The handler of the method, or one that refuses."""
        handler = await continuation(details)
        if handler is None:
            return handler
        if details.method in _HEALTH:
            return _forgiving(handler)
        given = next((value for key, value in details.invocation_metadata if key == "authorization"), None)
        if not self.access.knows(given):
            return _refusing(handler, grpc.StatusCode.UNAUTHENTICATED, "send authorization: Bearer TOKEN")
        if details.method in _INFER and self.access.closing:
            return _refusing(handler, grpc.StatusCode.UNAVAILABLE, "the service ends; ask another one")
        if details.method in _INFER and not self.access.admits():
            return _refusing(handler, grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests; send fewer")
        return _forgiving(handler)


def _forgiving(handler: Any) -> Any:
    """The handler with a word of the protocol for bytes that are no message, which gRPC calls UNKNOWN."""
    if handler.request_streaming:
        return handler

    def read(data: bytes) -> Any:
        try:
            return handler.request_deserializer(data)
        except DecodeError:
            return None

    async def answer(request: Any, context: Any) -> Any:
        if request is None:
            message = "the message cannot be read; send the one that the protocol states"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
        return await handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(answer, read, handler.response_serializer)


def _refusing(handler: Any, code: grpc.StatusCode, message: str) -> Any:
    """A handler of the same kind that aborts."""

    async def refuse(request: Any, context: Any) -> None:
        await context.abort(code, message)

    async def refuse_stream(request: Any, context: Any) -> Any:
        await context.abort(code, message)
        yield

    if handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse_stream)
    return grpc.unary_unary_rpc_method_handler(refuse)


class GrpcServer(GRPCServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's server with this servicer, access and TLS; one that ends gives each request its time."""

    def __init__(
        self, settings: Any, data_plane: Any, repository: Any, own: ServiceSettings, access: Access
    ) -> None:
        super().__init__(settings, data_plane, repository)
        self._own, self._access = own, access

    def _create_server(self) -> Any:
        # without MLServer's counters of every RPC: the data plane counts requests of every model already
        self._server = aio.server(interceptors=[Gate(self._access)], options=self._get_options())
        servicer = Servicer(self._data_plane, self._model_repository_handlers)
        servicer.access = self._access
        add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        address = f"{self._own.host}:{self._own.grpc_port}"
        if self._own.certificate and self._own.key:
            pair = (self._own.key.read_bytes(), self._own.certificate.read_bytes())
            self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        else:
            self._server.add_insecure_port(address)
        return self._server

    async def stop(self, sig: int | None = None) -> None:
        """Take nothing new, finish what was accepted."""
        await self._server.stop(grace=self._own.grace)
