"""What the framework computes for an ONNX file: ONNX Runtime for float models, else the reference evaluator.

QONNX's ops are given to the reference evaluator as small classes by the published definitions; see
`nanosieve.compiler.frontends.onnx.quantisers`. No library of custom ops is loaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.onnx.file import (
    CHANNELS_LAST,
    CHANNELS_LAST_OPS,
    QUANTISERS,
    STANDARD,
    OnnxModel,
    node_of,
)
from nanosieve.compiler.frontends.onnx.quantisers import channel_axis, quantiser, thresholds_of
from nanosieve.errors import InputFileError, SampleError, UnknownNameError

__all__ = ["all_tensors", "outputs"]

Arrays = dict[str, NDArray[Any]]
CHUNK = 1 << 24
"""Elements of an input that are run at a time."""


def outputs(model: OnnxModel, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """The outputs for events: input name → (events, *shape) to output name → (events, *shape).

    Raises:
        SampleError, UnknownNameError: an input is missing, unknown or of another shape.
        InputFileError: the framework cannot run the model; the message quotes it.
    """
    results = _run(model, inputs, list(model.outputs))
    return {name: np.asarray(array, dtype=np.float64) for name, array in results.items()}


def all_tensors(model: OnnxModel, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
    """Every tensor that depends on the inputs, (events, *shape) each."""
    computed = [name for node in model.nodes for name in node.outputs if name]
    results = _run(model, inputs, computed)
    return {**results, **{name: np.asarray(array) for name, array in inputs.items()}}


def _run(model: OnnxModel, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Arrays:
    given = _checked(model, inputs)
    events = len(next(iter(given.values()))) if given else 1
    run = _session(model, wanted)
    single = {name: array[:1] if model.batched else array[0] for name, array in given.items()}
    first = run(single)
    if events == 1 or not model.batched:
        rest = (
            [run({name: a[n] for name, a in given.items()}) for n in range(1, events)]
            if not model.batched
            else []
        )
        return {
            k: np.stack([r[k] for r in [first, *rest]]) if not model.batched else first[k] for k in wanted
        }
    together = _together(run, given, first, events)
    if together is not None:
        return together
    each = [first, *(run({name: a[n : n + 1] for name, a in given.items()}) for n in range(1, events))]
    return {k: np.stack([r[k] for r in each]).reshape(events, *_event(first[k])) for k in wanted}


def _event(array: NDArray[Any]) -> tuple[int, ...]:
    """The shape without a batch axis of one."""
    return array.shape[1:] if array.shape[:1] == (1,) else array.shape


def _together(run: Callable[[Arrays], Arrays], given: Arrays, first: Arrays, events: int) -> Arrays | None:
    """All events at once; None where the file has the number of events built in.

    That is seen by shapes, and by the last event, run alone.
    """
    size = max(max(a[:1].size for a in given.values()), *(a.size for a in first.values()), 1)
    chunk = max(2, min(events, CHUNK // size))
    try:
        parts = [run({k: a[n : n + chunk] for k, a in given.items()}) for n in range(0, events, chunk)]
        last = run({k: a[-1:] for k, a in given.items()})
    except InputFileError:
        return None
    whole: Arrays = {}
    for name, array in first.items():
        if (
            any(p[name].ndim != array.ndim or p[name].shape[1:] != array.shape[1:] for p in parts)
            or not array.ndim
        ):
            return None
        joined = np.concatenate([p[name] for p in parts])
        ends = (joined[:1], array), (joined[-1:], last[name])
        if len(joined) != events or not all(np.allclose(a, b, 1e-3, 1e-5, equal_nan=True) for a, b in ends):
            return None
        whole[name] = joined
    return whole


def _checked(model: OnnxModel, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
    for name in inputs:
        if name not in model.inputs:
            raise UnknownNameError.among("input", name, model.inputs)
    given: Arrays = {}
    for name in model.inputs:
        shape = model.event_shape(name)[1:] if model.batched else model.event_shape(name)
        if name not in inputs or np.shape(inputs[name])[1:] != shape or not np.ndim(inputs[name]):
            found = np.shape(inputs[name]) if name in inputs else "none"
            message = f"input {name!r} takes an array (events, {', '.join(map(str, shape))}), not {found}"
            raise SampleError(message)
        given[name] = np.asarray(inputs[name], dtype=np.float32)
    return given


def _session(model: OnnxModel, wanted: Sequence[str]) -> Callable[[Arrays], Arrays]:
    """A function from inputs to the tensors wanted."""
    plain = all(node.proto.domain in STANDARD for node in model.nodes)
    if plain and importlib.util.find_spec("onnxruntime") is not None:
        return _runtime(model, wanted)
    reference = require("onnx.reference", extra="onnx", purpose="running an ONNX file")
    try:
        evaluator = reference.ReferenceEvaluator(_copy(model, ()), new_ops=_custom_ops())
    except Exception as error:
        raise _failed(error) from error

    def run(feeds: Arrays) -> Arrays:
        try:
            with np.errstate(all="ignore"):
                found = evaluator.run(None, feeds, intermediate=True)
        except Exception as error:
            raise _failed(error) from error
        return {name: np.asarray(found[name]) for name in wanted}

    return run


def _runtime(model: OnnxModel, wanted: Sequence[str]) -> Callable[[Arrays], Arrays]:
    """ONNX Runtime, on one thread so that it is repeatable."""
    runtime: Any = require("onnxruntime", extra="onnx", purpose="running an ONNX file")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    proto = _copy(model, wanted)
    names = [entry.name for entry in proto.graph.output]
    try:
        session = runtime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise _failed(error) from error

    def run(feeds: Arrays) -> Arrays:
        try:
            return dict(zip(names, session.run(names, feeds), strict=True))
        except Exception as error:
            raise _failed(error) from error

    return run


def _failed(error: Exception) -> InputFileError:
    reason = " ".join(str(error).split())[:200]
    return InputFileError(f"the model cannot be run by its framework ({reason}); export it again")


def _copy(model: OnnxModel, wanted: Sequence[str]) -> Any:
    """The model with a free number of events, and the tensors wanted as outputs."""
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    constants = {tensor.name for tensor in proto.graph.initializer}
    for entry in proto.graph.input:
        if entry.name not in constants and model.batched:
            entry.type.tensor_type.shape.dim[0].dim_param = "events"
    stated = {entry.name for entry in proto.graph.output}
    del proto.graph.value_info[:]
    for entry in proto.graph.output:
        entry.ClearField("type")
    for name in wanted:
        if name not in stated:
            proto.graph.output.add().name = name
    versions = {entry.domain: entry for entry in proto.opset_import}
    for domain in (*QUANTISERS, CHANNELS_LAST):
        entry = versions.get(domain) or proto.opset_import.add()
        entry.domain, entry.version = domain, 1
    if all(node.proto.domain in STANDARD for node in model.nodes):
        kept = [(entry.domain, entry.version) for entry in proto.opset_import if entry.domain in STANDARD]
        del proto.opset_import[:]
        for domain, version in kept:
            added = proto.opset_import.add()
            added.domain, added.version = domain, version
    return proto


def _custom_ops() -> list[Any]:
    """QONNX's ops for the reference evaluator."""
    op_run: Any = require("onnx.reference.op_run", extra="onnx", purpose="running an ONNX file").OpRun
    # the reference of opset 9 mixes the statistics of the batch in; every runtime uses those of the file
    made = [type("BatchNormalization", (op_run,), {"op_domain": "", "_run": _batch_norm})]
    for domain in QUANTISERS:
        for name in ("Quant", "IntQuant", "BipolarQuant", "Trunc"):
            made.append(type(name, (op_run,), {"op_domain": domain, "_run": _quantise}))
        made.append(type("MultiThreshold", (op_run,), {"op_domain": domain, "_run": _multi_threshold}))
    made += [
        type(name, (op_run,), {"op_domain": CHANNELS_LAST, "_run": _channels_last})
        for name in CHANNELS_LAST_OPS
    ]
    return made


def _quantise(self: Any, x: NDArray[Any], *parameters: NDArray[Any], **_: Any) -> tuple[NDArray[Any]]:
    q = quantiser(_node_of(self), list(parameters))
    return (q.values(np.asarray(x, dtype=np.float32)),)


def _batch_norm(
    self: Any,
    x: NDArray[Any],
    scale: NDArray[Any],
    bias: NDArray[Any],
    mean: NDArray[Any],
    variance: NDArray[Any],
    **_: Any,
) -> tuple[NDArray[Any]]:
    epsilon = np.float32(_node_of(self).attributes.get("epsilon", 1e-5))
    wide = [a.reshape(-1, *[1] * (x.ndim - 2)) for a in (scale, bias, mean, np.sqrt(variance + epsilon))]
    return (np.asarray(wide[0] * (x - wide[2]) / wide[3] + wide[1], dtype=x.dtype),)


def _multi_threshold(self: Any, x: NDArray[Any], levels: NDArray[Any], **_: Any) -> tuple[NDArray[Any]]:
    node = _node_of(self)
    axis = channel_axis(node, x.ndim)
    thresholds = thresholds_of(node, levels, x.shape[axis])
    last = np.moveaxis(np.asarray(x, dtype=np.float32), axis, -1)[..., np.newaxis]
    counts = (last >= thresholds).sum(axis=-1).astype(np.float32)
    scale = np.float32(node.attributes.get("out_scale", 1.0))
    return (np.moveaxis(counts, -1, axis) * scale + np.float32(node.attributes.get("out_bias", 0.0)),)


def _channels_last(self: Any, *given: NDArray[Any], **_: Any) -> tuple[NDArray[Any]]:
    """The standard op between two transpositions; the kernel of a convolution is channels-last too."""
    proto = type(self.onnx_node)()
    proto.CopyFrom(self.onnx_node)
    proto.domain = ""
    helper: Any = require("onnx.helper", extra="onnx", purpose="running an ONNX file")
    reference: Any = require("onnx.reference", extra="onnx", purpose="running an ONNX file")
    if proto.op_type == "BatchNormalization":
        return (np.moveaxis(_batch_norm(self, np.moveaxis(given[0], -1, 1), *given[1:])[0], 1, -1),)
    first = [
        np.moveaxis(a, -1, 1) if n == 0 or (n == 1 and proto.op_type == "Conv") else a
        for n, a in enumerate(given)
    ]
    graph = helper.make_graph(
        [proto],
        "one",
        [helper.make_tensor_value_info(name, 1, None) for name in proto.input],
        [helper.make_tensor_value_info(proto.output[0], 1, None)],
    )
    small = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    feeds = dict(zip(proto.input, first, strict=True))
    return (np.moveaxis(reference.ReferenceEvaluator(small).run(None, feeds)[0], 1, -1),)


def _node_of(op: Any) -> Any:
    return node_of(op.onnx_node)
