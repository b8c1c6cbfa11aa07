"""Errors of numbers from one long simulation: the method of batch means.

Events that follow each other meet the same queue and are correlated, so that the error of a mean does not
fall with the root of their number. The run is cut into batches much longer than the memory of the queue;
their means are nearly independent (A. M. Law, Simulation Modeling and Analysis, ch. 9).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.farm.engine.checks import whole
from nanosieve.figure import Figure, Provenance

__all__ = ["BATCHES", "fraction_of_batches", "mean_of_batches", "quantiles_of_batches", "ratio_of_batches"]

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Relative spread below which numbers differ by their rounding alone."""
BATCHES = 20
"""Batches of a run where the user says nothing."""


def check_batches(batches: int) -> None:
    """Refuse a number of batches without a spread.

    Raises:
        SettingsError: fewer than two.
    """
    whole(batches, name="batches", least=2)
    if not np.isfinite(batches):
        message = f"batches = {batches!r} is not finite; write for example {BATCHES}"
        raise SettingsError(message)


def mean_of_batches(values: Floats, unit: str) -> Figure:
    """The mean of (B,) batches; its error is their spread over the root of B. NaN batches are left out.

    >>> print(mean_of_batches(np.array([1.0, 2.0, 3.0, 2.0]), "kHz"))
    2.00 ± 0.41 kHz (simulated)
    >>> print(mean_of_batches(np.array([100.0, 100.00000000000003]), "%"))
    100 % (simulated)
    """
    filled = values[np.isfinite(values)]
    value = float(filled.mean()) if len(filled) else float("nan")
    if len(filled) < 2:
        return Figure(value, unit, Provenance.SIMULATED)
    return _figure(value, float(filled.std(ddof=1) / len(filled) ** 0.5), unit)


def _figure(value: float, error: float, unit: str) -> Figure:
    """A simulated number, exact where only rounding makes its error, as of what is always busy."""
    if error < ROUNDING * abs(value):
        value, error = float(f"{value:.12g}"), 0.0
    return Figure(value, unit, Provenance.SIMULATED, error=error)


def ratio_of_batches(part: Floats, total: Floats, unit: str = "%", scale: float = 100.0) -> Figure:
    """``scale Σ part / Σ total`` of (B,) batches, with the error of a ratio estimator.

    The error is that of the residuals ``part - r total``, as batches hold different numbers of events.

    >>> print(ratio_of_batches(np.array([1.0, 3.0]), np.array([10.0, 10.0])))
    20 ± 10 % (simulated)
    >>> print(ratio_of_batches(np.array([0.1, 0.3 * (1 - 1e-16)]), np.array([0.1, 0.3])))
    100 % (simulated)
    """
    everything = float(total.sum())
    if not everything > 0:
        return Figure(float("nan"), unit, Provenance.SIMULATED)
    ratio = float(part.sum()) / everything
    spread = float((part - ratio * total).std(ddof=1)) * len(part) ** 0.5 / everything
    return _figure(scale * ratio, scale * spread, unit)


def fraction_of_batches(part: Floats, total: Floats) -> Figure:
    """Events of (B,) batches in % of others, as `ratio_of_batches`; none, or all, is known to one event only.

    >>> print(fraction_of_batches(np.zeros(4), np.full(4, 250.0)))
    0.00 ± 0.10 % (simulated)
    """
    found = ratio_of_batches(part, total)
    if found.error == 0 and part.sum() in (0, total.sum()):
        return Figure(found.value, "%", Provenance.SIMULATED, error=100 / float(total.sum()))
    return found


def quantiles_of_batches(
    values: Floats, batch: NDArray[np.int64], batches: int, probabilities: tuple[float, ...], unit: str
) -> dict[float, Figure]:
    """Quantiles of all (N,) values; their errors from the spread of the quantiles of the batches.

    A batch has to hold ten values beyond a quantile to say something of it; where fewer than two batches
    do, the error is None.
    """
    if not len(values):
        return {p: Figure(float("nan"), unit, Provenance.SIMULATED) for p in probabilities}
    order = np.argsort(batch, kind="stable")
    parts = np.split(values[order], np.searchsorted(batch[order], np.arange(1, batches)))
    found = {}
    for p in probabilities:
        enough = [part for part in parts if len(part) * min(p, 1 - p) >= 10]
        own = np.array([np.quantile(part, p) for part in enough])
        error = float(own.std(ddof=1) / len(own) ** 0.5) if len(own) > 1 else None
        found[p] = Figure(float(np.quantile(values, p)), unit, Provenance.SIMULATED, error=error)
    return found
