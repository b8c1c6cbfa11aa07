"""How to train."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.errors import SettingsError

__all__ = ["TrainingSettings"]


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes:
        epochs: at most.
        batch: events per step.
        learning_rate: of Adam, falling to zero as a cosine over `epochs`.
        bits_price: mean squared error that one EBOP may cost; the price rises from zero over the first
            `price_ramp` of the epochs.
        price_ramp: fraction of the epochs.
        patience: stop after so many epochs without a better objective, counted from the end of the ramp.
        kl_weight: beta of the variational autoencoder (arXiv:2108.03986 uses 0.8).
        validation: fraction of the events that judges, and is never trained on.
        seed: of the order of events and of the noise.
        checkpoint_every: epochs between two checkpoints.
    """

    epochs: int = 60
    batch: int = 1024
    learning_rate: float = 5e-3
    bits_price: float = 1.5e-5
    price_ramp: float = 0.3
    patience: int = 15
    kl_weight: float = 0.8
    validation: float = 0.1
    seed: int = 1
    checkpoint_every: int = 5

    def __post_init__(self) -> None:
        accepted = {
            "epochs": (self.epochs >= 1, "a positive number"),
            "batch": (self.batch >= 2, "at least 2 events"),
            "learning_rate": (self.learning_rate > 0, "a positive number"),
            "bits_price": (self.bits_price >= 0, "zero or a positive number"),
            "price_ramp": (0 <= self.price_ramp <= 1, "a number between 0 and 1"),
            "kl_weight": (0 <= self.kl_weight <= 1, "a number between 0 and 1"),
            "validation": (0 < self.validation < 1, "a number between 0 and 1, both excluded"),
            "checkpoint_every": (self.checkpoint_every >= 1, "a positive number"),
        }
        for name, (good, domain) in accepted.items():
            if not good:
                message = f"{name} is {getattr(self, name)!r}; accepted: {domain}"
                raise SettingsError(message)
