"""Sizes, networks and designs of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nanosieve.compiler.hardware import Budget
from nanosieve.networks.compress import Distillation, PruningSchedule
from nanosieve.networks.decay_length import DECAY_STUDENTS
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = [
    "ANOMALY",
    "AREA_AIM",
    "CLOCK",
    "ERROR_AIM",
    "INT8",
    "LENGTH",
    "STUDENTS",
    "CardSettings",
    "Settings",
    "StudentSettings",
    "settings_for",
]

LENGTH = "decay length"
ANOMALY = "anomaly"
"""What a student says: L_r in metres, as the published network does, or the score of our autoencoder."""
ERROR_AIM = 5.0
"""%: so much more than that of the teacher a student's mean absolute error may be."""
AREA_AIM = 1.0
"""%: so much less its area under the curve."""
CLOCK = "200 MHz"
INT8 = {"default": "fixed<8>", "image": "ufixed<1,1>"}
"""After training: 8 bits for weights and values, binary points from a sample; a pixel is a bit."""


@dataclass(frozen=True)
class StudentSettings:
    """One student for a hardware trigger.

    Attributes:
        name, title: of the design.
        says: `LENGTH` or `ANOMALY`.
        network: a name of `DECAY_STUDENTS`, which also gives the latency.
        bits: of weights and values.
    """

    name: str
    title: str
    says: str
    network: str
    bits: int = 6

    @property
    def latency(self) -> str:
        """Of the trigger."""
        return DECAY_STUDENTS[self.network].latency

    @property
    def budget(self) -> Budget:
        """An image as often as its trigger has time for one; all on one device."""
        return Budget(every=self.latency, latency=self.latency, clock=CLOCK, device="alveo-u250")


STUDENTS = (
    StudentSettings("student_10us", "student, 10 µs", LENGTH, "10us"),
    StudentSettings("student_2_5us", "student, 2.5 µs", LENGTH, "2.5us"),
    StudentSettings("anomaly_10us", "anomaly student, 10 µs", ANOMALY, "10us_small"),
)


@dataclass(frozen=True)
class CardSettings:
    """The published network on a card.

    Attributes:
        name, title: of the design.
        device: of the catalogue.
        published: the row of the published table that it stands beside.
        every: time between two images.
        layers: layer → engine, see ``docs/budget.md``.
        compose: whether the three linear convolutions are made one.
    """

    name: str
    title: str
    device: str
    published: str
    every: str
    layers: Mapping[str, str]
    compose: bool = True

    @property
    def budget(self) -> Budget:
        """All of the card."""
        return Budget(every=self.every, latency="5 ms", clock=CLOCK, device=self.device, share=1.0)


_TAIL = {"dense_1": "engine:1024,12", "dense_2": "engine:1024,16", "length": "engine:1,16"}
SLOWER = {
    "conv_3": "engine:2,1", "conv_4": "engine:2,9,packed", "conv_5": "engine:8,18,packed",
    "conv_6": "engine:32,36,packed", **_TAIL,
}  # fmt: skip
FASTER = {
    "conv_3": "engine:1,1", "conv_4": "engine:1,9,packed", "conv_5": "engine:4,18,packed",
    "conv_6": "engine:16,36,packed", "dense_1": "engine:512,12", "dense_2": "engine:512,16",
    "length": "engine:1,16",
}  # fmt: skip
ONE_BY_ONE = {
    **SLOWER, "conv_1": "engine:2,1", "conv_2": "engine:1,9,packed", "conv_3": "engine:1,9,packed"
}  # fmt: skip
CARDS = (
    CardSettings("cnn_u50", "composed, U50", "alveo-u50", "U50", "100 us", SLOWER),
    CardSettings("cnn_u250", "composed, U250", "alveo-u250", "U250", "50 us", FASTER),
    CardSettings("cnn_u250_apart", "one by one, U250", "alveo-u250", "U250", "300 us", ONE_BY_ONE, False),
)


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        train, test: images by class; no training sees those of the test.
        composed: training of the published network with its linear convolutions as one.
        published: how it goes on in the published form; None where it does not.
        autoencoder: training on backgrounds.
        student: of a student in floating point, `pruning` of its weights on the way.
        aware: how it goes on with its bits.
        rounded: decays on which 8 bits are compared with floating point.
        rate, second: of the first level and of the second one behind it, in kHz.
        proof_images: real images of the proof of each student.
        random_vectors: random ones beside them.
        judged: images of noise that the published network looks at, beside those that the first level keeps.
        resamples: samples drawn for errors of differences.
        distillation: what a student learns from.
        students, cards: what is built.
    """

    train: Mapping[str, int]
    test: Mapping[str, int]
    composed: TrainingSettings
    published: TrainingSettings | None
    autoencoder: TrainingSettings
    student: TrainingSettings
    aware: TrainingSettings
    rounded: int = 400
    rate: float = 400.0
    second: float = 100.0
    proof_images: int = 1000
    random_vectors: int = 50
    judged: int = 1000
    resamples: int = 200
    pruning: PruningSchedule = field(
        default_factory=lambda: PruningSchedule(0.5, initial=0.1, end=0.6, spare=("length",))
    )
    distillation: Distillation = field(default_factory=lambda: Distillation(task=0.5, output=0.5))
    students: tuple[StudentSettings, ...] = STUDENTS
    cards: tuple[CardSettings, ...] = CARDS


RATE = 3e-4
"""Of learning of the published network; with 0.001 the rectifier at its output can die in the first steps."""


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size; full: 40 epochs in the published form with batches of 64, as published."""

    def training(epochs: int, batch: int, rate: float, held: float = 0.1) -> TrainingSettings:
        return TrainingSettings(
            epochs, batch, rate, bits_price=0.0, patience=epochs, validation=held, seed=seed,
            checkpoint_every=1,
        )  # fmt: skip

    if size is Size.FULL:
        return Settings(
            {"llp": 36_000, "muon": 6_000, "punch-through": 6_000, "noise": 6_000},
            {"llp": 9_000, "muon": 20_000, "punch-through": 20_000, "noise": 1_000_000},
            training(10, 64, RATE, 0.02), training(40, 64, RATE, 0.02), training(40, 128, 2e-3),
            training(80, 256, 3e-3), training(40, 256, 1e-3), rounded=9_000, rate=100.0, second=10.0,
            proof_images=5_000, random_vectors=500, judged=20_000, resamples=500,
        )  # fmt: skip
    return Settings(
        {"llp": 1_600, "muon": 300, "punch-through": 300, "noise": 300},
        {"llp": 1_200, "muon": 800, "punch-through": 800, "noise": 24_000},
        training(3, 32, RATE, 0.05), None, training(6, 64, 3e-3), training(24, 64, 4e-3),
        training(8, 64, 1.5e-3),
    )  # fmt: skip
