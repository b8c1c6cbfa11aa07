"""The networks of the studies, to be timed on CPUs and GPUs; weights are random, since time does not ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nanosieve._require import require
from nanosieve.errors import UnknownNameError

__all__ = ["TIMED_NETWORKS", "TimedNetwork", "find_timed_network", "parameters"]

Build = Callable[[], Any]

_WEIGHTS = frozenset({
    "kernel", "recurrent_kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance",
})  # fmt: skip


@dataclass(frozen=True)
class TimedNetwork:
    """A network of a study.

    Attributes:
        title: one line.
        reference: the publication.
        build: makes the functional Keras model, with random weights.
    """

    title: str
    reference: str
    build: Build


def find_timed_network(name: str) -> TimedNetwork:
    """The network of that name.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    if name not in TIMED_NETWORKS:
        raise UnknownNameError.among("network", name, TIMED_NETWORKS)
    return TIMED_NETWORKS[name]


def parameters(model: Any) -> int:
    """Weights, biases and the four numbers of each batch normalisation; those of quantisers do not count."""
    return sum(math.prod(variable.shape) for variable in model.weights if variable.name in _WEIGHTS)


def _l1_anomaly(kind: str, variational: bool) -> Any:
    """In floating point; of a variational autoencoder what a trigger runs, the encoder."""
    if kind == "dense":
        from nanosieve.networks import autoencoder as dense

        settings: Any = dense.NetworkSettings(learned=False)
        build: Callable[[Any], Any]
        build = dense.build_variational_autoencoder if variational else dense.build_autoencoder
    else:
        from nanosieve.networks import convolutional

        settings = convolutional.ConvolutionalSettings(learned=False)
        build = (
            convolutional.build_convolutional_variational_autoencoder
            if variational
            else convolutional.build_convolutional_autoencoder
        )
    model = build(settings)
    if not variational:
        return model
    keras = require("keras", extra="train", purpose="building a network")
    return keras.Model(model.inputs[0], model.outputs[1:], name=f"{model.name}_encoder")


def _recurrent(benchmark: str, cell: str) -> Any:
    from nanosieve.networks.recurrent import build_recurrent

    return build_recurrent(benchmark, cell)


def _images() -> Any:
    from nanosieve.studies.cnn.network import build_network

    return build_network(1)


def _jets(kind: str) -> Any:
    from nanosieve.networks import jet_taggers

    if kind == "dense":
        return jet_taggers.dense_tagger()
    return (jet_taggers.deep_sets if kind == "deep sets" else jet_taggers.linear_attention)(32)


def _decay_length() -> Any:
    from nanosieve.networks.decay_length import build_decay_length

    return build_decay_length()


def _muon(kind: str) -> Any:
    from nanosieve.networks import muon

    return muon.build_teacher() if kind == "teacher" else muon.build_student()


_RNN, _L1, _LLP = "arXiv:2207.00559", "arXiv:2108.03986", "arXiv:2307.05152"
_MUON = "doi:10.1140/epjc/s10052-021-09770-w"

TIMED_NETWORKS: Mapping[str, TimedNetwork] = {
    "l1-anomaly-dnn-ae": TimedNetwork(
        "dense autoencoder of 57 values", _L1, partial(_l1_anomaly, "dense", False)
    ),
    "l1-anomaly-dnn-vae": TimedNetwork(
        "encoder of the dense variational autoencoder", _L1, partial(_l1_anomaly, "dense", True)
    ),
    "l1-anomaly-cnn-ae": TimedNetwork(
        "convolutional autoencoder of 19 × 3 values", _L1, partial(_l1_anomaly, "convolutional", False)
    ),
    "l1-anomaly-cnn-vae": TimedNetwork(
        "encoder of the convolutional variational autoencoder",
        _L1,
        partial(_l1_anomaly, "convolutional", True),
    ),
    **{
        f"rnn-{benchmark}-{cell.lower()}": TimedNetwork(
            f"{cell}, {title}", _RNN, partial(_recurrent, benchmark, cell)
        )
        for benchmark, title in (
            ("top", "20 constituents × 6"),
            ("flavour", "15 tracks × 6"),
            ("quickdraw", "100 strokes × 3"),
        )
        for cell in ("LSTM", "GRU")
    },
    "cnn-svhn": TimedNetwork("convolutions of 32 × 32 × 3 pixels", "arXiv:2101.05108", _images),
    "jets-dense": TimedNetwork("dense tagger of 16 features", "arXiv:1804.06913", partial(_jets, "dense")),
    "jets-deep-sets": TimedNetwork(
        "deep sets of 32 constituents", "arXiv:1703.06114", partial(_jets, "deep sets")
    ),
    "jets-attention": TimedNetwork(
        "linear attention of 32 constituents", "arXiv:2508.15468", partial(_jets, "attention")
    ),
    "llp-cnn": TimedNetwork("decay length from 20 × 333 hits", _LLP, _decay_length),
    "muon-teacher": TimedNetwork("muon momentum from 9 × 16 strips", _MUON, partial(_muon, "teacher")),
    "muon-student": TimedNetwork("the same, a tenth of the size", _MUON, partial(_muon, "student")),
}
"""By the name that profiles use. A new study adds its networks here."""
