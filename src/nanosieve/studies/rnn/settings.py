"""Sizes and working points of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.networks.recurrent import CELLS, RECURRENT, RecurrentNetwork
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = ["TITLES", "Benchmark", "Mode", "Settings", "modes_of", "settings_for"]

TITLES = {"top": "Top tagging", "flavour": "Flavour tagging", "quickdraw": "QuickDraw"}
TABLE_BITS = 10
"""Bits with which the tables of sigmoid, tanh and softmax are entered at most: 1,024 entries."""


@dataclass(frozen=True)
class Mode:
    """How the recurrent layer is built.

    Attributes:
        name: in the report.
        cells: copies of the cell; 1 is the static mode of arXiv:2207.00559, as many as steps the non-static.
        columns: parts of the state that a cell makes one after the other.
        proven: simulated on events, and synthesised where it is small enough.
    """

    name: str
    cells: int
    columns: int
    proven: bool = False

    @property
    def choice(self) -> str:
        """As `nanosieve.compile` takes it."""
        return f"cells:{self.cells}" + (f",{self.columns}" if self.columns > 1 else "")


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: of its sequences and network.
        number: sequences of each class.
        training: of both cells.
        integer_bits: stated ones of the scan, beside those chosen from the sample.
        total_bits: of the scan.
        modes: hardware.
        device: it is built for.
        proof_events: events of the proof in the RTL.
        network: its sizes.
        test: test sequences of the scan, at most.
    """

    name: str
    number: int
    training: TrainingSettings
    integer_bits: tuple[int, ...]
    total_bits: tuple[int, ...]
    modes: tuple[Mode, ...]
    device: str
    proof_events: int
    network: RecurrentNetwork
    test: int


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        benchmarks: in the order of the report.
        cells: of `nanosieve.networks.recurrent.CELLS`.
        train_fraction: part of the sequences that is trained on; the rest is the test sample.
        calibration: training sequences from which types are chosen.
        kept: part of the floating AUC that the number of bits of the hardware must keep.
        clock: of the hardware.
        proven_modes: whether all modes are proven, or only those marked.
        random_vectors: of a proof.
        synthesised: benchmarks whose proven designs are synthesised.
        largest_synthesis: estimated LUTs up to which they are.
    """

    benchmarks: tuple[Benchmark, ...]
    cells: tuple[str, ...] = CELLS
    train_fraction: float = 0.7
    calibration: int = 300
    kept: float = 0.995
    clock: str = "200 MHz"
    proven_modes: bool = False
    random_vectors: int = 64
    synthesised: tuple[str, ...] = ("top",)
    largest_synthesis: float = 20_000.0
    seed: int = field(default=1)


def modes_of(network: RecurrentNetwork) -> tuple[Mode, ...]:
    """Static, partly unrolled and non-static hardware whose cells make one unit of the state at a time.

    Small networks have a static design as well that makes the whole state at once.
    """
    units, steps = network.hidden, network.steps
    part = next(n for n in (5, 4, 3, 2, 1) if steps % n == 0)
    modes = [
        Mode("static", 1, units, proven=True),
        Mode(f"{part} cells", part, units),
        Mode("non-static", steps, units),
    ]
    return (*([Mode("static, whole state at once", 1, 1)] if units <= 32 else []), *modes)


_NUMBERS: Mapping[Size, Mapping[str, tuple[int, int, int, int, int]]] = {
    Size.SMALL: {
        "top": (6000, 40, 128, 5000, 2000),
        "flavour": (4000, 25, 128, 5000, 700),
        "quickdraw": (1500, 10, 64, 1000, 200),
    },
    Size.FULL: {
        "top": (300_000, 100, 512, 5000, 30_000),
        "flavour": (300_000, 60, 512, 5000, 30_000),
        "quickdraw": (110_000, 50, 512, 5000, 30_000),
    },
}
"""Sequences of each class, epochs, batch, events of the proof and of the scan."""


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size; the full one has about as many drawings as the publication."""
    benchmarks = []
    for name, network in RECURRENT.items():
        number, epochs, batch, proof, test = _NUMBERS[size][name]
        small = size is Size.SMALL
        bits: tuple[int, ...] = (6, 8, 10, 12, 14, 16)
        if small:
            bits = (8, 10, 16) if name == "quickdraw" else (6, 8, 10, 12, 16)
        training = TrainingSettings(
            epochs=epochs, batch=batch, learning_rate=2e-3, price_ramp=0.0, patience=epochs, seed=seed,
            checkpoint_every=1,
        )  # fmt: skip
        integer = (6,) if small else (4, 6, 8)
        modes = modes_of(network)
        if small and name == "quickdraw":
            modes = modes[:1]  # the others are left to the full size
        device = "xcku115" if name == "top" else "alveo-u250"
        benchmarks.append(
            Benchmark(name, number, training, integer, bits, modes, device, proof, network, test)
        )
    if size is Size.FULL:
        return Settings(
            tuple(benchmarks), calibration=2000, proven_modes=True, random_vectors=1000,
            synthesised=tuple(RECURRENT), largest_synthesis=100_000.0, seed=seed,
        )  # fmt: skip
    return Settings(tuple(benchmarks), seed=seed)
