"""Front ends: model file → `Graph`. One folder per format; nothing in a model file is ever executed."""

from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.formats import load_model, run_model

__all__ = ["Calibration", "load_model", "run_model"]
