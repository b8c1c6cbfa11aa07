"""Compiled networks as scorers of a trigger menu: the meeting of the two wings on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InputFileError
from nanosieve.physics.menu import Menu, Scorer
from nanosieve.physics.menu.evaluate import networks

if TYPE_CHECKING:
    from nanosieve.compiler.emulate import Emulator
    from nanosieve.compiler.graph import Graph

__all__ = ["scorers_of"]


def scorers_of(menu: Menu, file: str) -> dict[str, Scorer]:
    """A scorer for each network of `menu`, whose paths are relative to its `file`.

    A folder is a compiled design, a file a model; both run bit for bit as their hardware.

    Raises:
        InputFileError: no such network, or one that is no score of 19 objects.
    """
    found = {}
    for where, network, _ in networks(menu):
        path = Path(file).parent / network
        if not path.exists():
            message = f"{where}: network {str(path)!r} does not exist; give a compiled design or a model file"
            raise InputFileError(message)
        found[network] = _scorer(path)
    return found


def _scorer(path: Path) -> Scorer:
    graph = _graph(path)
    outputs = list(graph.outputs)
    output = outputs[0] if len(outputs) == 1 else "score"
    if len(graph.inputs) != 1 or output not in outputs:
        message = (
            f"network {str(path)!r} has the inputs {', '.join(graph.inputs)} and the outputs "
            f"{', '.join(outputs)}; a trigger line takes one input and one output, or the output 'score'"
        )
        raise InputFileError(message)
    name, entry = next(iter(graph.inputs.items()))
    if entry.size != 19 * 3:
        message = f"network {str(path)!r} takes {entry.size} values; a trigger line gives 19 objects × 3"
        raise InputFileError(message)
    return _NetworkScorer(graph, name, output)


@dataclass
class _NetworkScorer:
    """A network with one score; in another process it compiles its emulator again."""

    graph: Graph
    input: str
    output: str

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        shape = self.graph.inputs[self.input].shape
        found = self._emulator({self.input: inputs.reshape(len(inputs), *shape)})
        return np.asarray(found[self.output]).reshape(len(inputs), -1)[:, 0]

    @cached_property
    def _emulator(self) -> Emulator:
        from nanosieve.compiler.emulate import Emulator

        return Emulator(self.graph)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_emulator"}


def _graph(path: Path) -> Graph:
    from nanosieve.compiler.design import load
    from nanosieve.compiler.graph import load_graph
    from nanosieve.compiler.verification import read_design

    return load_graph(read_design(path).path / "graph.json") if path.is_dir() else load(path)
