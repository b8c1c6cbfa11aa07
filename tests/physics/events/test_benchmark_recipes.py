"""The signals of farm comparisons are what their titles say."""

from __future__ import annotations

import pytest

from nanosieve.physics.events.crossings.pythia_source import start_pythia
from nanosieve.physics.events.recipe import load_recipe

pytestmark = pytest.mark.slow
BEAMS = ("Beams:idA = 2212", "Beams:idB = 2212", "Beams:eCM = 13000.0")


def collisions(name, number):
    """Codes, codes of the mothers, pT and mass of all entries of the event record."""
    pythia = start_pythia(load_recipe(name), BEAMS, 1)
    for _ in range(number):
        assert pythia.next()
        record = pythia.event
        yield [(p.id(), record[p.mother1()].id(), p.pT(), p.m()) for p in record]


@pytest.mark.parametrize(
    ("name", "code", "mother", "number"),
    [
        ("higgs_tautau", 15, 25, 2),
        ("higgs_bb_boosted", 5, 25, 2),
        ("di_higgs_4b", 5, 25, 4),
        ("compressed_susy", 52, 55, 2),
        ("z_prime_tt", 6, 32, 2),
    ],
)
def test_decays(name, code, mother, number):
    for record in collisions(name, 5):
        assert len([found for found in record if (abs(found[0]), found[1]) == (code, mother)]) == number


def test_strange_b_mesons_go_to_two_muons():
    found = [
        (abs(code), abs(mother))
        for record in collisions("bs_mumu", 60)
        for code, mother, _, _ in record
        if abs(mother) == 531 and abs(code) != 531  # they oscillate
    ]
    assert found
    assert {code for code, _ in found} <= {13, 22}
    assert found.count((13, 531)) % 2 == 0


def test_the_higgs_boson_is_boosted_and_pairs_of_them_are_heavy():
    for record in collisions("higgs_bb_boosted", 5):
        assert next(pt for code, _, pt, _ in record if code == 25) > 249  # of the hard process
    for record in collisions("di_higgs_4b", 5):
        assert 250 < next(mass for code, _, _, mass in record if code == 35) < 601


def test_the_invisible_pair_recoils_against_a_jet():
    for record in collisions("compressed_susy", 5):
        assert next(pt for code, _, pt, _ in record if code == 55) > 99
