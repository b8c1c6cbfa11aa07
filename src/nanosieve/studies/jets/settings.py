"""Sizes of the study, and the rungs of its ladder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from nanosieve.compiler.graph import Fixed
from nanosieve.compiler.hardware import Budget
from nanosieve.networks.compress import Recipe
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = [
    "LADDER",
    "Compressed",
    "Counterpart",
    "Network",
    "Rung",
    "Settings",
    "Tables",
    "Trees",
    "settings_for",
]

Network: TypeAlias = Literal["dense", "deep sets", "linear attention"]
Counterpart: TypeAlias = tuple[str, str, str]
"""(arXiv number, table, row) in `nanosieve.report.published`."""

EVERY_CYCLE = Budget(every="5 ns", latency="200 ns", clock="200 MHz", device="xcvu9p")

PTQ_ROW: Counterpart = ("2103.05579", "jets-hardware", "16b PTQ")
QAT_ROW: Counterpart = ("2103.05579", "jets-hardware", "6b QAT")
LINEAR_ROW: Counterpart = ("2508.15468", "particles-hardware", "8 particles")


@dataclass(frozen=True)
class Compressed:
    """A float network made smaller by a recipe of `nanosieve.networks.compress`.

    Attributes:
        name: of the design.
        title: how the report calls it.
        network: which one is made smaller.
        recipe: how.
        budget: time and room.
        counterpart: the published row that it stands beside, if one was read in its source.
        why: what makes the difference to it; one sentence.
    """

    name: str
    title: str
    network: Network
    recipe: Recipe
    budget: Budget
    counterpart: Counterpart | None
    why: str


@dataclass(frozen=True)
class Tables:
    """Layers of tables, trained as such.

    Attributes:
        bits_price: see `TrainingSettings`.
        hidden: sums between the two layers.
        name, title, budget, counterpart, why: as `Compressed`.
    """

    name: str
    title: str
    bits_price: float
    hidden: int
    budget: Budget
    counterpart: Counterpart | None
    why: str


@dataclass(frozen=True)
class Trees:
    """Boosted decision trees by XGBoost.

    Attributes:
        rounds: trees for each class.
        depth: of a tree, at most.
        name, title, budget, counterpart, why: as `Compressed`.
    """

    name: str
    title: str
    rounds: int
    depth: int
    budget: Budget
    counterpart: Counterpart | None
    why: str


Rung: TypeAlias = Compressed | Tables | Trees

_ADDERS = "Products with constants are graphs of shared adders, where the published design has multipliers."

LADDER: tuple[Rung, ...] = (
    Compressed(
        "ptq_8", "8 bits, quantised after training", "dense", Recipe.after_training(8), EVERY_CYCLE,
        PTQ_ROW, _ADDERS,
    ),
    Compressed(
        "qat_6", "6 bits, quantisation-aware", "dense", Recipe.aware(6), EVERY_CYCLE, QAT_ROW, _ADDERS,
    ),
    Compressed(
        "qat_6_pruned", "6 bits, quantisation-aware, 70 % pruned", "dense", Recipe.aware(6, sparsity=0.7),
        EVERY_CYCLE, QAT_ROW,
        "Products with constants are graphs of shared adders, and weights of zero are none.",
    ),
    Compressed(
        "hgq_large", "learned bits (HGQ), mild price", "dense", Recipe.learned(1e-5, bits=6), EVERY_CYCLE,
        QAT_ROW, "Every weight keeps only the bits that the loss pays for.",
    ),
    Compressed(
        "hgq_small", "learned bits (HGQ), steep price", "dense", Recipe.learned(6e-5, bits=6), EVERY_CYCLE,
        QAT_ROW, "Every weight keeps only the bits that the loss pays for, and most keep none.",
    ),
    Tables(
        "tables", "layers of tables (HGQ-LUT)", 2e-5, 20, EVERY_CYCLE, None,
        "A table of a few bits is one LUT for each bit it gives, and no multiplication is left.",
    ),
    Trees(
        "trees", "boosted trees (XGBoost)", 10, 3, EVERY_CYCLE, None,
        "A tree is comparisons and choices; its sums are as many as there are trees.",
    ),
    Compressed(
        "deep_sets_8", "deep sets, 8 particles, learned bits", "deep sets", Recipe.learned(1.5e-5, bits=6),
        EVERY_CYCLE, LINEAR_ROW,
        "The network is narrower than the published one, and its particles do not hear of each other.",
    ),
    Compressed(
        "linear_8", "linear attention, 8 particles, learned bits", "linear attention",
        Recipe.learned(1.5e-5, bits=6), EVERY_CYCLE, LINEAR_ROW,
        "The network is narrower than the published one, and its bits are learned in minutes.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        jets: of each class.
        hidden: layers of the network on features.
        particles: constituents that the networks on constituents see; a power of two.
        training: of the float networks.
        aware_training: how a quantised network is trained on, the tables among them.
        pruned_training: how a network is trained while it is pruned.
        test: part of the jets that no training has seen.
        feature_port: type of the standardised features.
        particle_port: type of the scaled quantities of the particles.
        proof_jets: jets of the test sample that the RTL is simulated with, at most.
        random_vectors: random full-range vectors of the proof.
        ladder: what is built.
        seed: of jets, training and vectors.
    """

    jets: int
    training: TrainingSettings
    aware_training: TrainingSettings
    pruned_training: TrainingSettings
    hidden: tuple[int, ...] = (64, 32, 32)
    particles: int = 8
    test: float = 0.3
    feature_port: Fixed = field(default_factory=lambda: Fixed(10, 4))
    particle_port: Fixed = field(default_factory=lambda: Fixed(9, 4))
    proof_jets: int = 6000
    random_vectors: int = 2000
    ladder: tuple[Rung, ...] = LADDER
    seed: int = 1


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size; the full one has the million jets of the public data set."""
    if size is Size.FULL:
        return Settings(
            200_000,
            TrainingSettings(epochs=100, batch=1024, learning_rate=2e-3, patience=20, seed=seed),
            TrainingSettings(
                epochs=300, batch=4096, learning_rate=4e-3, price_ramp=0.5, patience=60, seed=seed
            ),
            TrainingSettings(epochs=100, batch=1024, learning_rate=2e-3, patience=30, seed=seed),
            proof_jets=100_000,
            random_vectors=20_000,
            seed=seed,
        )
    return Settings(
        8_000,
        TrainingSettings(epochs=40, batch=256, learning_rate=3e-3, patience=10, seed=seed),
        TrainingSettings(epochs=30, batch=128, learning_rate=3e-3, price_ramp=0.5, patience=15, seed=seed),
        TrainingSettings(epochs=20, batch=256, learning_rate=2e-3, patience=10, seed=seed),
        seed=seed,
    )
