"""What the tests of the service share."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from nanosieve.farm.service.process import Running

# looked for, not imported: MLServer and tritonclient cannot be in one process
NEEDS_SERVE = pytest.mark.skipif(
    find_spec("mlserver") is None or find_spec("tritonclient") is None, reason="needs the extra serve"
)


def events(number: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Inputs of the toy design."""
    return {"x": np.random.default_rng(seed).normal(0, 3, (number, 5)).astype(np.float32)}


def json_request(x: np.ndarray, **changed: Any) -> dict[str, Any]:
    """A request in JSON; `changed` replaces parts of its only input."""
    entry = {"name": "x", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
    return {"inputs": [entry | changed]}


def post(service: Running, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON of an answer; `body` is bytes, or something for JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(service.url("http") + path, data, headers or {}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def get(service: Running, path: str, port: str = "http") -> tuple[int, str]:
    """Status and text."""
    url = service.url("http").rpartition(":")[0] + f":{service.ports[port]}"
    try:
        with urllib.request.urlopen(url + path, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
