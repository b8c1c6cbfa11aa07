"""Sizes and working points of the study."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanosieve.compiler.hardware import Budget
from nanosieve.networks.autoencoder import NetworkSettings
from nanosieve.networks.settings import TrainingSettings
from nanosieve.studies.study import Size

__all__ = ["ASSUMED_CROSS_SECTION", "BACKGROUND", "SIGNALS", "Settings", "TriggerSettings", "settings_for"]

BACKGROUND = "sm"
SIGNALS = {"a4l": "A → 4ℓ", "lq": "LQ → bτ", "h0": "h⁰ → ττ", "hch": "h± → τν"}
"""Process → how figures call it."""

ASSUMED_CROSS_SECTION = 15_400.0
"""pb after the lepton filter, for background that states none (ADC2021): what Pythia 8 gives for ours."""


@dataclass(frozen=True)
class TriggerSettings:
    """One trigger: a network, its score and what the hardware may take.

    Attributes:
        name: of the design.
        title: how the report calls it.
        network: ``autoencoder`` or ``variational_autoencoder``.
        score: see `nanosieve.networks.trigger`.
        bits_price: see `TrainingSettings`; a cheap encoder may keep bits for objects that are rarely there.
        budget: time and room.
        published: the row of arXiv:2108.03986 Table III that it stands beside.
    """

    name: str
    title: str
    network: str
    score: str
    bits_price: float
    budget: Budget
    published: str


TRIGGERS = (
    TriggerSettings(
        "vae_trigger",
        "VAE encoder, KL, trigger",
        "variational_autoencoder",
        "kl",
        7e-7,
        Budget(every="25 ns", latency="50 ns", clock="200 MHz", device="xcvu9p"),
        "DNN VAE PTQ 8 bit",
    ),
    TriggerSettings(
        "ae_trigger",
        "AE, reconstruction error, trigger",
        "autoencoder",
        "reconstruction",
        1.5e-5,
        Budget(every="25 ns", latency="100 ns", clock="200 MHz", device="xcvu9p"),
        "DNN AE QAT 8 bit",
    ),
)


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        background, signal: events of the background and of each signal.
        training: how each network is trained.
        network: its shape.
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
    false_positive_rate: float
    network: NetworkSettings = field(default_factory=NetworkSettings)
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


def settings_for(size: Size, seed: int) -> Settings:
    """The settings of a size.

    The full size is that of the published sample: four million background events.
    """
    if size is Size.FULL:
        training = TrainingSettings(epochs=120, patience=30, seed=seed)
        return Settings(
            4_000_000, 56_000, training, 1e-5, network=NetworkSettings(seed=seed), random_vectors=100_000
        )
    return Settings(
        20_000,
        600,
        TrainingSettings(seed=seed),
        1e-2,
        network=NetworkSettings(seed=seed),
        rate="10 kHz",
        crossings="minbias:8000,hard_qcd:5000,w_lnu:500,drell_yan:500,ttbar:100",
        signal_crossings=400,
        pool=3000,
    )
