"""Designs whose weights are loaded before the vectors enter, and those with the weights of the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.difference import check_hardware
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.simulation import simulate
from nanosieve.compiler.verification.stages import Case
from nanosieve.compiler.verification.vector_set import flat, take
from nanosieve.progress import Progress

__all__ = ["ConfiguredStage", "with_loads"]


def with_loads(design: DesignFolder, words: NDArray[np.uint32], seed: int) -> DesignFolder:
    """The design with random words written to all addresses first, so that a word that is not is noticed."""
    noise = np.random.default_rng(seed).integers(0, 2**32, len(words))
    loads = (tuple(noise.tolist()), tuple(words.tolist()))
    return design.model_copy(update={"loads": loads})


@dataclass(frozen=True)
class ConfiguredStage:
    """The RTL with the weights that it has when the device is configured, without a load.

    Attributes:
        design: with reloadable weights.
        streamed: the most vectors that are sent through it.
        seed: of their choice.
    """

    design: DesignFolder
    streamed: int
    seed: int

    name = "rtl"

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""
        pick = np.random.default_rng(self.seed).permutation(len(case.vectors))[: self.streamed]
        codes = take({name: flat(array) for name, array in case.vectors.codes.items()}, pick)
        found = simulate(self.design, codes, progress=progress).outputs
        check_hardware(self.design, case.graph, case.vectors, case.expected, found, pick)
        return {"with the weights of the configuration": len(pick)}
