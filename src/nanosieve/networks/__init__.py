"""The benchmark networks: building, training, scores, and the trigger that goes to the compiler.

Needs the extra ``train``; everything heavy is imported when it is first used.
"""

from nanosieve.networks.autoencoder import (
    NetworkSettings,
    build_autoencoder,
    build_variational_autoencoder,
)
from nanosieve.networks.convolutional import (
    ConvolutionalSettings,
    build_convolutional_autoencoder,
    build_convolutional_variational_autoencoder,
)
from nanosieve.networks.exactness import widest_sums
from nanosieve.networks.model_file import load_model, save_model
from nanosieve.networks.objects import flatten_objects, normalising_exponents
from nanosieve.networks.post_training import quantise_after_training
from nanosieve.networks.scores import anomaly_scores
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained, ebops, train
from nanosieve.networks.trigger import SCORES, assemble_trigger, round_threshold, score_step

__all__ = [
    "SCORES",
    "ConvolutionalSettings",
    "NetworkSettings",
    "Trained",
    "TrainingSettings",
    "anomaly_scores",
    "assemble_trigger",
    "build_autoencoder",
    "build_convolutional_autoencoder",
    "build_convolutional_variational_autoencoder",
    "build_variational_autoencoder",
    "ebops",
    "flatten_objects",
    "load_model",
    "normalising_exponents",
    "quantise_after_training",
    "round_threshold",
    "save_model",
    "score_step",
    "train",
    "widest_sums",
]
