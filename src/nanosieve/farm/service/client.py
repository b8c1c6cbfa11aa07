"""A client of any server that speaks KServe V2, ours or Triton, through tritonclient."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError, ToolError
from nanosieve.farm.service.tensors import DATATYPES, Arrays, Tensor, datatype_of

__all__ = ["Connection", "Reply", "Target", "connect"]

SCHEMES = ("grpc", "grpcs", "http", "https")


@dataclass(frozen=True)
class Target:
    """A model on a server.

    Attributes:
        url: ``grpc://HOST:PORT`` or ``http://HOST:PORT``; with an ``s`` behind the scheme for TLS.
        model: its name.
        version: empty for the server's choice.
        token: sent as ``authorization: Bearer TOKEN``; empty for none.
        authority: certificates to trust, PEM; None for those of the system.
        timeout: s for an answer.

    Raises:
        SettingsError: no such URL.
    """

    url: str
    model: str
    version: str = ""
    token: str = ""
    authority: Path | None = None
    timeout: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in SCHEMES or not parts.netloc:
            message = f"{self.url!r} is no address of a server; write {' or '.join(SCHEMES)}://HOST:PORT"
            raise SettingsError(message)

    @property
    def protocol(self) -> str:
        """``gRPC`` or ``REST``."""
        return "gRPC" if urlsplit(self.url).scheme.startswith("grpc") else "REST"

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme.endswith("s")


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        outputs: by name.
        seconds: from before the request is built to behind the arrays of the answer.
        queue, compute: s as the server says them; None where it does not.
        parameters: of the answer.
    """

    outputs: dict[str, NDArray[Any]]
    seconds: float
    queue: float | None
    compute: float | None
    parameters: Mapping[str, Any]


class Connection(Protocol):
    """One connection; for one thread."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def infer(self, arrays: Arrays) -> Reply:
        """The outputs of the events.

        Raises:
            ToolError: the server refused, or could not be reached; the message quotes it.
        """
        ...

    def __enter__(self) -> Connection: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def connect(target: Target) -> Connection:
    """A connection to a model; its inputs and outputs are those that the server states.

    Raises:
        ToolError: nobody answers there, or the model is not known.
        MissingDependencyError: tritonclient is not installed.
    """
    return _Grpc(target) if target.protocol == "gRPC" else _Rest(target)


class _Client:
    """What both protocols share."""

    def __init__(self, target: Target, module: str) -> None:
        self.target = target
        purpose = f"a client of {target.protocol}"
        self.triton = require(module, extra="serve", purpose=purpose)
        self.errors = require("tritonclient.utils", extra="serve", purpose=purpose).InferenceServerException
        self.headers = {"authorization": f"Bearer {target.token}"} if target.token else None
        self.client: Any = None
        self.inputs: tuple[Tensor, ...] = ()
        self.outputs: tuple[Tensor, ...] = ()

    def infer(self, arrays: Arrays) -> Reply:
        started = time.perf_counter()
        inputs = []
        for name, array in arrays.items():
            tensor = self.triton.InferInput(name, list(array.shape), datatype_of(array))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            inputs.append(tensor)
        wanted = [self.triton.InferRequestedOutput(tensor.name) for tensor in self.outputs]
        result, parameters = self._ask(inputs, wanted)
        outputs = {tensor.name: result.as_numpy(tensor.name) for tensor in self.outputs}
        seconds = time.perf_counter() - started
        times = [parameters.get(f"{name}_ns") for name in ("queue", "compute")]
        queue, compute = (None if ns is None else float(ns) / 1e9 for ns in times)
        return Reply(outputs, seconds, queue, compute, parameters)

    def _ask(self, inputs: Sequence[Any], wanted: Sequence[Any]) -> tuple[Any, Mapping[str, Any]]:
        raise NotImplementedError

    def _metadata(self) -> dict[str, Any]:
        raise NotImplementedError

    def _open(self) -> None:
        metadata = self._metadata()
        self.inputs, self.outputs = (
            tuple(_tensor(entry) for entry in metadata.get(which, [])) for which in ("inputs", "outputs")
        )

    def _failed(self, error: Exception) -> ToolError:
        reason = " ".join(str(error).split())[:300]
        return ToolError(f"{self.target.url}, model {self.target.model!r}: {reason}")

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()


def _tensor(entry: Mapping[str, Any]) -> Tensor:
    if entry["datatype"] not in DATATYPES:
        message = f"tensor {entry['name']!r} is {entry['datatype']}; models of numbers can be loaded"
        raise ToolError(message)
    return Tensor(entry["name"], entry["datatype"], tuple(int(n) for n in entry["shape"][1:]))


class _Grpc(_Client):
    def __init__(self, target: Target) -> None:
        super().__init__(target, "tritonclient.grpc")
        authority = str(target.authority) if target.authority else None
        self.client = self.triton.InferenceServerClient(
            target.address, ssl=target.tls, root_certificates=authority
        )
        self._open()

    def _metadata(self) -> dict[str, Any]:
        try:
            found = self.client.get_model_metadata(
                self.target.model,
                self.target.version,
                headers=self.headers,
                as_json=True,
                client_timeout=self.target.timeout,
            )
        except self.errors as error:
            raise self._failed(error) from error
        for tensor in (*found.get("inputs", []), *found.get("outputs", [])):
            tensor["shape"] = [int(n) for n in tensor["shape"]]
        return dict(found)

    def _ask(self, inputs: Sequence[Any], wanted: Sequence[Any]) -> tuple[Any, Mapping[str, Any]]:
        try:
            result = self.client.infer(
                self.target.model,
                inputs,
                self.target.version,
                wanted,
                headers=self.headers,
                client_timeout=self.target.timeout,
            )
        except self.errors as error:
            raise self._failed(error) from error
        said = result.get_response().parameters
        return result, {key: getattr(each, each.WhichOneof("parameter_choice")) for key, each in said.items()}


class _Rest(_Client):
    def __init__(self, target: Target) -> None:
        super().__init__(target, "tritonclient.http")
        options: dict[str, Any] = {}
        if target.tls:
            secure = require("gevent.ssl", extra="serve", purpose="a client of REST by TLS")
            trusted = {"ca_certs": str(target.authority)} if target.authority else {}
            options = {"ssl_options": trusted, "ssl_context_factory": secure.create_default_context}
        self.client = self.triton.InferenceServerClient(
            target.address,
            ssl=target.tls,
            connection_timeout=target.timeout,
            network_timeout=target.timeout,
            **options,
        )
        self._open()

    def _metadata(self) -> dict[str, Any]:
        try:
            return dict(
                self.client.get_model_metadata(self.target.model, self.target.version, headers=self.headers)
            )
        except (self.errors, OSError, HTTPException) as error:
            raise self._failed(error) from error

    def _ask(self, inputs: Sequence[Any], wanted: Sequence[Any]) -> tuple[Any, Mapping[str, Any]]:
        try:
            result = self.client.infer(
                self.target.model,
                inputs,
                model_version=self.target.version,
                outputs=wanted,
                headers=self.headers,
            )
        except (self.errors, OSError, HTTPException) as error:
            raise self._failed(error) from error
        return result, result.get_response().get("parameters", {})
