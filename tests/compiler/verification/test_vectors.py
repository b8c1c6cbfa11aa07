from pathlib import Path

import numpy as np

from nanosieve.compiler.verification import corner_vectors, random_vectors, read_design, scaled_vectors


def test_random_vectors_reach_both_ends_of_every_element(toy: Path) -> None:
    codes = random_vectors(read_design(toy), 4000, np.random.default_rng(1))["x"]
    assert (codes.min(axis=0) == -64).all()
    assert (codes.max(axis=0) == 63).all()


def test_scaled_vectors_hold_zeros_and_every_magnitude(toy: Path) -> None:
    codes = scaled_vectors(read_design(toy), 4000, np.random.default_rng(1))["x"]
    assert 0.3 < (codes == 0).mean() < 0.4
    for bits in range(1, 7):
        share = ((np.abs(codes) >= 2 ** (bits - 1)) & (np.abs(codes) < 2**bits)).mean()
        assert share > 0.05, bits


def test_corners(hand: Path) -> None:
    codes = corner_vectors(read_design(hand))
    rows = np.concatenate([codes["a"], codes["b"]], axis=1)
    assert rows.shape == (7 + 2 * 4, 4)
    low, high = [-32, 0, -(2**34), -(2**36)], [31, 3, 2**34 - 1, 2**36 - 1]
    for row in (
        low,
        high,
        [0] * 4,
        [low[0], high[1], low[2], high[3]],
        [high[0], 0, 0, 0],
        [0, 0, 0, low[3]],
    ):
        assert row in rows.tolist()
