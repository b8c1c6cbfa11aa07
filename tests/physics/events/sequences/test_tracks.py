"""The perigee of helices against a brute search, and the resolutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.sequences.tracks import (
    CURVATURE,
    ImpactResolution,
    charge,
    lifetime_sign,
    perigee,
    track,
)

FIELD = 3.8


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0.6, 50),
    st.floats(-2, 2),
    st.floats(-3, 3),
    st.sampled_from([-1, 1]),
    st.floats(-8, 8),
    st.floats(-8, 8),
)
def test_the_perigee_is_the_nearest_point(
    pt: float, eta: float, phi: float, q: int, x: float, y: float
) -> None:
    d0, z0, phi0 = (
        float(v[0])
        for v in perigee(
            np.array([pt]), np.array([eta]), np.array([phi]), np.array([q]), np.array([[x, y, 5.0]]), FIELD
        )
    )
    radius = q * pt / (CURVATURE * FIELD) * 1e3
    s = np.linspace(-30, 30, 60_001)  # path in the transverse plane, from the vertex
    angle = phi - s / radius
    px = x + radius * (np.sin(phi) - np.sin(angle))
    py = y - radius * (np.cos(phi) - np.cos(angle))
    nearest = np.hypot(px, py).argmin()
    assert abs(d0) == pytest.approx(np.hypot(px, py)[nearest], abs=2e-3)
    if np.hypot(x, y) > 0.1:
        assert z0 == pytest.approx(5.0 + s[nearest] * np.sinh(eta), abs=5e-2)
        assert np.cos(phi0 - angle[nearest]) == pytest.approx(1.0, abs=1e-4)
    assert d0 * -np.sin(phi0) == pytest.approx(px[nearest], abs=1e-2)


def test_prompt_tracks_have_no_impact_parameter() -> None:
    d0, z0, phi0 = perigee(
        np.array([2.0]), np.array([0.7]), np.array([0.3]), np.array([-1]), np.zeros((1, 3)), FIELD
    )
    assert (d0[0], z0[0], phi0[0]) == pytest.approx((0, 0, 0.3))


def test_a_decay_in_flight_is_positive() -> None:
    """A track that turns away from the axis of a decay 5 mm along it; one that comes from behind is not."""
    sign = []
    for where in (5.0, -5.0):
        d0, _, phi0 = perigee(
            np.array([10.0]), np.zeros(1), np.array([0.1]), np.array([1]), np.array([[where, 0, 0]]), FIELD
        )
        sign.append(float(lifetime_sign(d0, phi0, np.zeros(1))[0]))
    assert sign == [1.0, -1.0]


def test_resolutions_reach_their_published_ends() -> None:
    across, along = ImpactResolution(vertex_mm=0.0).of(np.array([100.0]), np.zeros(1))
    assert (across[0], along[0]) == pytest.approx((0.010, 0.030), rel=0.01)
    soft, _ = ImpactResolution().of(np.array([1.0]), np.zeros(1))
    assert soft[0] == pytest.approx(0.0814, abs=1e-3)


def test_charges() -> None:
    assert charge(np.array([11, -11, 211, -211, 2212, 22, 130, 3112])).tolist() == [-1, 1, 1, -1, 1, 0, 0, -1]


def test_smearing_has_the_stated_width() -> None:
    number = 20_000
    ones = np.ones(number)
    pions = Objects(
        np.arange(number), 5 * ones, 0 * ones, 0.2 * ones, 0.14 * ones, np.full(number, 211, dtype=np.int64)
    )
    tracks, seen = track(pions, np.zeros((number, 3)), detector_named("cms"), np.random.default_rng(1))
    assert seen.mean() == pytest.approx(0.95, abs=0.01)
    assert np.std(tracks.d0 / tracks.d0_error) == pytest.approx(1.0, abs=0.02)
    assert np.std(tracks.z0 / tracks.z0_error) == pytest.approx(1.0, abs=0.02)
    far, seen = track(pions, np.full((number, 3), 40.0), detector_named("cms"), np.random.default_rng(1))
    assert len(far) == seen.sum() == 0
