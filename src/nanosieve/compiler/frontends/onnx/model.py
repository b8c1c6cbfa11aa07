"""ONNX files: QONNX models, whose quantisers make the graph exact, and float models, quantised later.

A model whose values are all quantised (QONNX, arXiv:2206.07527) becomes a graph that equals it. Where
products have a scale that is no power of two, the framework itself rounds their sums in float32, in an order
of its own; the graph has the integers of exact sums, which differ where such a sum lies within that rounding
of a step, and says so: `Graph.exact` is then False. An output in such a scale that no quantiser ends is in
units of it, see `output_units`. All other models need `calibrate` and `precision`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibrated.traced import Traced
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.onnx.batch_norm import without_batch_norms
from nanosieve.compiler.frontends.onnx.constants import Known, fold, is_quantiser
from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.elementwise import ELEMENTWISE
from nanosieve.compiler.frontends.onnx.file import QUANTISERS, OnnxModel, OnnxNode, read
from nanosieve.compiler.frontends.onnx.linear import LINEAR
from nanosieve.compiler.frontends.onnx.moving import MOVING
from nanosieve.compiler.frontends.onnx.recurrent import RECURRENT
from nanosieve.compiler.frontends.onnx.reductions import REDUCTIONS, quantise, thresholds
from nanosieve.compiler.frontends.onnx.requantise import short
from nanosieve.compiler.frontends.onnx.run import all_tensors, outputs
from nanosieve.compiler.frontends.onnx.values import OnnxNodes, Value, standard_layout
from nanosieve.compiler.graph import Builder, Graph
from nanosieve.errors import (
    InexactModelError,
    NanosieveError,
    SettingsError,
    UnknownNameError,
    UnsupportedLayerError,
)

__all__ = ["CONVERTERS", "Unit", "load", "output_units", "run"]

_log = logging.getLogger(__name__)

CONVERTERS = {**ELEMENTWISE, **LINEAR, **MOVING, **RECURRENT, **REDUCTIONS}
"""Op of the standard → converter."""


@dataclass(frozen=True)
class Unit:
    """``real value = scale * output + offset``, the same for all elements of an output, ``scale > 0``.

    Attributes:
        scale, offset: see above.
        exponent: the output has the step ``2**exponent``.
    """

    scale: float
    offset: float
    exponent: int


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The fixed-point graph of a ``.onnx`` file; see `nanosieve.compiler.frontends.load_model`."""
    model = read(path)
    if calibration is None:
        graph, units = _converted(model, path.stem, None)
        for name, unit in units.items():
            _log.warning(
                "output %r of %s is in units of its scale: real value = %g * output + %g",
                name, path.name, unit.scale, unit.offset,
            )  # fmt: skip
        return replace(graph, source=path)
    if _stated(model) is not None:
        message = f"{path.name} states its quantisers; leave out calibrate and precision"
        raise SettingsError(message)
    return replace(_converted(model, path.stem, calibration)[0], source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What the framework computes; see `nanosieve.compiler.frontends.run_model`.

    Outputs that `load` gives in units of their scale are given in these units here.
    """
    model = read(path)
    results = outputs(model, inputs)
    for name, unit in (_stated(model) or {}).items():
        codes = (results[name] - unit.offset) / unit.scale * 2.0**-unit.exponent
        whole = np.rint(codes)
        results[name] = np.where(np.abs(codes - whole) < 0.25, whole, codes) * 2.0**unit.exponent
    return results


def output_units(path: Path) -> dict[str, Unit]:
    """Output name → its unit, of those outputs that are not in units of the model.

    Such an output is the integer in front of scales, offsets and normalisations that no quantiser ends and
    that are no fixed-point numbers. They are the same for all of its elements and rise, so that a decision
    does not depend on them.
    """
    return _stated(read(path)) or {}


def _stated(model: OnnxModel) -> dict[str, Unit] | None:
    """The units of the outputs of a model that states its types; None for any other."""
    if not any(is_quantiser(node) or node.proto.domain in QUANTISERS for node in model.nodes):
        return None
    try:
        return _converted(model, "model", None)[1]
    except NanosieveError:
        return None


def _converted(model: OnnxModel, name: str, calibration: Calibration | None) -> tuple[Graph, dict[str, Unit]]:
    """The graph, and the units of its outputs."""
    builder, calibrated, whole = Builder(name), None, model
    sample: dict[str, NDArray[Any]] = {}
    if calibration is not None:
        calibrated = CalibratedBuilder(name, calibration)
        builder = calibrated.graph
        shapes = {
            n: model.event_shape(n)[1:] if model.batched else model.event_shape(n) for n in model.inputs
        }
        whole, model = model, without_batch_norms(model)
        sample = {n: calibration.events(n, shape) for n, shape in shapes.items()}

    @cache  # when it is first needed: a node that no runtime can run is then refused by name
    def reals() -> Mapping[str, NDArray[Any]]:
        return all_tensors(whole, sample)

    ideal: set[str] = set()
    tensors: dict[str, Known | Value] = {n: Known(a) for n, a in model.constants.items()}
    for entry in model.inputs:
        shape = model.event_shape(entry)
        places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        tensors[entry] = Value(entry, shape, (), places=places, tensor=entry)
    for node in model.nodes:
        layer = f"{node.name}_node" if node.name in model.inputs else node.name
        c = Conversion(model, builder, tensors, node, OnnxNodes(builder, layer), ideal, calibrated, reals)
        for output, result in zip(node.outputs, _outputs_of(c), strict=False):
            if output and result is not None:
                tensors[output] = result
    graph, units = _finished(model, builder, tensors, calibrated, reals)
    return replace(graph, exact=graph.exact and not ideal), units


def _outputs_of(c: Conversion) -> list[Any]:
    """What the outputs of a node are."""
    node = c.node
    given = [c.given(n) for n in range(len(node.inputs))]
    if node.op in ("Shape", "Size") and isinstance(given[0], Value):
        shape = np.asarray(given[0].shape, dtype=np.int64)
        part = shape[slice(node.attributes.get("start", 0), node.attributes.get("end"))]
        return [Known(part if node.op == "Shape" else np.asarray(np.prod(shape)))]
    known = [g for g in given if not isinstance(g, Value)]
    if len(known) == len(given):
        return fold(c.model, c.node, known)
    if any(g is not None and g.values.dtype.kind == "f" and np.isnan(g.values).any() for g in known):
        node.refuse("a constant that is not a number", "train and export again")
    convert = CONVERTERS.get(node.op)
    if node.proto.domain in QUANTISERS:
        convert = quantise if is_quantiser(node) else thresholds if node.op == "MultiThreshold" else None
    if convert is None:
        message = (
            f"node {node.name!r}: {UnknownNameError.among('op', node.op, CONVERTERS)}; rebuild with those"
        )
        raise UnsupportedLayerError(message)
    try:
        made = convert(c)
    except (ValueError, IndexError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        node.refuse(f"its inputs do not fit ({reason})", "export the model again")
    results = made if isinstance(made, list) else [made]
    named = [c.called(r) if isinstance(r, Value) and len(results) == 1 else r for r in results]
    return [
        replace(r, tensor=output) if isinstance(r, Value) and r.pure else r
        for r, output in zip(named, node.outputs, strict=False)
    ]


def _finished(
    model: OnnxModel,
    builder: Builder,
    tensors: Mapping[str, Known | Value],
    calibrated: CalibratedBuilder | None,
    reals: Callable[[], Mapping[str, NDArray[Any]]],
) -> tuple[Graph, dict[str, Unit]]:
    """The outputs, in the order and shape of the file."""
    made: dict[str, str] = {}
    traced: dict[str, Traced] = {}
    units: dict[str, Unit] = {}
    state = dict(tensors)
    for place, name in enumerate(model.outputs):
        value = state[name]
        node = _output_node(name, f"output_{place}")
        c = Conversion(model, builder, state, node, OnnxNodes(builder, node.name), set(), calibrated, reals)
        if isinstance(value, Known):
            node.refuse("it depends on no input", "leave it out")
        if calibrated is None:
            unit = _unit(c, value)
            if unit is not None:
                units[name] = unit
                value = replace(value, scale=None, stages=())
                state[name] = value
            whole = c.whole()
            made[name] = c.nodes.arranged(whole, _layout(model, whole))
        else:
            whole = c.whole()
            layout = _layout(model, whole)
            real = np.zeros((1, *(whole.shape[a] for a in layout)))  # not needed: it has its type
            traced[name] = Traced(c.nodes.arranged(whole, layout), real)
    if calibrated is not None:
        return calibrated.finish(traced), {}
    return builder.finish(made), units


def _layout(model: OnnxModel, value: Value) -> tuple[int, ...]:
    """The axes of an output: those of the file, without the one that counts events."""
    return standard_layout(value.shape) if model.batched else tuple(range(len(value.shape)))


def _output_node(name: str, layer: str) -> OnnxNode:
    """A stand-in for the reader of an output, for messages and names."""
    return OnnxNode(layer, "output", (name,), (), {}, False, None)


def _unit(c: Conversion, value: Value) -> Unit | None:
    """The unit of an output that ends in arithmetic that no fixed point holds; None where there is none.

    Raises:
        InexactModelError: it is not one rising line for all elements.
    """
    if value.places is not None or (value.pure and (value.scale is None or short(value.scale) is not None)):
        return None
    slope = np.ones(value.shape) if value.scale is None else value.scale
    offset = np.zeros(value.shape)
    exponent = c.nodes.type_of(value).exponent
    for stage in value.stages:
        if stage.slope is None or stage.offset is None:
            break
        slope, offset = slope * stage.slope, offset * stage.slope + stage.offset
    else:
        scale, shift = float(slope.flat[0]), float(offset.flat[0])
        if scale > 0 and np.all(slope == scale) and np.all(offset == shift):
            return Unit(scale, shift, int(exponent.min()))
    message = (
        f"output {c.node.inputs[0]!r} ends in floating point: a function, or scales and offsets that differ "
        "between its elements; put a Quant node at its end, or give calibrate and precision"
    )
    raise InexactModelError(message)
