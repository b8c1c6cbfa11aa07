"""The gun: momentum is kept, decays follow the exponential law, and weights give the same."""

import numpy as np
import pytest

from nanosieve.errors import SettingsError
from nanosieve.physics.events.muon_chambers import LongLivedGun, lifetime_weights
from nanosieve.physics.events.muon_chambers.decays import decay_radii, gun_decays, phase_space

DRAW = np.random.default_rng


def test_a_decay_at_rest_keeps_energy_and_momentum_and_is_isotropic():
    mass = np.full(4000, 30.0)
    momenta = phase_space(mass, 5, DRAW(1))
    assert momenta[..., 3].sum(axis=1) == pytest.approx(mass)
    assert np.abs(momenta[..., :3].sum(axis=1)).max() < 1e-9
    assert np.linalg.norm(momenta[..., :3], axis=-1) == pytest.approx(momenta[..., 3])
    assert np.abs((momenta[..., :3] / momenta[..., 3:]).mean(axis=(0, 1))).max() < 0.015
    pair = phase_space(mass, 2, DRAW(2))
    assert pair[..., 3] == pytest.approx(15.0)


def test_decay_radii_are_exponential_with_the_boost():
    pt, mass, ctau = np.full(20_000, 90.0), np.full(20_000, 30.0), 0.8
    radii = decay_radii(pt, mass, ctau, DRAW(3))
    mean = ctau * 90 / 30
    assert radii.mean() == pytest.approx(mean, rel=0.03)
    edges = np.array([0.5, 1, 2, 4, 8])
    beyond = (radii[:, None] > edges).mean(axis=0)
    assert beyond == pytest.approx(np.exp(-edges / mean), abs=0.012)


@pytest.mark.parametrize("ctau", [0.3, 2.0, 50.0])
def test_weights_give_the_probability_of_a_decay_in_the_muon_system(ctau):
    gun = LongLivedGun()
    found = gun_decays(20_000, gun, 0.19, 3, DRAW(4))
    weights = lifetime_weights(found.radius, found.pt, found.mass, ctau, gun.radius)
    length = ctau * found.pt / found.mass
    inside = np.exp(-gun.radius[0] / length) - np.exp(-gun.radius[1] / length)
    assert weights.mean() == pytest.approx(inside.mean(), abs=4 * weights.std() / np.sqrt(20_000))
    drawn = decay_radii(found.pt, found.mass, ctau, DRAW(5))
    far, counted = found.radius > 7.0, (drawn > 7.0) & (drawn < gun.radius[1])
    error = np.hypot((weights * far).std(), counted.std()) / np.sqrt(20_000)
    assert (weights * far).mean() == pytest.approx(counted.mean(), abs=4 * error)


def test_the_gun_does_what_it_says():
    found = gun_decays(900, LongLivedGun(), 0.19, 3, DRAW(6))
    assert np.bincount(found.number)[2:].tolist() == [100] * 9
    assert np.bincount(found.tracks.image).tolist() == found.number.tolist()
    assert np.hypot(*found.tracks.position[:, :2].T) == pytest.approx(found.radius[found.tracks.image])
    assert found.z == pytest.approx(
        found.tracks.position[np.unique(found.tracks.image, return_index=True)[1], 2]
    )
    summed = np.zeros(900)
    np.add.at(summed, found.tracks.image, np.linalg.norm(found.tracks.momentum, axis=1))
    assert (summed < np.sqrt(found.mass**2 + (found.pt * np.hypot(1, found.z / found.radius)) ** 2)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radius": (9.0, 4.0)}, r"radius is 9.0 to 4.0; give two rising numbers"),
        ({"tracks": (1, 3)}, r"1 tracks .*; give pT above 0, 2 tracks or more"),
        ({"mass": (1.0, 2.0)}, r"masses above 4.19 GeV"),
    ],
)
def test_wrong_guns(settings, message):
    with pytest.raises(SettingsError, match=message):
        LongLivedGun(**settings)


def test_a_lifetime_of_nothing_is_refused():
    with pytest.raises(SettingsError, match=r"c·tau is 0.0 m; give a length above 0"):
        lifetime_weights(np.ones(1), np.ones(1), np.ones(1), 0.0, (1, 2))
