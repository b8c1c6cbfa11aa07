"""Front ends: model file → `Graph`. One file per format; nothing in a model file is ever executed."""

from nanosieve.compiler.frontends.keras_hgq import graph_of, load_keras
from nanosieve.compiler.frontends.keras_model import framework_outputs, load_keras_model

__all__ = ["framework_outputs", "graph_of", "load_keras", "load_keras_model"]
