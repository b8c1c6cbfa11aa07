"""Sizes and networks of the study."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanosieve.compiler.graph import Fixed
from nanosieve.compiler.hardware import Budget
from nanosieve.networks.compress import PruningSchedule, Recipe
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.cnn.network import DENSE, FILTERS
from nanosieve.studies.study import Size

__all__ = ["PORT", "DesignSettings", "Settings", "settings_for"]

PORT = Fixed(8, 0, signed=False)
"""A pixel: 8 bits, divided by 256."""
DEVICE = "alveo-u250"


@dataclass(frozen=True)
class DesignSettings:
    """One network as hardware.

    Attributes:
        name: of the design.
        recipe: how the network is made.
        pixels: that enter in a cycle; the interval is 1,024 cycles over it.
        published: the row of the published table that it stands beside; empty for none.
        clock_mhz: clock frequency.
    """

    name: str
    recipe: Recipe
    pixels: int = 1
    published: str = ""
    clock_mhz: int = 200

    @property
    def budget(self) -> Budget:
        """An image as often as its pixels have entered; a tenth more for the latency."""
        period = 1e3 / self.clock_mhz
        cycles = 1024 // self.pixels
        return Budget(
            every=f"{cycles * period:g} ns",
            latency=f"{(cycles + 100) * period:g} ns",
            clock=f"{self.clock_mhz} MHz",
            device=DEVICE,
        )


PRUNED = 0.5
AFTER = Recipe.after_training(16, sparsity=PRUNED, precision="fixed<16,6>")
SIX = Recipe.aware(6, sparsity=PRUNED)
CHEAP, CHEAPER = Recipe.learned(1e-6), Recipe.learned(3e-6)


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        train, test: rendered images; of SVHN all are taken.
        training: of the float network.
        pruned_training, aware_training: of the networks that begin from it.
        pruning: see `PruningSchedule`.
        aware_bits: of the quantisation-aware scan; 2 bits are ternary weights.
        after_bits: of the scan after training.
        learned: recipes with learned widths.
        designs: what is built.
        proof_images: images of the proof of each design.
        random_vectors: random vectors beside them.
        filters, dense: of the network.
    """

    train: int
    test: int
    training: TrainingSettings
    pruned_training: TrainingSettings
    aware_training: TrainingSettings
    proof_images: int
    random_vectors: int
    aware_bits: tuple[int, ...] = (8, 6, 4, 3, 2)
    after_bits: tuple[int, ...] = (16, 14, 12, 10, 8, 6, 4)
    learned: tuple[Recipe, ...] = (CHEAP, CHEAPER)
    pruning: PruningSchedule = field(
        default_factory=lambda: PruningSchedule(PRUNED, initial=0.4, end=0.6, spare=("output",))
    )
    designs: tuple[DesignSettings, ...] = (
        DesignSettings("pruned_16_bits", AFTER, published="pruned <16,6>"),
        DesignSettings("pruned_6_bits", SIX, published="6-bit pruned"),
        DesignSettings("learned", CHEAPER),
        DesignSettings("learned_2_pixels", CHEAPER, pixels=2),
    )
    filters: tuple[int, ...] = FILTERS
    dense: tuple[int, ...] = DENSE


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size.

    Full: as many images and epochs as in the publication, its steps of pruning, and learned bits with one,
    two and four pixels in a cycle.
    """
    if size is Size.FULL:
        long = TrainingSettings(100, 1024, 3e-3, bits_price=0.0, patience=10, validation=0.05, seed=seed)
        further = TrainingSettings(30, 1024, 2e-3, bits_price=0.0, patience=10, validation=0.05, seed=seed)
        pruning = PruningSchedule(
            PRUNED, initial=0.4, begin=1000 / 56_000, end=8000 / 56_000, every=100, spare=("output",)
        )
        designs = Settings.designs
        return Settings(
            604_388, 26_032, long, long, further, 5000, 200, pruning=pruning,
            aware_bits=(16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2),
            designs=(*designs, DesignSettings("learned_4_pixels", CHEAPER, pixels=4)),
        )  # fmt: skip
    once = TrainingSettings(12, 128, 3e-3, bits_price=0.0, patience=12, validation=0.05, seed=seed)
    few = TrainingSettings(2, 64, 1e-3, bits_price=0.0, patience=2, validation=0.05, seed=seed)
    _, six, _, two_pixels = Settings.designs
    return Settings(
        6_000, 3_000, once, few, few, 5_000, 20,
        aware_bits=(6, 4), learned=(CHEAPER,), designs=(six, two_pixels),
    )  # fmt: skip
