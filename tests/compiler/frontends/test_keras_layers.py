"""The layers of the model file: exact values, and loading without running code."""

import math
from fractions import Fraction

import keras
import numpy as np
import pytest
from hgq.quantizer import QuantizerConfig
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.compiler.frontends.keras_layers import (
    InputPort,
    Nonzero,
    PhysicalRangeLUT,
    PowerOfTwoScale,
    Threshold,
    half_square,
    square,
    variance_divergence,
)
from nanosieve.errors import SettingsError

floats = st.floats(width=32, allow_nan=False)


def exact_port(value: float, width: int, integer: int, signed: bool) -> float:
    """Round half up and saturate in rational arithmetic."""
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    if math.isinf(value):
        code = high if value > 0 else low
    else:
        code = math.floor(Fraction(value) * Fraction(2) ** (width - integer) + Fraction(1, 2))
    return float(Fraction(min(max(code, low), high)) / Fraction(2) ** (width - integer))


def values_of(layer, x):
    return np.asarray(layer(np.asarray(x, dtype=np.float32)))


@given(st.lists(floats, min_size=1, max_size=30), st.integers(2, 24), st.integers(-4, 16), st.booleans())
def test_port_rounds_half_up_and_saturates(values, width, integer, signed):
    values = [v for v in values if v == 0 or abs(v) > 1e-30]  # JAX flushes denormal numbers to zero
    values += [(n + 0.5) * 2.0 ** (integer - width) for n in (-3, -1, 0, 2)]
    found = values_of(InputPort(width, integer, signed), values)
    expected = [exact_port(float(np.float32(v)), width, integer, signed) for v in values]
    assert found.tolist() == expected


def test_port_just_below_a_tie():
    """floor(x + 0.5) in float32 would give 1 here."""
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert values_of(InputPort(16, 16), [below, -0.5, 0.5]).tolist() == [0.0, 0.0, 1.0]


def test_port_of_the_trigger_network():
    assert values_of(InputPort(16, 10), [600.0, -600.0, 1 / 128, 3.14159]).tolist() == [
        511.984375,
        -512.0,
        1 / 64,
        201 / 64,
    ]


def test_scale_nonzero_threshold():
    x = np.array([[96.0, -1.5, 0.0]])
    assert values_of(PowerOfTwoScale([-5, 0, 3]), x).tolist() == [[3.0, -1.5, 0.0]]
    assert values_of(PowerOfTwoScale(1), x).tolist() == [[192.0, -3.0, 0.0]]
    assert values_of(Nonzero(), x).tolist() == [[1.0, 1.0, 0.0]]
    assert values_of(Threshold(-1.5), x).tolist() == [[1.0, 1.0, 1.0]]
    assert values_of(Threshold(96.25), x).tolist() == [[0.0, 0.0, 0.0]]


def test_functions_of_the_tables():
    assert square(3.0) == 9.0
    assert half_square(3.0) == 4.5
    assert float(variance_divergence(0.0)) == 0.0
    assert float(variance_divergence(1.0)) == pytest.approx((math.exp(-1) - 1 + 1) / 2)


def quantiser(fraction):
    return QuantizerConfig("kif", "datalane", k0=1, i0=3, f0=fraction, round_mode="RND", overflow_mode="SAT")


def small_model():
    x = keras.Input((3,), name="x")
    scaled = PowerOfTwoScale([-5, 0, 0], name="scaled")(InputPort(name="port")(x))
    table = PhysicalRangeLUT([None, 3.0, 0.0], iq_conf=quantiser(4), oq_conf=quantiser(3), name="table")(
        scaled
    )
    return keras.Model(x, [table, Threshold(0.5, name="trigger")(Nonzero(name="present")(table))])


def test_table_bounds_each_element_with_its_own_limit():
    x = np.array([[64.0, 0.5, 2.0], [32.0, -100.0, -3.0]], dtype=np.float32)
    table, decision = (np.asarray(y) for y in small_model()(x))
    assert table.tolist() == [[2.0, round(3 * math.tanh(0.5) * 8) / 8, 0.0], [1.0, -3.0, 0.0]]
    assert decision.tolist() == [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]


def test_save_and_load_in_safe_mode(tmp_path):
    model = small_model()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(1).normal(0, 50, (100, 3)).astype(np.float32)
    for before, after in zip(model(x), loaded(x), strict=True):
        assert np.array_equal(before, after)
    assert [type(layer).__name__ for layer in loaded.layers] == [
        type(layer).__name__ for layer in model.layers
    ]
    assert loaded.get_layer("port").code_range == (-32768, 32767)
    assert loaded.get_layer("table").limits == [None, 3.0, 0.0]


def test_bad_settings_are_refused():
    with pytest.raises(SettingsError, match=r"^width of an input port is 30; accepted: 1 … 24 bits$"):
        InputPort(30, 10)
    with pytest.raises(
        SettingsError, match=r"has 2 exponents for 3 elements; give one integer or one per element"
    ):
        PowerOfTwoScale([1, 2], name="s")(np.zeros((1, 3)))
    for value in (0.1, math.nan, math.inf):
        with pytest.raises(
            SettingsError, match=r"not a finite binary fraction of at most 24 bits; round it first"
        ):
            Threshold(value)
