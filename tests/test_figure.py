"""Figures: rounding, provenance, JSON."""

from __future__ import annotations

import pytest

from nanosieve.figure import Figure, Provenance


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.345, 0.21, "12.35 ± 0.21"),
        (1234567.0, None, "1,234,567"),
        (0.0, None, "0"),
        (717_613_248.3, 3_036_073.0, "(7.176 ± 0.030) × 10⁸"),
        (2.038e-5, 1e-7, "(2.038 ± 0.010) × 10⁻⁵"),
        (4.2e-7, None, "4.2 × 10⁻⁷"),
        (0.0, 1e-6, "(0.0 ± 1.0) × 10⁻⁶"),
        (-3.14159, None, "-3.14"),
    ],
)
def test_numbers_are_rounded_to_their_error(value: float, error: float | None, text: str) -> None:
    assert Figure(value, "", Provenance.SIMULATED, error=error).number() == text


@pytest.mark.parametrize("provenance", [Provenance.PUBLISHED, Provenance.MEASURED])
def test_a_source_is_needed(provenance: Provenance) -> None:
    with pytest.raises(ValueError, match=r"needs its source"):
        Figure(1.0, "ns", provenance)


def test_bad_figures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"not a valid Provenance"):
        Figure(1.0, "ns", "guessed")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"is not negative"):
        Figure(1.0, "ns", Provenance.SIMULATED, error=-1.0)


def test_json_form_comes_back() -> None:
    figure = Figure(80.0, "ns", Provenance.PUBLISHED, source="arXiv:2108.03986")
    assert Figure.from_dict(figure.to_dict()) == figure
