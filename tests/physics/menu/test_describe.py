from __future__ import annotations

import pytest

from nanosieve.figure import Provenance
from nanosieve.physics.menu import Selection, menu_rates
from nanosieve.physics.menu.compare import compare
from nanosieve.physics.menu.describe import describe


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"legs": [{"object": "mu", "pt": 26, "isolated": True}]}, "isolated mu > 26"),
        ({"legs": [{"object": "jet", "count": 4, "pt": 15, "eta_max": 2.5}]}, "4 jet > 15, |η| < 2.5"),
        ({"legs": [{"object": "bjet", "pt": 75, "btag_eff": 0.4}]}, "b jet (40 %) > 75"),
        ({"legs": [{"object": "large_jet", "pt": 420, "mass_min": 35}]}, "R=1.0 jet > 420, m > 35"),
        (
            {
                "legs": [
                    {"object": "e", "pt": 7, "quality": "very_loose"},
                    {"object": "mu", "pt": 24, "charge": -1},
                ]
            },
            "very loose e > 7 + mu > 24 of charge -1",
        ),
        (
            {
                "legs": [
                    {"object": "tau", "pt": 20},
                    {"object": "mu", "pt": 12},
                    {"object": "met", "pt": 40},
                ],
                "pairs": [{"between": ("tau", "mu"), "delta_r": {"min": 0.3}, "charge": "opposite"}],
                "exclusive_dr": 0.2,
                "prescale": 5,
            },
            "tau > 20 + mu > 12 + MET > 40; ΔR(tau, mu) > 0.3, opposite charge (tau, mu); "
            "ΔR > 0.2 between different objects; prescale 5",
        ),
        ({"score": {"network": "out/ae", "above": 3.5}}, "score of out/ae > 3.5"),
    ],
)
def test_words(selection, words):
    assert describe(Selection.model_validate(selection)) == words


def test_a_recalled_number_is_never_published(atlas, sample):
    rates = menu_rates(atlas, [sample])
    lines = {line.name: line for line in compare(rates)}
    assert len(lines) == 40
    known, recalled = lines["mu_52"].l1, lines["e_mu_27_9"].l1
    assert known.published.provenance is Provenance.PUBLISHED
    assert known.ratio.value == pytest.approx(rates.l1.total["MU20"].figure.value / 16)
    assert recalled.reference == 21
    assert recalled.published is None
    assert recalled.ratio.value == pytest.approx(rates.l1.total["EM22VHI"].figure.value / 21)
    assert "published" not in str(recalled.to_dict()["reference"])
    for line in lines.values():
        for found in (line.l1, line.hlt):
            assert (found.published is None) == (found.trust != "published")
