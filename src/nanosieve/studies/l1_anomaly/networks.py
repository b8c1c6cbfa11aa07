"""Networks of the study: trained in floating point, and trained on as their hardware will compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nanosieve._require import require
from nanosieve.networks.autoencoder import build_autoencoder, build_variational_autoencoder
from nanosieve.networks.convolutional import (
    build_convolutional_autoencoder,
    build_convolutional_variational_autoencoder,
)
from nanosieve.networks.objects import normalising_exponents
from nanosieve.networks.post_training import quantise_after_training
from nanosieve.networks.pruning import PruningSchedule
from nanosieve.networks.training import Trained, train
from nanosieve.progress import Progress
from nanosieve.studies.l1_anomaly.events import Events
from nanosieve.studies.l1_anomaly.settings import Settings, TriggerSettings

__all__ = ["BUILDERS", "Network", "make_network"]

BUILDERS: dict[str, Callable[[Any], Any]] = {
    "autoencoder": build_autoencoder,
    "variational_autoencoder": build_variational_autoencoder,
    "convolutional_autoencoder": build_convolutional_autoencoder,
    "convolutional_variational_autoencoder": build_convolutional_variational_autoencoder,
}
RANGES_FROM = 10_000
"""Events that fix the ranges of a network quantised after training, at most."""


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        floating: the float network, all weights kept and trained as long: what quantisation and pruning are
            measured against.
        trained: the training that the weights of the hardware come from.
        model: what goes into hardware.
    """

    floating: Trained
    trained: Trained
    model: Any


def make_network(
    trigger: TriggerSettings, settings: Settings, background: Events, folder: Path, progress: Progress
) -> Network:
    """Train what the trigger needs, or load what an earlier call has trained into `folder`.

    Raises:
        SampleError: the events cannot be used.
        OutputError: the folder cannot be written to.
    """

    training = settings.training_of(trigger.network)

    def trained(
        model: Any, where: str, price: float = 0.0, pruning: PruningSchedule | None = None
    ) -> Trained:
        return train(
            model,
            background.objects,
            folder / where,
            weights=background.weights,
            settings=replace(training, bits_price=price),
            pruning=pruning,
            progress=progress,
        )

    layers = require("nanosieve.networks.layers", extra="train", purpose="training a network")
    begun = trained(_build(trigger, settings, background, learned=False), "begun")

    def going_on(*, learned: bool) -> Any:
        model = _build(trigger, settings, background, learned=learned)
        layers.copy_weights(model, begun.model)
        return model

    floating = trained(going_on(learned=False), "float")
    if not trigger.bits:
        result = trained(going_on(learned=True), "learned", price=trigger.bits_price)
        return Network(floating, result, result.model)
    model = going_on(learned=False)
    result = trained(model, "pruned", pruning=_pruning(trigger, model))
    narrow = quantise_after_training(result.model, background.objects[:RANGES_FROM], trigger.bits)
    return Network(floating, result, narrow)


def _build(trigger: TriggerSettings, settings: Settings, background: Events, *, learned: bool) -> Any:
    build = BUILDERS[trigger.network]
    if trigger.network.startswith("convolutional"):
        return build(replace(settings.convolutional, learned=learned))
    exponents = normalising_exponents(background.objects, background.weights)
    return build(replace(settings.network, input_exponents=exponents, learned=learned))


def _pruning(trigger: TriggerSettings, model: Any) -> PruningSchedule:
    """As published: in both halves of an autoencoder, in the encoder alone of a variational one."""
    decoder = [
        layer.name
        for layer in model.layers
        if layer.name.startswith(("decoder", "output")) and hasattr(layer, "kernel")
    ]
    spare = decoder if "variational" in trigger.network else ()
    return PruningSchedule(trigger.sparsity, end=0.3, spare=spare)
