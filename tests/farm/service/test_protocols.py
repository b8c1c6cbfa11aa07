"""Both protocols as clients see them: exact answers, and the protocol's error for everything else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers.services import NEEDS_SERVE, events, get, json_request, post
from nanosieve.errors import ToolError
from nanosieve.farm.service.client import Target, connect

pytestmark = NEEDS_SERVE
BOTH = pytest.mark.parametrize("protocol", ["grpc", "http"])
INFER = "/v2/models/toy/infer"
RPC = "/inference.GRPCInferenceService/ModelInfer"


@BOTH
@pytest.mark.parametrize("version", ["", "1", "2"])
def test_tritonclient_gets_the_bits_of_the_design(service, model, protocol, version):
    with connect(Target(service.url(protocol), "toy", version)) as client:
        assert (client.inputs, client.outputs) == (model.inputs, model.outputs)
        for number in (1, 7, 64):
            x = events(number, seed=number)
            reply = client.infer(x)
            for name, right in model(x).items():
                assert reply.outputs[name].dtype == right.dtype
                assert np.array_equal(reply.outputs[name], right)
            assert reply.parameters["fpga_latency_cycles"] == model.design.latency_cycles
            assert reply.seconds > reply.compute > 0
            assert reply.queue >= 0


@BOTH
def test_an_onnx_model(service, protocol):
    with connect(Target(service.url(protocol), "dense")) as client:
        x = np.eye(3, dtype=np.float32)
        assert client.infer({"x": x}).outputs["y"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_json_says_the_same_as_binary(service, model):
    x = events(5)["x"]
    status, answer = post(service, INFER, json_request(x) | {"id": "mine", "outputs": [{"name": "score"}]})
    assert (status, answer["id"], answer["model_name"]) == (200, "mine", "toy")
    (output,) = answer["outputs"]
    assert output["data"] == model({"x": x})["score"].ravel().tolist()
    rows = json_request(x) | {"parameters": {}}
    rows["inputs"][0]["data"] = x.tolist()
    assert post(service, INFER, rows)[1]["outputs"][0] == output


def test_typed_contents_of_protobuf_instead_of_raw_ones(service, model):
    grpc = pytest.importorskip("tritonclient.grpc")
    x = events(3)["x"]
    request = grpc.service_pb2.ModelInferRequest(model_name="toy")
    entry = request.inputs.add(name="x", datatype="FP32", shape=x.shape)
    entry.contents.fp32_contents.extend(x.ravel().tolist())
    answer = grpc.service_pb2.ModelInferResponse.FromString(raw_call(service, request.SerializeToString()))
    scores = next(output for output in answer.outputs if output.name == "score")
    assert list(scores.contents.fp32_contents) == model({"x": x})["score"].ravel().tolist()


def raw_call(service, message: bytes) -> bytes:
    """A call whose messages are bytes."""
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(f"{service.host}:{service.ports['grpc']}") as channel:
        method = channel.unary_unary(RPC, lambda message: message, lambda message: message)
        return method(message, timeout=60)


FAULTS = {
    "another shape": ({"x": np.zeros((2, 4), np.float32)}, "toy", r"send \[-1, 5\]"),
    "no events": ({"x": np.zeros((0, 5), np.float32)}, "toy", "send 1 to 64"),
    "too many events": ({"x": np.zeros((65, 5), np.float32)}, "toy", "a request of 65 events; send 1 to 64"),
    "another type": ({"x": np.zeros((2, 5))}, "toy", "'x' is FP64; send FP32"),
    "another input": ({"z": np.zeros((2, 5), np.float32)}, "toy", "unknown input 'z'"),
    "NaN": ({"x": np.full((2, 5), np.nan, np.float32)}, "toy", "holds nan at event 0"),
    "infinity": ({"x": np.full((2, 3), np.inf, np.float32)}, "dense", "not finite at event 0"),
}


@BOTH
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_request_is_refused_and_the_next_is_served(service, protocol, fault):
    arrays, name, words = FAULTS[fault]
    with connect(Target(service.url(protocol), name)) as client:
        with pytest.raises(ToolError, match=words):
            client.infer(arrays)
        x = np.ones((1, 5 if name == "toy" else 3), np.float32)
        assert client.infer({"x": x}).outputs


@BOTH
@pytest.mark.parametrize(("name", "version"), [("nobody", ""), ("toy", "9")])
def test_a_model_that_is_not_there(service, protocol, name, version):
    with pytest.raises(ToolError, match="not found"):
        connect(Target(service.url(protocol), name, version))


@BOTH
def test_a_message_that_is_too_long(service, protocol):
    """Refused by its length, before anything reads it."""
    with connect(Target(service.url(protocol), "toy")) as client:
        with pytest.raises(ToolError, match=r"larger than max|at most 65536"):
            client.infer({"x": np.zeros((1 << 14, 5), np.float32)})
        assert client.infer(events(1)).outputs


def test_status_codes_of_grpc(service):
    grpc = pytest.importorskip("grpc")
    pb = pytest.importorskip("tritonclient.grpc").service_pb2
    code = grpc.StatusCode
    entry = {"name": "x", "datatype": "FP32", "shape": [1, 5]}
    tensor = pb.ModelInferRequest.InferInputTensor
    for request, right in (
        (pb.ModelInferRequest(model_name="nobody"), code.NOT_FOUND),
        (pb.ModelInferRequest(model_name="toy"), code.INVALID_ARGUMENT),
        (pb.ModelInferRequest(model_name="toy", inputs=[tensor(**entry)]), code.INVALID_ARGUMENT),
        (
            pb.ModelInferRequest(model_name="toy", inputs=[tensor(**entry)], raw_input_contents=[b"", b""]),
            code.INVALID_ARGUMENT,
        ),
        (
            pb.ModelInferRequest(model_name="toy", inputs=[tensor(**entry)], raw_input_contents=[b"123"]),
            code.INVALID_ARGUMENT,
        ),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            raw_call(service, request.SerializeToString())
        assert caught.value.code() is right, request
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(service, b"\xff\xff\xff")
    assert caught.value.code() is code.INVALID_ARGUMENT
    assert "the message cannot be read" in caught.value.details()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "request: Input should be"),
        (b"{}", "inputs: Field required"),
        (b'{"inputs": []}', "input 'x' is missing"),
        (
            b'{"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32"}]}',
            "give data, or binary_data_size",
        ),
        (b'{"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32", "data": "a"}]}', "inputs.0.data"),
        (b'{"inputs": [{"name": "x", "shape": [1, 5], "datatype": "FP32", "data": [1]}]}', "1 numbers for"),
        (b'{"inputs": [{"name": "x", "shape": [1, -5], "datatype": "FP32", "data": [1]}]}', "whole numbers"),
        (
            b'{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "NO", "data": [1]}]}',
            "'NO' is not served",
        ),
        (b"\xff\xfe", "the body is no JSON"),
    ],
)
def test_json_that_is_none_or_says_nonsense(service, body, words):
    status, answer = post(service, INFER, body)
    assert (status, list(answer)) == (400, ["error"])
    assert words in answer["error"]


@pytest.mark.parametrize(
    ("header", "size", "rest", "words"),
    [
        ("999999", 20, b"", "no number of bytes of this body"),
        ("many", 20, b"", "no number of bytes of this body"),
        (None, 20, bytes(19), "binary_data_size 20 is no number of bytes"),
        (None, -1, bytes(20), "binary_data_size -1 is no number"),
        (None, 20, bytes(21), "1 bytes of the body belong to no input"),
        (None, 16, bytes(16), "16 bytes for the shape"),
    ],
)
def test_binary_tensors_of_another_size(service, header, size, rest, words):
    entry = {"name": "x", "shape": [1, 5], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    document = json.dumps({"inputs": [entry]}).encode()
    headers = {"Inference-Header-Content-Length": header or str(len(document))}
    status, answer = post(service, INFER, document + rest, headers)
    assert status == 400
    assert words in answer["error"]


def test_statuses_of_rest(service):
    assert get(service, "/v2/health/live")[0] == 200
    assert get(service, "/v2/health/ready")[0] == 200
    assert get(service, "/v2/models/toy/ready")[0] == 200
    assert json.loads(get(service, "/v2")[1])["extensions"] == ["binary_tensor_data"]
    for path in ("/v2/models/nobody", "/v2/models/toy/versions/9/ready", "/v2/nothing"):
        status, text = get(service, path)
        assert (status, list(json.loads(text))) == (404, ["error"])
    assert get(service, INFER)[0] == 405
    assert post(service, "/v2/models/nobody/infer", {})[0] == 404
    status, index = post(service, "/v2/repository/index", {})
    assert (status, {(entry["name"], entry["version"]) for entry in index}) == (
        200,
        {("toy", "1"), ("toy", "2"), ("dense", "1")},
    )
    for path in ("/v2/repository/models/toy/load", "/v2/repository/models/toy/unload"):
        assert post(service, path, {})[0] in (404, 405)


def test_clients_neither_load_nor_unload_models(service):
    grpc = pytest.importorskip("tritonclient.grpc")
    errors = pytest.importorskip("tritonclient.utils").InferenceServerException
    client = grpc.InferenceServerClient(f"{service.host}:{service.ports['grpc']}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("toy", "2")
    assert len(client.get_model_repository_index().models) == 3
    for call in (client.load_model, client.unload_model):
        with pytest.raises(errors, match="when the service"):
            call("toy")
    assert client.is_model_ready("toy")
    client.close()


def test_metrics_count_requests_and_no_invented_names(service):
    post(service, INFER, json_request(events(1)["x"]))
    for n in range(5):
        post(service, f"/v2/models/invented{n}/infer", json_request(events(1)["x"]))
    status, text = get(service, "/metrics", "metrics")
    assert status == 200
    assert 'model_infer_request_success_total{model="toy"' in text
    assert 'nanosieve_waiting_events{model="toy",version="1"} 0.0' in text
    assert 'nanosieve_batch_events_count{model="toy"' in text
    assert "invented" not in text
