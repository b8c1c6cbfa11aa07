"""Compression of one's own Keras network: distillation, pruning of weights and of whole filters, quantisation
after and in training, and the search.

Needs the extra ``train``; see ``docs/compress.md``.
"""

from nanosieve.networks.compress.cut import cut, cuttable, strongest
from nanosieve.networks.compress.distil import Distillation, distil
from nanosieve.networks.compress.fit import fit
from nanosieve.networks.compress.front import Candidate, Front
from nanosieve.networks.compress.hints import Hint
from nanosieve.networks.compress.judge import float_outputs, judge
from nanosieve.networks.compress.metrics import (
    Metric,
    accuracy,
    efficiency_at_false_positive_rate,
    efficiency_at_rate,
    paired_loss,
)
from nanosieve.networks.compress.plain import plain, scores_of
from nanosieve.networks.compress.quantised import Widths, quantised
from nanosieve.networks.compress.recipe import Recipe, Workshop
from nanosieve.networks.compress.search import search
from nanosieve.networks.compress.slim import Slimming, slim
from nanosieve.networks.pruning import PruningSchedule, keep_pruned, prune, sparsity

__all__ = [
    "Candidate",
    "Distillation",
    "Front",
    "Hint",
    "Metric",
    "PruningSchedule",
    "Recipe",
    "Slimming",
    "Widths",
    "Workshop",
    "accuracy",
    "cut",
    "cuttable",
    "distil",
    "efficiency_at_false_positive_rate",
    "efficiency_at_rate",
    "fit",
    "float_outputs",
    "judge",
    "keep_pruned",
    "paired_loss",
    "plain",
    "prune",
    "quantised",
    "scores_of",
    "search",
    "slim",
    "sparsity",
    "strongest",
]
