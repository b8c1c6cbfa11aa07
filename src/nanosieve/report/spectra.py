"""Input spectra: what the trigger sees of each process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.report.style import Drawing, Key, colours, headline, panel

__all__ = ["TRIGGER_VARIABLES", "Variable", "histogram", "object_spectra", "outline", "spectra"]

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Variable:
    """One axis of a spectrum.

    Attributes:
        name: key of the variable in the samples.
        label: how the axis calls it.
        unit: its unit; empty for a pure number.
        edges: bin edges, ascending.
    """

    name: str
    label: str
    unit: str
    edges: tuple[float, ...]

    @property
    def axis(self) -> str:
        """Label with unit."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @classmethod
    def uniform(cls, name: str, label: str, unit: str, bins: int, low: float, high: float) -> Variable:
        """A variable with `bins` bins of equal width."""
        return cls(name, label, unit, tuple(float(edge) for edge in np.linspace(low, high, bins + 1)))


_SOFT = (*range(0, 60, 5), 60, 70, 80, 100, 125, 150, 200)
_HARD = (*range(0, 100, 10), 100, 120, 140, 170, 200, 250, 300, 400)

TRIGGER_VARIABLES = (
    Variable("met_pt", "Missing p_T", "GeV", _SOFT),
    Variable("electron_pt", "Leading electron p_T", "GeV", _SOFT),
    Variable("muon_pt", "Leading muon p_T", "GeV", _SOFT),
    Variable("jet_pt", "Leading jet p_T", "GeV", _HARD),
    Variable.uniform("jet_eta", "Leading jet η", "", 20, -4, 4),
    Variable.uniform("jet_multiplicity", "Jet multiplicity", "", 11, -0.5, 10.5),
)
"""Spectra of the 19 objects of arXiv:2107.02157."""


def object_spectra(objects: Values, weights: Values) -> dict[str, tuple[Values, Values]]:
    """The values and weights of `TRIGGER_VARIABLES` in events of 19 objects.

    Args:
        objects: shape (events, 19, 3): missing pT, 4 electrons, 4 muons and 10 jets, ordered in pT [GeV] and
            padded with zeros, each with pT, eta and phi (arXiv:2107.02157).
        weights: shape (events,).

    Raises:
        SampleError: another shape.
    """
    if objects.ndim != 3 or objects.shape[1:] != (19, 3) or weights.shape != objects.shape[:1]:
        shapes = f"{objects.shape}, {weights.shape}"
        message = f"spectra of trigger objects need (N, 19, 3) and (N,) arrays, not {shapes}"
        raise SampleError(message)
    met, electron, muon, jet = (objects[:, row] for row in (0, 1, 5, 9))

    def where_present(leading: Values, column: int) -> tuple[Values, Values]:
        present = leading[:, 0] > 0
        return leading[present, column], weights[present]

    return {
        "met_pt": (met[:, 0], weights),
        "electron_pt": where_present(electron, 0),
        "muon_pt": where_present(muon, 0),
        "jet_pt": where_present(jet, 0),
        "jet_eta": where_present(jet, 1),
        "jet_multiplicity": ((objects[:, 9:, 0] > 0).sum(axis=1).astype(float), weights),
    }


def histogram(values: Values, weights: Values, edges: Sequence[float]) -> tuple[Values, Values]:
    """Contents per bin and their statistical errors, normalised to unit area.

    Weighted entries; the error of a bin is sqrt(sum w^2). Entries outside of `edges` count in the
    normalisation: the area shown is the fraction inside.

    Raises:
        SampleError: values and weights differ in length, hold NaN, or the weights sum to nothing.
    """
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    if values.shape != weights.shape or values.ndim != 1:
        message = f"a spectrum needs as many weights as values, not {weights.shape} for {values.shape}"
        raise SampleError(message)
    if np.isnan(values).any() or np.isnan(weights).any():
        message = "a spectrum holds NaN; remove those events or select before drawing"
        raise SampleError(message)
    total = weights.sum()
    if total <= 0:
        message = "the weights of a spectrum sum to nothing; select events before drawing"
        raise SampleError(message)
    contents = np.histogram(values, edges, weights=weights)[0]
    squares = np.histogram(values, edges, weights=weights**2)[0]
    return contents / total, np.sqrt(squares) / total


def outline(
    axes: Any,
    edges: Values,
    contents: Values,
    errors: Values,
    colour: str,
    *,
    filled: bool,
    logarithmic: bool = False,
) -> None:
    """Draw one histogram with its errors, filled or as a step line with gaps where it is empty.

    The axis of the contents is logarithmic; that of the variable too, if `logarithmic`.
    """
    axes.stairs(
        contents if filled else np.where(contents > 0, contents, np.nan),
        edges,
        fill=filled,
        color=colour,
        alpha=0.45 if filled else 1,
        baseline=1e-12 if filled else None,
        linewidth=0 if filled else 1.3,
    )
    centres = np.sqrt(edges[1:] * edges[:-1]) if logarithmic else (edges[1:] + edges[:-1]) / 2
    seen = contents > 0
    down = np.minimum(errors[seen], 0.999 * contents[seen])
    axes.errorbar(
        centres[seen], contents[seen], (down, errors[seen]), fmt="none", ecolor=colour, elinewidth=0.7
    )


def spectra(
    samples: Mapping[str, Mapping[str, tuple[Values, Values]]],
    *,
    background: str,
    variables: Sequence[Variable] = TRIGGER_VARIABLES,
    conditions: str = "",
) -> Drawing:
    """One panel per variable: the background filled, the signals outlined, all of unit area.

    Args:
        samples: process → variable name → (values, weights), each of shape (entries,).
        background: the process that is drawn filled.
        variables: what to draw; a process without a variable is left out of its panel.
        conditions: right end of the headline, e.g. ``"√s = 13 TeV"``.

    Raises:
        SampleError: see `histogram`.
    """
    colour = colours(list(samples), background)

    def draw_one(variable: Variable) -> str:
        edges = np.asarray(variable.edges, float)
        unit, per = _per_bin(variable)

        def draw(axes: Any) -> None:
            lowest, highest = 1.0, 0.0
            for process, columns in samples.items():
                if variable.name not in columns or not len(columns[variable.name][0]):
                    continue
                contents, errors = (
                    part / unit for part in histogram(*columns[variable.name], variable.edges)
                )
                outline(axes, edges, contents, errors, colour[process], filled=process == background)
                lowest = min(lowest, contents[contents > 0].min(initial=1.0))
                highest = max(highest, contents.max())
            axes.set_yscale("log")
            axes.set_ylim(max(0.5 * lowest, 1e-7), 4 * highest or 1)
            axes.set_xlim(edges[0], edges[-1])
            axes.set_xlabel(variable.axis)
            axes.set_ylabel(f"Fraction of entries{per}")
            headline(axes, "", conditions)

        return panel(draw, label=f"Spectrum of {variable.name} for {', '.join(samples)}")

    key = tuple(Key(name, colour[name], "fill" if name == background else "line") for name in samples)
    return Drawing(tuple(draw_one(variable) for variable in variables), key=key)


def _per_bin(variable: Variable) -> tuple[Values, str]:
    """What the contents are divided by, and how the axis says it: bins that differ show a density."""
    widths = np.diff(np.asarray(variable.edges, float))
    if not np.allclose(widths, widths[0]):
        return widths, f" / {variable.unit or 'unit'}"
    words = f" / {widths[0]:g} {variable.unit}".rstrip() if variable.unit or widths[0] != 1 else ""
    return np.ones_like(widths), words
