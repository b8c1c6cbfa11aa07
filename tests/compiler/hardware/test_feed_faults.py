"""Faults in what brings values to the slots of a layer: the simulation with its usual stimuli finds each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.random_graphs import random_codes
from helpers.random_networks import Network, convolution, flat, recurrent
from nanosieve.compiler.graph import Graph, interpret
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.plan import Copies, Fold, Plan
from nanosieve.compiler.verification.folder import read_design
from nanosieve.compiler.verification.stages import Case, HardwareStage
from nanosieve.compiler.verification.vector_set import VectorSet
from nanosieve.errors import VerificationError
from nanosieve.progress import silent

INTERVAL = 90


def network() -> tuple[Graph, Plan]:
    """A convolution as the image streams in, a cell over its rows, and a product in parts of its columns."""
    net = Network(np.random.default_rng(18))
    x = net.input("x", (6, 6, 2))
    y = recurrent(net, convolution(net, x))
    graph = net.builder.finish({"y": flat(net, y)})
    layers = [n.layer for n in graph.nodes if n.layer and n.name not in graph.inputs]
    conv, rnn, dense = (next(la for la in layers if la.startswith(k)) for k in ("conv", "rnn", "dense"))
    return graph, Plan({conv: Fold(1), rnn: Copies(1), dense: Fold(1, 3)}, {"x": 1}, INTERVAL)


def check(folder: Path, graph: Graph) -> None:
    rng = np.random.default_rng(0)
    codes = {name: random_codes(rng, type, 60) for name, type in graph.inputs.items()}
    case = Case(graph, VectorSet({"random": 60}, {}, codes), interpret(graph, codes))
    HardwareStage(read_design(folder), 60, 1).check(case, silent)


def more(by: int) -> Callable[[re.Match[str]], str]:
    """The number `n` of a match, larger by so many."""
    return lambda m: m[0].replace(f"{m['v']}", f"{int(m['v']) + by}", 1)


FAULTS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    "depth of a tap": (r"(?<=\.DEPTH\()(?P<v>\d+)", more(1)),
    "phase": (r"(?<=\d'd)0(?= : slot_next)", lambda m: "1"),
    # of the other ports what is loaded instead is the same
    "hold enable": (r"if \(load0\) ", lambda m: ""),
    "cycle of a capture": (
        r"(?<=arrive_phase == )(?P<w>\d+)'d(?P<v>\d+)",
        lambda m: f"{m['w']}'d{int(m['v']) + 1}",
    ),
    "entry of a table": (
        r"(?<=constants_words\[0\] = )(\d+)'d(\d+)",
        lambda m: f"{m[1]}'d{int(m[2]) ^ ((1 << int(m[1])) - 1)}",
    ),
    "busy without reset": (r"if \(reset\) busy <= \d+'d0;\n    else ", lambda m: ""),
    "pulse without reset": (r"if \(reset\) (\w+)_left <= \d+'d0;\n    else ", lambda m: ""),
    "busy for one cycle less": (
        r"(?<=busy <= )(?P<w>\d+)'d(?P<v>\d\d+)",
        lambda m: f"{m['w']}'d{int(m['v']) - 1}",
    ),
}


@pytest.fixture(scope="module")
def built() -> tuple[Graph, HardwareDesign]:
    graph, plan = network()
    return graph, build_design(graph, Budget(latency="1 ms"), plan=plan, model=DelayModel(luts=0.0))


@pytest.mark.slow
def test_the_design_without_faults(built: tuple[Graph, HardwareDesign], tmp_path: Path) -> None:
    graph, design = built
    check(design.write(tmp_path), graph)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, built: tuple[Graph, HardwareDesign], tmp_path: Path) -> None:
    graph, design = built
    folder, (pattern, change) = design.write(tmp_path), FAULTS[fault]
    for path in sorted((folder / "rtl").glob("*.v")):
        text = path.read_text()
        places = list(re.finditer(pattern, text))
        if places:
            last = places[-1]
            path.write_text(text[: last.start()] + change(last) + text[last.end() :])
            break
    else:
        pytest.fail(f"no place for the fault in {fault}")
    with pytest.raises(VerificationError):
        check(folder, graph)
