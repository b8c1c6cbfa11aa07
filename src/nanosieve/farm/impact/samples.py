"""The crossings of a study: what trigger rates are made of, and the signals, in one trigger sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanosieve.errors import UnknownNameError
from nanosieve.farm.impact.signals import SIGNALS, find_signals
from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.progress import Progress, silent

__all__ = ["SIZES", "SampleSize", "make_crossings"]


@dataclass(frozen=True)
class SampleSize:
    """Numbers of crossings.

    Attributes:
        background: in the shares of `BACKGROUND`.
        signal: of each signal.
        pool: minimum-bias collisions that pile-up is drawn from.
    """

    background: int
    signal: int
    pool: int


BACKGROUND: Mapping[str, float] = {
    "qcd_35_130": 0.45,
    "hard_qcd": 0.30,
    "minbias": 0.14,
    "w_lnu": 0.03,
    "photon_jet": 0.03,
    "drell_yan": 0.02,
    "jpsi_mumu": 0.02,
    "upsilon_mumu": 0.005,
    "ttbar": 0.005,
}
"""Process → share of the crossings: most where few crossings carry most of the rate of a line."""

SIZES: Mapping[str, SampleSize] = {
    "small": SampleSize(background=15_000, signal=250, pool=3_000),
    "full": SampleSize(background=300_000, signal=10_000, pool=20_000),
}
"""``small`` takes two and a half minutes on two cores, ``full`` about an hour. With ``small`` the threshold
of the high-level trigger at 1 kHz rests on few crossings of a large weight, and is known to a fifth."""


def make_crossings(
    path: str | Path,
    size: str = "small",
    *,
    signals: Sequence[str] = tuple(SIGNALS),
    pileup: float = 56.0,
    energy: float = 13_000.0,
    filling: str = "lhc-2544-48b",
    seed: int = 1,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> TriggerSample:
    """Make the crossings of a study, or open those that are there and were made with the same request.

    Background and signals lie in one sample and share their pool of pile-up.

    Args:
        path: of the sample, ends in ``.parquet``.
        size: one of `SIZES`.
        signals: names in `SIGNALS`.
        pileup: mean number of collisions in a crossing; 56 are 2 × 10³⁴ cm⁻² s⁻¹ in 2544 bunches.
        energy: of the centre of mass, GeV.
        filling, seed, workers, scheduler, progress: as in `make_trigger_sample`.

    Raises:
        UnknownNameError: no such size or signal.
        SettingsError, OutputError, ToolError: as `make_trigger_sample`.
    """
    if size not in SIZES:
        raise UnknownNameError.among("size", size, SIZES)
    chosen = SIZES[size]
    parts = [f"{name}:{round(share * chosen.background)}" for name, share in BACKGROUND.items()]
    parts += [f"{signal.recipe}:{chosen.signal}" for signal in find_signals(signals)]
    made = make_trigger_sample(
        ",".join(parts),
        chosen.signal,
        path,
        pileup=pileup,
        energy=energy,
        detector="atlas",
        filling=filling,
        pool=chosen.pool,
        seed=seed,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )
    return open_trigger_sample(made.path)
