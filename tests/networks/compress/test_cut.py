"""Cut networks compute what the whole ones do without the removed filters."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nanosieve.compiler.frontends import load_model
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError
from nanosieve.networks.compress import Slimming, Widths, cut, cuttable, quantised, slim, strongest
from nanosieve.networks.model_file import save_model
from nanosieve.networks.settings import TrainingSettings

layers = keras.layers


def chain(kinds: list[str], sizes: list[int], seed: int, *, flat: bool = True) -> Any:
    """A random chain: convolutions and what stands between them, flattening, dense layers."""
    random = np.random.default_rng(seed)
    x = inputs = keras.Input((9, 8, 2), name="image")
    for number, (kind, size) in enumerate(zip(kinds, sizes, strict=True)):
        strides, padding = int(random.integers(1, 3)), str(random.choice(["same", "valid"]))
        function = str(random.choice(["linear", "relu", "tanh"]))
        x = layers.Conv2D(
            size, (2, 3), strides, padding, activation=function if kind != "norm" else "linear",
            name=f"conv_{number}"
        )(x) if min(x.shape[1:3]) >= 3 else layers.Conv2D(size, 1, name=f"conv_{number}")(x)  # fmt: skip
        if kind == "norm":
            x = layers.ReLU(name=f"relu_{number}")(layers.BatchNormalization(name=f"norm_{number}")(x))
        elif kind == "pool" and min(x.shape[1:3]) >= 2:
            x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
        elif kind == "pad":
            x = layers.ZeroPadding2D(1, name=f"pad_{number}")(x)
    x = layers.Flatten(name="flat")(x) if flat else layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.2, name="dropout")(layers.Dense(5, "relu", name="dense_1")(x))
    x = layers.Dense(4, name="dense_2")(x)
    x = layers.BatchNormalization(name="dense_2_norm")(x)
    x = layers.Dense(3, "softmax", name="output")(x)
    model = keras.Model(inputs, x, name="chain")
    model.set_weights([random.normal(0.4, 0.5, w.shape) ** (2 if "variance" in v.name else 1) for w, v in
                       zip(model.get_weights(), model.weights, strict=True)])  # fmt: skip
    return model


def silenced(model: Any, kept: dict[str, Any]) -> Any:
    """The whole network, in which the filters that are not kept hand on zeros."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for name, indices in kept.items():
        gone = np.setdiff1d(np.arange(copy.get_layer(name).output.shape[-1]), indices)
        number = name.removeprefix("conv_")
        norms = [layer for layer in copy.layers if layer.name in (f"norm_{number}", f"{name}_norm")]
        for layer in (copy.get_layer(name), *norms):
            weights = layer.get_weights()
            for weight in weights[:2]:  # kernel and bias, or gamma and beta
                weight[..., gone] = 0
            layer.set_weights(weights)
    return copy


def outputs(model: Any) -> Any:
    x = np.random.default_rng(0).normal(size=(12, *model.inputs[0].shape[1:])).astype(np.float32)
    return np.asarray(model(x, training=False))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kinds=st.lists(st.sampled_from(["plain", "norm", "pool", "pad"]), min_size=1, max_size=3),
    part=st.floats(0.1, 0.95),
    seed=st.integers(0, 1000),
    flat=st.booleans(),
    norm=st.sampled_from(["l1", "l2"]),
)
def test_a_cut_network_is_the_whole_one_with_its_filters_silenced(
    kinds: list[str], part: float, seed: int, flat: bool, norm: Any
) -> None:
    sizes = [3 + (seed + n) % 4 for n in range(len(kinds))]
    model = chain(kinds, sizes, seed, flat=flat)
    kept = strongest(model, part, norm=norm)
    small = cut(model, kept, name="small")
    assert small.count_params() < model.count_params() or all(
        len(kept[name]) == model.get_layer(name).output.shape[-1] for name in kept
    )
    for name, indices in kept.items():
        assert small.get_layer(name).output.shape[-1] == len(indices)
    assert outputs(small) == pytest.approx(outputs(silenced(model, kept)), abs=2e-5)


def test_a_wrong_order_behind_flattening_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault: positions within channels instead of channels within positions."""
    module = importlib.import_module("nanosieve.networks.compress.cut")

    def wrong(channels: Any, shape: tuple[int, ...]) -> Any:
        positions = int(np.prod(shape[:-1]))
        return (np.asarray(channels)[:, None] * positions + np.arange(positions)).reshape(-1)

    model = chain(["plain"], [4], 5)
    kept = strongest(model, 0.5)
    expected = outputs(silenced(model, kept))
    assert outputs(cut(model, kept)) == pytest.approx(expected, abs=2e-5)
    monkeypatch.setattr(module, "_flattened", wrong)
    assert np.abs(outputs(cut(model, kept)) - expected).max() > 1e-3


def test_the_strongest_stay() -> None:
    model = chain(["norm", "plain"], [4, 4], 1)
    for name, factor in (("conv_0", 1.0), ("conv_1", 1.0)):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([np.ones_like(kernel) * [4, 1, 3, 2] * factor, bias])
    gamma = np.array([0.01, 1, 1, 1], dtype=np.float32)
    ones = np.ones(4, dtype=np.float32)
    model.get_layer("norm_0").set_weights([gamma, ones, ones, ones])
    kept = strongest(model, {"conv_0": 0.5, "conv_1": 0.5})
    assert {name: list(found) for name, found in kept.items()} == {"conv_0": [2, 3], "conv_1": [0, 2]}
    assert "dense_1" not in strongest(model, 0.5, spare=("dense_1",))
    assert all(len(found) == 1 for found in strongest(model, 0.99).values())
    assert cuttable(model) == ["conv_0", "conv_1", "dense_1", "dense_2"]


def residual() -> Any:
    inputs = keras.Input((6,))
    x = layers.Dense(6, name="one")(inputs)
    x = layers.Add(name="sum")([x, inputs])
    x = layers.LayerNormalization(name="layer_norm")(layers.Dense(5, name="two")(x))
    return keras.Model(inputs, layers.Dense(2, name="output")(layers.Dense(4, name="three")(x)))


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        ("one", r"layer 'sum' \(Add\) stands behind layers that lose filters \('one' among them\)"),
        ("two", r"layer 'layer_norm' \(LayerNormalization\).*spare those in front"),
    ],
)
def test_what_cannot_be_cut_is_refused_by_name(layer: str, match: str) -> None:
    with pytest.raises(UnsupportedLayerError, match=match):
        cut(residual(), {layer: np.array([0, 2])})
    assert cut(residual(), {"three": np.array([0, 2])}).get_layer("three").units == 2


def test_wrong_wishes_are_refused(sample: Any) -> None:
    model = residual()
    with pytest.raises(UnknownNameError, match=r"layer with filters to remove 'thre'; nearest: three"):
        strongest(model, {"thre": 0.5})
    with pytest.raises(UnknownNameError, match=r"'output'"):
        cut(model, {"output": np.array([0])})
    with pytest.raises(SettingsError, match=r"layer 'three' has filters 0 to 3"):
        cut(model, {"three": np.array([4])})
    with pytest.raises(SettingsError, match=r"1.0 of the filters"):
        strongest(model, 1.0)
    with pytest.raises(SettingsError, match=r"norm 'max'; accepted: 'l1' or 'l2'"):
        strongest(model, 0.5, norm="max")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"rounds=0"):
        Slimming(rounds=0)
    narrow = quantised(keras.Sequential([layers.Input((6,)), layers.Dense(3, name="d"), layers.Dense(1)]),
                       sample[0], Widths())  # fmt: skip
    with pytest.raises(UnknownNameError, match=r"'d'"):
        strongest(narrow, {"d": 0.5})


def test_slimming_in_rounds_keeps_the_order_of_the_scores(tagger: Any, sample: Any, tmp_path: Path) -> None:
    short = TrainingSettings(epochs=3, batch=200, learning_rate=5e-3)
    wish = Slimming(0.5, rounds=2)
    done = slim(tagger, *sample, tmp_path, slimming=wish, settings=short)
    assert sorted(p.name for p in tmp_path.glob("*.keras")) == [
        f"{tagger.name}_round_{number}.keras" for number in (1, 2)
    ]
    assert [done.model.get_layer(name).units for name in ("dense_1", "dense_2")] == [4, 3]
    scores = np.asarray(done.model.predict(sample[0], verbose=0))[:, 0]
    assert ((scores > 0) == sample[1]).mean() > 0.75
    assert tagger.get_layer("dense_1").units == 8, "the network itself stays as it is"
    told: list[str] = []

    def tell(stage: str, done: float, total: float, note: str = "") -> None:
        told.append(stage)

    again = slim(tagger, *sample, tmp_path, slimming=wish, settings=short, progress=tell)
    assert np.array_equal(again.model.get_weights()[0], done.model.get_weights()[0])
    assert not told, "nothing is trained twice"
    graph = load_model(save_model(quantised(done.model, sample[0], Widths(6)), tmp_path / "narrow.keras"))
    assert graph.exact
