"""Proof of equality by vectors: framework = graph = RTL = netlist, or the first value that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate.cpp import header_name
from nanosieve.compiler.graph import Graph, interpret, load_graph
from nanosieve.compiler.hardware.reload import weight_words
from nanosieve.compiler.hardware.weight_image import WeightImage
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.compiler.verification.golden import remove_golden_vectors, write_golden_vectors
from nanosieve.compiler.verification.measured import measured_difference
from nanosieve.compiler.verification.reload_stage import ConfiguredStage, with_loads
from nanosieve.compiler.verification.software import CppStage, EmulatorStage
from nanosieve.compiler.verification.stages import Case, Framework, FrameworkStage, HardwareStage, Stage
from nanosieve.compiler.verification.stream_stage import StreamStage
from nanosieve.compiler.verification.vector_set import VectorSet, take
from nanosieve.compiler.verification.vectors import usual_number
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.progress import Progress, silent

__all__ = ["Verification", "verify"]

Codes = NDArray[np.int64]
Values = NDArray[Any]

CHUNK = 8192
"""Events interpreted between two reports of progress."""


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify`, which returns only if nothing differs.

    Attributes:
        vectors: kind of vectors → how many were compared; their sum is the number of different vectors.
        again: how many of them were compared once more, "layer by layer" and "with gaps and resets".
        stages: what was compared, from the trained model to the hardware.
        golden: folder with golden vectors and a Verilog test bench; None if none were written.
        differences: always 0.
        measured: for a graph quantised after training, output → how far it is from its float model; see
            `measured_difference`. The float model is then no stage.
    """

    vectors: Mapping[str, int]
    stages: tuple[str, ...]
    again: Mapping[str, int]
    golden: Path | None = None
    differences: int = 0
    measured: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: ``vectors``, ``again``, ``differences``, ``stages`` and, if any, ``measured``."""
        measured = {
            output: {kind: figure.to_dict() for kind, figure in figures.items()}
            for output, figures in self.measured.items()
        }
        return {
            "vectors": dict(self.vectors),
            "again": dict(self.again),
            "differences": self.differences,
            "stages": list(self.stages),
            **({"measured": measured} if measured else {}),
        }


def verify(
    folder: str | Path,
    inputs: Mapping[str, Values] | Values | None = None,
    *,
    random: int | None = None,
    streamed: int | None = None,
    seed: int = 0,
    framework: Framework | None = None,
    also: Sequence[DesignFolder] = (),
    weights: Graph | None = None,
    golden: int = 1_000,
    progress: Progress = silent,
) -> Verification:
    """Compare the trained model, the graph, its software twins and the RTL of a design on every vector.

    The vectors are the given events; corners; real numbers at and beyond the edges of what the input ports
    hold; `random` codes over the full range of every element, and a quarter as many of every magnitude,
    with zeros. Where the inputs take no more than `random` combinations of codes, each of them comes once
    instead, which proves the design for all inputs. All enter the RTL back to back, as soon as it takes
    them. For `streamed` of them every layer is compared, and they enter once more with gaps in `valid` and
    resets in mid-stream. Each must come out after exactly the stated latency, those in flight at a reset
    must be lost, and nothing else may come out.

    A graph quantised after training cannot equal its float model; the difference of these two is measured.

    Args:
        folder: a compiled design.
        inputs: real values (events, *shape) by input name, or of the only input; taken as float32, as
            the model takes them.
        random: number of random vectors; default 20,000 over the interval in cycles, 200 or more.
        streamed: number of vectors compared layer by layer and in the second stream, 0 for none; default
            2,000 over the interval in cycles, 100 or more.
        seed: of the random vectors, gaps and resets.
        framework: the trained model; default the model file of the folder, if there is one.
        also: further forms of the same hardware that must agree, such as the netlist of synthesis.
        golden: number of golden vectors to write into the folder ``golden`` of the design; 0 for none.
            Those of an earlier run are removed at the start.
        weights: for a design with reloadable weights another network of the same shape: it is what everything
            is compared with, and what is loaded into the hardware.

    Raises:
        VerificationError: two stages differ; the message names layer, element, event and both values.
        InputFileError: `folder` is not a design.
        SampleError: `inputs` do not fit or hold NaN.
        SettingsError: a negative number of vectors.
        MissingDependencyError, ToolError: the simulator cannot be built.
    """
    design = read_design(folder)
    random = usual_number(design, 20_000, 200) if random is None else random
    streamed = usual_number(design, 2_000, 100) if streamed is None else streamed
    for name, number in (("random", random), ("streamed", streamed), ("golden", golden)):
        if number < 0:
            message = f"the number of {name} vectors is 0 or more, not {number!r}"
            raise SettingsError(message)
    graph = load_graph(design.path / "graph.json")
    loaded = design
    if design.weights is not None:
        graph, words = weight_words(folder, weights)
        loaded = with_loads(design, words, seed)
        also = [with_loads(level, words, seed) for level in also]
    elif weights is not None:
        WeightImage.load(design.path)  # says that there are none to reload
    remove_golden_vectors(design)
    vectors = VectorSet.make(design, graph, inputs, random, seed)
    expected = _interpret(graph, vectors, progress)
    case = Case(graph, vectors, expected)
    framework = framework or _own_framework(design, graph if weights else None)
    before, after = _stages(loaded, graph, framework if graph.exact else None, also, streamed, seed)
    if weights is None and design.weights is not None and streamed:
        after.append(ConfiguredStage(design, streamed, seed))
    if weights is not None:
        after = [stage for stage in after if not isinstance(stage, CppStage)]
    again: dict[str, int] = {}
    for stage in (*before, *after):
        again |= stage.check(case, progress)
    measured = {}
    if framework is not None and not graph.exact:
        measured = measured_difference(case, framework(vectors.values))
    names = (*(stage.name for stage in before), "graph", *(stage.name for stage in after))
    names = tuple(dict.fromkeys(names))
    where = None
    if golden:
        pick = np.unique(np.linspace(0, len(vectors) - 1, golden).astype(np.int64))
        where = write_golden_vectors(loaded, take(vectors.codes, pick), take(expected, pick))
    return Verification(dict(vectors.counts), names, again, where, measured=measured)


def _stages(
    design: DesignFolder,
    graph: Graph,
    framework: Framework | None,
    also: Sequence[DesignFolder],
    streamed: int,
    seed: int,
) -> tuple[list[Stage], list[Stage]]:
    """What is compared with the graph, in the order of the proof: what it stands for, what stands for it."""
    before: list[Stage] = [FrameworkStage(framework)] if framework is not None else []
    after: list[Stage] = [EmulatorStage()]
    header = design.path / "cpp" / f"{header_name(graph)}.hpp"
    after += [CppStage(header)] if header.is_file() else []
    after += [HardwareStage(level, streamed, seed) for level in (design, *also)]
    after += StreamStage.of(design, streamed, seed)
    return before, after


def _own_framework(design: DesignFolder, other: Graph | None) -> Framework | None:
    """The model in the design folder, or that of the network whose weights are loaded."""
    models = sorted(design.path.glob("model.*"))
    model = next(iter(models), None) if other is None else other.source
    if model is None:
        return None
    from nanosieve.compiler.frontends import run_model

    return lambda values: run_model(model, values)


def _interpret(graph: Graph, vectors: VectorSet, progress: Progress) -> dict[str, Codes]:
    parts = []
    for start in range(0, len(vectors), CHUNK):
        progress("graph", start, len(vectors), "vectors")
        parts.append(interpret(graph, take(vectors.codes, slice(start, start + CHUNK))))
    progress("graph", len(vectors), len(vectors), "vectors")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
