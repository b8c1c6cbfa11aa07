"""Sizes and working points of the study."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nanosieve.compiler.hardware import Budget
from nanosieve.networks.autoencoder import NetworkSettings
from nanosieve.networks.convolutional import ConvolutionalSettings
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = [
    "ASSUMED_CROSS_SECTION",
    "BACKGROUND",
    "EVENT_SIZE",
    "SIGNALS",
    "Settings",
    "TriggerSettings",
    "settings_for",
]

BACKGROUND = "sm"
SIGNALS = {"a4l": "A → 4ℓ", "lq": "LQ → bτ", "h0": "h⁰ → ττ", "hch": "h± → τν"}
"""Process → how figures call it."""

ASSUMED_CROSS_SECTION = 15_400.0
"""pb after the lepton filter, for background that states none (ADC2021): what Pythia 8 gives for ours."""
EVENT_SIZE = 2.0
"""MB that the detector reads out for one event, assumed: 1.6 Tb/s at 100 kHz, as in CMS in Run 3."""


@dataclass(frozen=True)
class TriggerSettings:
    """One trigger: a network, its scores and what the hardware may take.

    Attributes:
        name: of the design.
        title: how the report calls it.
        network: one of `nanosieve.studies.l1_anomaly.networks.BUILDERS`.
        scores: see `nanosieve.networks.trigger`; the first is in the hardware.
        budget: time and room.
        published: the row of arXiv:2108.03986 Table III that it stands beside.
        bits_price: see `TrainingSettings`; a cheap encoder may keep bits for objects that are rarely there.
            Zero where bits are not learned.
        bits: of weights and values quantised after training; zero where bits are learned.
        sparsity: part of the weights that are pruned before that.
    """

    name: str
    title: str
    network: str
    scores: tuple[str, ...]
    budget: Budget
    published: str
    bits_price: float = 0.0
    bits: int = 0
    sparsity: float = 0.5

    @property
    def kind(self) -> str:
        """How it is quantised, in words."""
        if not self.bits:
            return "quantisation-aware, learned bits"
        return f"{self.bits} bits after training, {100 * self.sparsity:g} % pruned"


def _budget(every: str, latency: str) -> Budget:
    return Budget(every=every, latency=latency, clock="200 MHz", device="xcvu9p")


TRIGGERS = (
    TriggerSettings(
        "vae_trigger", "DNN VAE, learned bits", "variational_autoencoder", ("kl", "rz"),
        _budget("25 ns", "80 ns"), "DNN VAE PTQ 8 bit", bits_price=7e-7,
    ),
    TriggerSettings(
        "vae_after_trigger", "DNN VAE, 8 bits after training", "variational_autoencoder", ("kl", "rz"),
        _budget("25 ns", "80 ns"), "DNN VAE PTQ 8 bit", bits=8,
    ),
    TriggerSettings(
        "ae_trigger", "DNN AE, learned bits", "autoencoder", ("reconstruction",),
        _budget("25 ns", "130 ns"), "DNN AE QAT 8 bit", bits_price=2.5e-5,
    ),
    TriggerSettings(
        "cnn_vae_trigger", "CNN VAE, 8 bits after training", "convolutional_variational_autoencoder",
        ("rz", "kl"), _budget("115 ns", "365 ns"), "CNN VAE PTQ 8 bit", bits=8,
    ),
    TriggerSettings(
        "cnn_ae_trigger", "CNN AE, learned bits", "convolutional_autoencoder", ("reconstruction",),
        _budget("895 ns", "1480 ns"), "CNN AE QAT 4 bit", bits_price=5e-6,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        background, signal: events of the background and of each signal.
        training, convolutional_training: how each network is trained, in floating point first and then on
            from there with learned bits, or pruned.
        network, convolutional: shapes of the dense and the convolutional ones.
        false_positive_rate: of the working point that the paper uses; 1e-5 needs the full size.
        rate: trigger rate of the working point in the hardware.
        luminosity, bunches, pileup: behind the rates; the three belong together.
        crossings: bunch crossings of the background, process:number.
        signal_crossings: of each signal.
        pool: minimum-bias collisions that pile-up is drawn from.
        proof_events: events of the proof, at most.
        random_vectors: random full-range vectors of the proof.
        train_fraction: part of the background that is trained on; the rest fixes the thresholds.
        triggers: what is built.
    """

    background: int
    signal: int
    training: TrainingSettings
    convolutional_training: TrainingSettings
    false_positive_rate: float
    network: NetworkSettings = field(default_factory=NetworkSettings)
    convolutional: ConvolutionalSettings = field(default_factory=ConvolutionalSettings)
    rate: str = "1 kHz"
    luminosity: str = "2e34 / cm**2 / s"
    bunches: int = 2544
    pileup: float = 55.93
    crossings: str = "minbias:400000,hard_qcd:400000,w_lnu:40000,drell_yan:40000,ttbar:10000"
    signal_crossings: int = 20_000
    pool: int = 50_000
    proof_events: int = 200_000
    random_vectors: int = 20_000
    train_fraction: float = 0.6
    triggers: tuple[TriggerSettings, ...] = TRIGGERS

    def training_of(self, network: str) -> TrainingSettings:
        """How a network is trained, by its name in `TriggerSettings`."""
        return self.convolutional_training if network.startswith("convolutional") else self.training


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size.

    The full size is that of the published sample: four million background events.
    """
    if size is Size.FULL:
        training = TrainingSettings(epochs=120, patience=30, seed=seed)
        return Settings(
            4_000_000, 56_000, training, replace(training, learning_rate=3e-3), 1e-5,
            network=NetworkSettings(seed=seed), convolutional=ConvolutionalSettings(seed=seed),
            random_vectors=100_000,
        )  # fmt: skip
    return Settings(
        5000,
        400,
        TrainingSettings(seed=seed),
        TrainingSettings(epochs=20, batch=256, learning_rate=3e-3, patience=20, seed=seed),
        1e-2,
        network=NetworkSettings(seed=seed),
        convolutional=ConvolutionalSettings(seed=seed),
        rate="10 kHz",
        crossings="minbias:4000,hard_qcd:3000,w_lnu:300,drell_yan:300,ttbar:100",
        signal_crossings=400,
        pool=3000,
        proof_events=8000,
        random_vectors=5000,
    )
