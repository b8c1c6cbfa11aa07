import math

import numpy as np
import pytest

from nanosieve.networks.losses import kl_divergence, mean_squared_error, squared_error
from nanosieve.networks.scores import radius


def test_padding_does_not_count():
    inputs = np.zeros((1, 57), dtype=np.float32)
    inputs[0, 0], inputs[0, 2] = 16.0, 1.5  # MET: pT 16 GeV is 2 in scaled units
    reconstruction = np.full((1, 57), 0.5, dtype=np.float32)
    assert np.asarray(squared_error(inputs, reconstruction)) == pytest.approx([1.5**2 + 1.0**2])
    assert np.asarray(mean_squared_error(inputs, reconstruction)) == pytest.approx([3.25 / 57])


def test_divergence_against_numerical_integration():
    mean, lam = np.array([[0.7]]), np.array([[1.2]])
    sigma = math.exp(-0.6)
    z = np.linspace(-12, 12, 200_001)
    p = np.exp(-0.5 * ((z - 0.7) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    log_ratio = -0.5 * ((z - 0.7) / sigma) ** 2 - math.log(sigma) + 0.5 * z**2
    assert float(np.asarray(kl_divergence(mean, lam))[0]) == pytest.approx(
        np.trapezoid(p * log_ratio, z), rel=1e-5
    )
    assert float(np.asarray(kl_divergence(np.zeros((1, 3)), np.zeros((1, 3))))[0]) == 0.0


def test_radius():
    mean, variance = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 4.0, 0.5]])
    assert radius(mean, -np.log(variance)) == pytest.approx([1 + 1 + 18])
