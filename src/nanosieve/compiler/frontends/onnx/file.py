"""An ONNX file as a list of checked nodes. Nothing of what is inside may run, and no other file is opened.

Specification: the ONNX IR, https://onnx.ai/onnx/repo-docs/IR.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError, UnsupportedLayerError

__all__ = [
    "CHANNELS_LAST",
    "CHANNELS_LAST_OPS",
    "QUANTISERS",
    "STANDARD",
    "OnnxModel",
    "OnnxNode",
    "array_of",
    "checked",
    "node_of",
    "read",
]

LARGEST = 1024**3
"""Bytes that a file may have."""

STANDARD = ("", "ai.onnx")
QUANTISERS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
"""Domains of QONNX's quantisers: today's, that of its first version, and Brevitas' own."""
CHANNELS_LAST = "qonnx.custom_op.channels_last"
CHANNELS_LAST_OPS = ("Conv", "MaxPool", "AveragePool", "BatchNormalization")
_CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")


@dataclass(frozen=True)
class OnnxNode:
    """One node.

    Attributes:
        name: the file's name, or one made of the op and its place; unique.
        op: type of the op, e.g. ``"Gemm"``.
        inputs, outputs: names of tensors; an input left out is ``""``.
        attributes: plain Python values and arrays.
        channels_last: the channels-last variant of QONNX.
        proto: the node as the file states it.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    channels_last: bool
    proto: Any

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise the error for something that is not supported here."""
        message = f"node {self.name!r} ({self.op}): {what}; {remedy}"
        raise UnsupportedLayerError(message)


@dataclass(frozen=True)
class OnnxModel:
    """A model whose nodes stand in topological order.

    Attributes:
        inputs: name → shape as the file states it, None for a symbolic length.
        outputs: name → rank, None where the file does not state it.
        constants: name → array.
        nodes: in topological order.
        opset: version of the standard operators.
        batched: whether the first axis of inputs and outputs counts events.
        proto: the model as the file states it.
    """

    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    constants: Mapping[str, NDArray[Any]]
    nodes: tuple[OnnxNode, ...]
    opset: int
    batched: bool
    proto: Any

    def event_shape(self, name: str) -> tuple[int, ...]:
        """The shape of an input for one event, the batch axis with length 1."""
        shape = self.inputs[name]
        return tuple(int(n or 1) for n in ((1, *shape[1:]) if self.batched else shape))


def read(path: Path) -> OnnxModel:
    """The model of a ``.onnx`` file.

    Raises:
        InputFileError: missing, damaged, too large, contradictory, or with data in other files.
        UnsupportedLayerError: control flow, functions, or ops of a library that would have to be loaded.
        MissingDependencyError: the package onnx is not installed.
    """
    path = existing_file(path, kind="model", suffixes=(".onnx",))
    onnx = require("onnx", extra="onnx", purpose="reading an ONNX file")
    protobuf = require("google.protobuf.message", extra="onnx", purpose="reading an ONNX file")
    if path.stat().st_size > LARGEST:
        message = f"{str(path)!r} has more than {LARGEST // 1024**2} MiB; refused"
        raise InputFileError(message)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except protobuf.DecodeError as error:
        message = f"{path.name!r} is not an ONNX file ({_line(error)}); export the model again"
        raise InputFileError(message) from error
    return checked(model, path.name)


def checked(model: Any, file: str) -> OnnxModel:
    """The model, if every rule of `read` holds."""
    graph = model.graph
    _check_names(graph, file)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    newest = require("onnx.defs", extra="onnx", purpose="reading an ONNX file").onnx_opset_version()
    if not 1 <= opset <= newest or not graph.output or not all(entry.name for entry in graph.output):
        what = (
            f"states the opset {opset}"
            if not 1 <= opset <= newest
            else "has no output, or one without a name"
        )
        message = f"{file!r} is no ONNX model that can be read: it {what}; opsets 1 … {newest} are accepted"
        raise InputFileError(message)
    if graph.sparse_initializer:
        message = f"{file!r} holds sparse initializers, which are not supported; export dense weights"
        raise UnsupportedLayerError(message)
    functions = {(function.domain, function.name) for function in model.functions}
    nodes = [_node(proto, n, functions, file) for n, proto in enumerate(graph.node)]
    for node in nodes:
        _check_form(node, opset)
    constants = {tensor.name: array_of(tensor, file) for tensor in graph.initializer}
    inputs = {entry.name: _shape(entry, file) for entry in graph.input if entry.name not in constants}
    outputs = tuple(entry.name for entry in graph.output)
    read_model = OnnxModel(
        inputs,
        outputs,
        constants,
        tuple(_unique(_ordered(nodes, {*inputs, *constants}, outputs, file))),
        opset,
        _batched(list(inputs.values()), [_lengths(entry) for entry in graph.output]),
        model,
    )
    for name in inputs:
        shape = read_model.event_shape(name)
        if np.prod(shape, dtype=object) > 1 << 24:
            message = (
                f"{file!r}: input {name!r} claims the shape {shape}; at most 2**24 elements are accepted"
            )
            raise InputFileError(message)
    return read_model


def _check_names(graph: Any, file: str) -> None:
    """Names are text: a damaged file gives bytes for what is none."""
    lists = [[t.name for t in (*graph.initializer, *graph.input, *graph.output)]]
    for node in graph.node:
        lists += [[node.name, node.op_type, node.domain], node.input, node.output]
        lists += [[attribute.name for attribute in node.attribute]]
    if not all(isinstance(name, str) for names in lists for name in names):
        message = f"{file!r} holds names that are no text; export the model again"
        raise InputFileError(message)


def array_of(tensor: Any, file: str) -> NDArray[Any]:
    """The values of a tensor that the file holds.

    Raises:
        InputFileError: they stand in another file, or do not fit the stated shape.
    """
    numpy_helper = require("onnx.numpy_helper", extra="onnx", purpose="reading an ONNX file")
    if tensor.data_location == 1 or tensor.external_data:
        message = (
            f"{file!r}: tensor {tensor.name!r} stands in another file, which is not opened; "
            "export the model in one file (save_as_external_data=False)"
        )
        raise InputFileError(message)
    held = max(len(tensor.raw_data), *(len(values) for _, values in tensor.ListFields() if _many(values)), 0)
    claimed = int(np.prod([max(int(n), 0) for n in tensor.dims], dtype=object))
    if claimed > max(held, 1) * 8:  # eight one-bit values to the byte at best
        message = f"{file!r}: tensor {tensor.name!r} claims {claimed} values and holds less; export it again"
        raise InputFileError(message)
    try:
        array: NDArray[Any] = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, NotImplementedError, OverflowError, AttributeError) as error:
        message = f"{file!r}: tensor {tensor.name!r} cannot be read ({_line(error)}); export the model again"
        raise InputFileError(message) from error
    return array


def _many(values: Any) -> bool:
    return hasattr(values, "__len__") and not isinstance(values, str | bytes)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _lengths(entry: Any) -> tuple[int | None, ...] | None:
    """Lengths that a value states, None for a symbolic one; None if it has no shape."""
    if not entry.type.HasField("tensor_type") or not entry.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        int(dim.dim_value) if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in entry.type.tensor_type.shape.dim
    )


def _shape(entry: Any, file: str) -> tuple[int | None, ...]:
    shape = _lengths(entry)
    if shape is None or any(n is None for n in shape[1:]):
        message = (
            f"{file!r}: input {entry.name!r} has no stated shape; export the model with a fixed shape "
            "(only the first axis, the events, may be symbolic)"
        )
        raise InputFileError(message)
    return shape


def _batched(inputs: list[tuple[int | None, ...]], outputs: list[tuple[int | None, ...] | None]) -> bool:
    """Whether the first axis counts events: symbolic, 1, or one number in all inputs and outputs."""
    if not all(inputs):
        return False
    first = {shape[0] for shape in inputs}
    if first <= {None, 1}:
        return True
    leading = {shape[0] if shape else 0 for shape in outputs if shape is not None}
    return len(first) == 1 and leading == first and all(len(shape) > 1 for shape in inputs)


def _node(proto: Any, place: int, functions: set[tuple[str, str]], file: str) -> OnnxNode:
    name = proto.name or f"{proto.op_type or 'node'}_{place}"
    node = OnnxNode(
        name.replace("/", ".").strip("."),
        proto.op_type,
        tuple(proto.input),
        tuple(proto.output),
        {},
        proto.domain == CHANNELS_LAST,
        proto,
    )
    if (proto.domain, proto.op_type) in functions:
        node.refuse("a function of the file", "inline it with onnx.inliner.inline_local_functions")
    if proto.op_type in _CONTROL_FLOW or any(a.type in (5, 10) for a in proto.attribute):
        node.refuse("control flow has no place in a fixed pipeline", "unroll it before the export")
    if proto.domain == "ai.onnx.ml":
        node.refuse(
            "ops of the domain 'ai.onnx.ml' are not supported", "give the file of the library that trained it"
        )
    last = proto.domain == CHANNELS_LAST and proto.op_type in CHANNELS_LAST_OPS
    if not last and proto.domain not in (*STANDARD, *QUANTISERS):
        node.refuse(
            f"the domain {proto.domain!r} is a library of custom ops, which is not loaded",
            f"export with standard ops and QONNX quantisers ({QUANTISERS[0]})",
        )
    attributes = {attribute.name: _attribute(attribute, node, file) for attribute in proto.attribute}
    return OnnxNode(**{**vars(node), "attributes": attributes})


_KINDS = {"signed": 2, "narrow": 2, "rounding_mode": 3, "out_scale": 1, "out_bias": 1, "data_layout": 3}
"""Attribute of a quantiser → kind, as in the protocol."""


def _check_form(node: OnnxNode, opset: int) -> None:
    """The number of inputs and the kinds of the attributes are those of the standard."""
    defs = require("onnx.defs", extra="onnx", purpose="reading an ONNX file")
    kinds, fewest, most = _KINDS, 1, 9
    if node.proto.domain not in QUANTISERS:
        try:
            schema = defs.get_schema(node.op, opset, "")
        except defs.SchemaError:
            return  # refused by name, should it have to be converted
        needed = {name for name, attribute in schema.attributes.items() if attribute.required}
        missing = needed - {attribute.name for attribute in node.proto.attribute}
        if missing:
            node.refuse(f"attribute {min(missing)!r} is missing", "export the model again")
        kinds = {name: int(attribute.type) for name, attribute in schema.attributes.items()}
        fewest, most = schema.min_input, schema.max_input
    for attribute in node.proto.attribute:
        if kinds.get(attribute.name, attribute.type) != attribute.type:
            node.refuse(
                f"attribute {attribute.name!r} is of another kind than stated", "export the model again"
            )
    if not fewest <= len(node.inputs) <= most or not all(node.inputs[:fewest]) or not any(node.outputs):
        node.refuse(f"{len(node.inputs)} inputs and {len(node.outputs)} outputs", "export the model again")


def node_of(proto: Any) -> OnnxNode:
    """A node that was checked before."""
    return _node(proto, 0, set(), "the model")


def _attribute(attribute: Any, node: OnnxNode, file: str) -> Any:
    kinds = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
    if attribute.type == 4:
        return array_of(attribute.t, file)
    if attribute.type not in kinds:
        node.refuse(f"attribute {attribute.name!r} is of a kind that is not read", "leave it out")
    value = getattr(attribute, kinds[attribute.type])
    if attribute.type == 3:
        return value.decode("utf-8", errors="replace")
    if attribute.type == 8:
        return [text.decode("utf-8", errors="replace") for text in value]
    return list(value) if attribute.type > 4 else value


def _ordered(
    nodes: list[OnnxNode], known: set[str], outputs: tuple[str, ...], file: str
) -> Iterator[OnnxNode]:
    """The nodes that the outputs need, each after what it uses."""
    maker: dict[str, OnnxNode] = {}
    for node in nodes:
        for output in filter(None, node.outputs):
            if output in maker or output in known:
                message = f"{file!r}: tensor {output!r} is assigned twice; export the model again"
                raise InputFileError(message)
            maker[output] = node
    done: set[str] = set()
    open_nodes: set[str] = set()
    stack = [(output, "") for output in reversed(outputs)]
    while stack:
        tensor, user = stack.pop()
        if tensor in known or tensor in done or not tensor:
            continue
        if tensor not in maker:
            where = f"node {user!r}" if user else "the list of outputs"
            message = f"{file!r}: {where} uses {tensor!r}, which nothing computes; export the model again"
            raise InputFileError(message)
        node = maker[tensor]
        if tensor in open_nodes:
            missing = [name for name in node.inputs if name and name not in known and name not in done]
            if missing:
                message = f"{file!r}: node {node.name!r} depends on itself through {missing[0]!r}; refused"
                raise InputFileError(message)
            done.update(node.outputs)
            yield node
            continue
        open_nodes.update(node.outputs)
        stack.append((tensor, user))
        stack.extend((name, node.name) for name in reversed(node.inputs))


def _unique(nodes: Iterator[OnnxNode]) -> Iterator[OnnxNode]:
    """The nodes with a name of their own each."""
    seen: dict[str, int] = {}
    for node in nodes:
        seen[node.name] = count = seen.get(node.name, 0) + 1
        yield node if count == 1 else OnnxNode(**{**vars(node), "name": f"{node.name}_{count}"})
