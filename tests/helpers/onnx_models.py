"""Small ONNX models written node by node, and their comparison with the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.formats import run_model
from nanosieve.compiler.graph import Graph, decode, encode, interpret

QONNX = "qonnx.custom_op.general"
EVENTS = 200


def node(op: str, inputs: str, outputs: str, domain: str = "", **attributes: Any) -> onnx.NodeProto:
    """A node; names of tensors stand between spaces, ``_`` for one that is left out."""
    given = ["" if name == "_" else name for name in inputs.split()]
    name = f"{op.lower()}_{outputs.split()[0]}"
    return helper.make_node(op, given, outputs.split(), name=name, domain=domain, **attributes)


def quant(
    x: str, y: str, scale: str = "s", zero: str = "z", bits: str = "b", domain: str = QONNX, **attributes: Any
) -> onnx.NodeProto:
    """A Quant node, signed and rounding to even unless told otherwise."""
    stated = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
    return node("Quant", f"{x} {scale} {zero} {bits}", y, domain, **stated)


def constants(**arrays: Any) -> dict[str, np.ndarray]:
    """Arrays by name; Python numbers become float32."""
    return {
        name: array if isinstance(array, np.ndarray) else np.asarray(array, dtype=np.float32)
        for name, array in arrays.items()
    }


def model_of(
    nodes: Sequence[onnx.NodeProto],
    arrays: Mapping[str, np.ndarray],
    shape: Sequence[int | str | None],
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    inputs: Sequence[str] = ("x",),
) -> onnx.ModelProto:
    """A model of float inputs of one shape."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    domains = {n.domain for n in nodes if n.domain}
    opsets += [helper.make_opsetid(domain, 1) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def saved(model: onnx.ModelProto, folder: Path, name: str = "tiny.onnx") -> Path:
    """The model as a file."""
    (folder / name).write_bytes(model.SerializeToString())
    return folder / name


def inputs_for(graph: Graph, rng: np.random.Generator, events: int = EVENTS) -> dict[str, np.ndarray]:
    """Events over and beyond the range of the ports, ties of two of their steps among them."""
    found = {}
    for name, port in graph.inputs.items():
        step = np.exp2(port.exponent.astype(float))
        limit = float((np.maximum(-port.low, port.high) * step).max()) * 1.2 + 1e-3
        x = rng.uniform(-limit, limit, (events, *port.shape))
        x[: events // 4] *= 0.05
        x[events // 4 : events // 2] = np.floor(x[events // 4 : events // 2] / step) * step + step / 2
        found[name] = x.astype(np.float32)
    return found


def values(graph: Graph, x: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Real values of the outputs by the interpreter."""
    codes = interpret(graph, encode(graph, x))
    return {name: decode(codes[name], graph.types[node]) for name, node in graph.outputs.items()}


def assert_exact(
    path: Path, seed: int = 0, x: Mapping[str, np.ndarray] | None = None, *, promised: bool = True
) -> Graph:
    """Graph and framework agree on every output of every event, as the graph promises or not."""
    graph = load_model(path)
    assert graph.exact is promised
    x = x or inputs_for(graph, np.random.default_rng(seed))
    expected, found = run_model(path, x), values(graph, x)
    assert list(found) == list(expected)
    for name in found:
        assert found[name].shape == expected[name].shape
        wrong = np.argwhere(found[name] != expected[name])
        assert not len(wrong), (
            f"{name} event {wrong[0].tolist()}, {len(wrong)} of {found[name].size}: graph "
            f"{found[name][tuple(wrong[0])]}, framework {expected[name][tuple(wrong[0])]}"
        )
    return graph


def assert_close(path: Path, x: np.ndarray, bound: float, precision: str = "fixed<24>") -> Graph:
    """A float model quantised after training is within `bound` of the framework on its sample."""
    graph = load_model(path, Calibration(x, precision))
    assert not graph.exact
    given = dict.fromkeys(graph.inputs, x)
    expected, found = run_model(path, given), values(graph, given)
    assert list(found) == list(expected)
    for name in found:
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() <= bound
    return graph
