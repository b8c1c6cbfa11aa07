"""The stage of an equality proof for the AXI4-Stream wrapper of a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.verification.difference import check_hardware
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.stages import Case
from nanosieve.compiler.verification.stream import Stalls, simulate_stream, wrapper_path
from nanosieve.compiler.verification.vector_set import flat, take
from nanosieve.progress import Progress

__all__ = ["StreamStage"]


@dataclass(frozen=True)
class StreamStage:
    """The AXI4-Stream wrapper, with sources and sinks that stall, and a reset in mid-stream.

    Attributes:
        design: a design with ``axi/``.
        streamed: the most vectors that are sent through it.
        seed: of their choice and of the stalls.
    """

    design: DesignFolder
    streamed: int
    seed: int

    name = "axi"

    @classmethod
    def of(cls, design: DesignFolder, streamed: int, seed: int) -> list[StreamStage]:
        """The stage, if `design` has a wrapper and vectors are wanted."""
        # a stall lasts for some intervals, so fewer vectors do as much where the interval is long
        number = min(streamed, max(50, 1000 // design.interval_cycles))
        return [cls(design, number, seed)] if number and wrapper_path(design).is_file() else []

    def check(self, case: Case, progress: Progress) -> Mapping[str, int]:
        """See `Stage.check`."""
        pick = np.random.default_rng(self.seed).permutation(len(case.vectors))[: self.streamed]
        codes = take({name: flat(array) for name, array in case.vectors.codes.items()}, pick)
        middle = self.design.latency_cycles + len(pick) * self.design.interval_cycles // 2
        design = self.design.model_copy(update={"level": "AXI"})
        for stalls in (Stalls(seed=self.seed), Stalls(0.3, 0.3, self.seed, reset=middle)):
            found = simulate_stream(self.design, codes, stalls, progress=progress)
            check_hardware(design, case.graph, case.vectors, case.expected, found.outputs, pick)
            count = min(len(array) for array in found.aborted.values())
            if count:
                early = take(found.aborted, slice(count))
                check_hardware(design, case.graph, case.vectors, case.expected, early, pick[:count])
        return {"through AXI4-Stream": len(pick)}
