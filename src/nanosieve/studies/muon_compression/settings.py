"""Sizes, networks and designs of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.compiler.hardware import Budget
from nanosieve.networks.compress import Distillation, Hint
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = [
    "BEST",
    "EVERY_CROSSING",
    "HIGHEST_PT",
    "LEARNED",
    "LESSONS",
    "MOST_FALSE",
    "PLATEAU",
    "SOFT",
    "THRESHOLD",
    "DesignSettings",
    "Settings",
    "settings_for",
]

THRESHOLD = 10.0
"""GeV: the trigger fires where the network says so much or more."""
PLATEAU = 12.0
"""GeV: muons from here on are to be kept."""
SOFT = 8.0
"""GeV: muons below are to be rejected."""
MOST_FALSE = 0.05
"""Part of the muons below `SOFT` that may fire where networks are compared at equal rate."""
HIGHEST_PT = 20.0
"""GeV: what 1 stands for at the first output."""
LESSONS: Mapping[str, Distillation | None] = {
    "alone": None,
    "teacher's output": Distillation(task=0.5, output=0.5),
    "output and hint": Distillation(task=0.5, output=0.5, hints=(Hint("conv_2", "conv_2", 0.02),)),
}
"""What a student learns from, by name; the hint joins the layers that the published one joins."""
BEST = "output and hint"
LEARNED = "learned bits"


@dataclass(frozen=True)
class DesignSettings:
    """One student as hardware.

    Attributes:
        name, title: of the design.
        network: ``"4 bits"`` or `LEARNED`.
        every, latency: see `Budget`.
        pixels: that enter in a cycle; 0 for all at once.
        clock: that of the published design, 2.38 ns, unless said otherwise.
    """

    name: str
    title: str
    network: str
    every: str
    latency: str
    pixels: int = 0
    clock: str = "420 MHz"

    @property
    def budget(self) -> Budget:
        """On the published device."""
        return Budget(every=self.every, latency=self.latency, clock=self.clock, device="xcvu13p")


EVERY_CROSSING = DesignSettings(
    "every_crossing", "4 bits, every crossing", "4 bits", every="25 ns", latency="400 ns"
)
SHARED = DesignSettings(
    "published_interval", "4 bits, at the published interval", "4 bits", every="247 ns", latency="400 ns"
)
FEWEST = DesignSettings(
    "learned_every_crossing", "learned bits, every crossing", LEARNED, every="25 ns", latency="400 ns"
)


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        muons: fragments with a muon to train on.
        noise: fragments of noise alone to train on.
        test_muons, test_noise: those that no training sees.
        teacher: training of the teacher.
        student: training of a student in floating point.
        aware: how it is trained on with its bits.
        seeds: of the students; as many are trained in each way.
        bits_price: see `TrainingSettings`, of the student that learns its bits.
        proof_fragments: real fragments of the proof of each design.
        random_vectors: random ones beside them.
        designs: what is built.
    """

    muons: int
    noise: int
    test_muons: int
    test_noise: int
    teacher: TrainingSettings
    student: TrainingSettings
    aware: TrainingSettings
    seeds: tuple[int, ...] = (1, 2, 3)
    bits_price: float = 2e-7
    proof_fragments: int = 6000
    random_vectors: int = 500
    designs: tuple[DesignSettings, ...] = (EVERY_CROSSING, SHARED, FEWEST)


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size; the full one trains as long as it takes, on ten times the fragments."""

    def training(epochs: int, batch: int, rate: float) -> TrainingSettings:
        return TrainingSettings(
            epochs, batch, rate, bits_price=0.0, patience=epochs, validation=0.1, seed=seed,
            checkpoint_every=5,
        )  # fmt: skip

    if size is Size.FULL:
        return Settings(
            300_000, 60_000, 200_000, 1_000_000, training(60, 512, 2e-3), training(100, 512, 3e-3),
            training(60, 512, 1e-3), seeds=(1, 2, 3, 4, 5), proof_fragments=50_000, random_vectors=5_000,
        )  # fmt: skip
    return Settings(
        24_000,
        6_000,
        20_000,
        40_000,
        training(12, 256, 3e-3),
        training(12, 256, 4e-3),
        training(6, 256, 2e-3),
    )
