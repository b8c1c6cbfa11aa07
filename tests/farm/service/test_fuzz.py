"""Bounded fuzzing of both protocols: no answer is a failure of the server, and it serves on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest

from helpers.services import NEEDS_SERVE, events, get, json_request, post
from nanosieve.farm.service.client import Target, connect

pytestmark = [NEEDS_SERVE, pytest.mark.slow]
SECONDS = 20.0
RPC = "/inference.GRPCInferenceService/"
METHODS = (
    "ModelInfer",
    "ModelMetadata",
    "ModelReady",
    "ServerMetadata",
    "RepositoryIndex",
    "ModelStreamInfer",
)


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="needs schemathesis")
def test_rest_by_its_schema(service, tmp_path):
    """Schemathesis makes requests that fit the schema of MLServer, and others that do not."""
    document = json.loads(get(service, "/v2/docs/dataplane.json")[1])
    assert any(path.endswith("/infer") for path in document["paths"])
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        service.url("http") + "/v2/docs/dataplane.json",
    ]
    command += ["--url", service.url("http"), "--checks", "not_a_server_error", "--max-examples", "40"]
    command += ["--generation-database", "none", "--seed", "1", "--request-timeout", "30", "--no-color"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "operations" in done.stdout.lower() or "test cases" in done.stdout.lower()
    assert get(service, "/v2/health/ready")[0] == 200


def test_rest_with_broken_bodies(service, model):
    """Valid bodies with bytes changed, cut, doubled: 200 or 400, and never anything else."""
    rng = np.random.default_rng(1)
    body = json.dumps(json_request(events(2)["x"])).encode()
    until = time.monotonic() + SECONDS / 2
    seen = set()
    while time.monotonic() < until:
        status, answer = post(service, "/v2/models/toy/infer", mutated(body, rng))
        seen.add(status)
        assert status in (200, 400)
        assert status == 200 or list(answer) == ["error"]
    assert 400 in seen
    x = events(2)
    assert np.array_equal(infer(service, "http", x), model(x)["score"])


def test_grpc_with_broken_messages(service, model):
    """As above, with the codes of gRPC."""
    grpc = pytest.importorskip("grpc")
    pb = pytest.importorskip("tritonclient.grpc").service_pb2
    tensor = pb.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[2, 5])
    x = events(2)
    request = pb.ModelInferRequest(model_name="toy", inputs=[tensor], raw_input_contents=[x["x"].tobytes()])
    body, rng = request.SerializeToString(), np.random.default_rng(2)
    allowed = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}
    seen = set()
    until = time.monotonic() + SECONDS / 2
    with grpc.insecure_channel(f"{service.host}:{service.ports['grpc']}") as channel:
        while time.monotonic() < until:
            name, message = METHODS[int(rng.integers(len(METHODS)))], mutated(body, rng)
            code, details = called(channel, name, message)
            seen.add(code)
            assert code in allowed, (name, message, code, details)
    assert {"OK", "INVALID_ARGUMENT"} <= seen
    assert np.array_equal(infer(service, "grpc", x), model(x)["score"])


def called(channel, name: str, message: bytes) -> tuple[str, str]:
    """Code and details of a call."""
    import grpc

    def same(data: bytes) -> bytes:
        return data

    try:
        if name == "ModelStreamInfer":
            list(channel.stream_stream(RPC + name, same, same)(iter([message]), timeout=60))
        else:
            channel.unary_unary(RPC + name, same, same)(message, timeout=60)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


def infer(service, protocol: str, x: dict[str, np.ndarray]) -> np.ndarray:
    with connect(Target(service.url(protocol), "toy")) as client:
        return client.infer(x).outputs["score"]


def mutated(body: bytes, rng: np.random.Generator) -> bytes:
    """`body` with one to four changes."""
    data = bytearray(body)
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(data) or 1))
        match int(rng.integers(4)):
            case 0 if data:
                data[place] = int(rng.integers(256))
            case 1:
                del data[place : place + int(rng.integers(1, 20))]
            case 2:
                data[place:place] = rng.bytes(int(rng.integers(1, 9)))
            case _:
                data[place:place] = data[place : place + int(rng.integers(1, 30))]
    return bytes(data)
