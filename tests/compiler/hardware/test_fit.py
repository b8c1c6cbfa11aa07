"""From a budget to a design: what the scheduler builds, what the user can say, and what stands in the way."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.graph import (
    Builder,
    Dense,
    Fixed,
    Graph,
    Overflow,
    Quantize,
    Reshape,
    Rounding,
    TensorType,
    Windows,
)
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.fit import build_finalists
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.pareto import pareto_front
from nanosieve.compiler.hardware.plan import Copies, Fold, choice_of, text_of
from nanosieve.errors import BudgetError, ClockError, FoldingError, SettingsError, UnknownNameError

SMALL = Budget(every="60 ns", latency="2 us", clock="200 MHz")


def network(positions: int = 12) -> Graph:
    """A convolution over a sequence, and a dense layer behind it."""
    rng = np.random.default_rng(0)
    builder = Builder("net")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (positions, 3)))
    x = builder.add(Windows((3,), (1,), (1,), ((1, 1),)), x, layer="conv", part="windows")
    x = builder.add(Dense(rng.integers(-99, 99, (9, 8)), -6), x, layer="conv", part="product")
    target = TensorType.of(Fixed(8, 6), (positions, 8))
    x = builder.add(Quantize(target, Rounding.RND, Overflow.SAT), x, layer="conv")
    x = builder.add(Reshape((positions * 8,)), x, layer="flat")
    x = builder.add(Dense(rng.integers(-99, 99, (positions * 8, 16)), -6), x, layer="dense")
    return builder.finish({"y": x})


def test_more_time_means_less_hardware() -> None:
    sizes = []
    for every in ("5 ns", "60 ns", "500 ns", "8 us"):
        design = build_design(network(), Budget(every=every, latency="20 us"))
        assert design.sources.interval <= design.budget.interval_cycles
        assert design.sources.latency <= design.budget.latency_cycles
        sizes.append(design.estimate["lut"].value)
    assert all(less > 1.5 * more for less, more in pairwise(sizes))
    assert design.estimate["dsp"].value <= 4  # of 1,752 products


def test_the_same_budget_gives_the_same_verilog() -> None:
    first, again = (build_design(network(), SMALL) for _ in range(2))
    assert first.sources.texts == again.sources.texts


def test_what_the_user_says_is_done(tmp_path: Path) -> None:
    wanted = {"conv": Fold(2, 1), "dense": None}
    design = build_design(network(), SMALL, layers=wanted, beats={"x": 2})
    assert design.plan.layers == {"conv": Fold(2, 1)}
    assert design.sources.inputs[0].beats == 6
    manifest = json.loads((design.write(tmp_path) / "design.json").read_text(encoding="utf-8"))
    assert manifest["plan"] == {"layers": {"conv": "slots:2,1"}, "beats": {"x": 2}, "interval": 12}


def test_without_dsps() -> None:
    design = build_design(network(), Budget(every="500 ns", latency="2 us"), dsp=False)
    assert design.estimate["dsp"].value == 0
    assert 'use_dsp = "no"' in "".join(design.sources.texts.values()) or not design.plan.layers


def test_saving_luts_takes_dsps() -> None:
    budget = Budget(every="500 ns", latency="2 us")
    saved, dear = (build_design(network(), budget, minimise=kind) for kind in ("lut", "dsp"))
    assert saved.estimate["lut"].value < dear.estimate["lut"].value
    assert saved.estimate["dsp"].value > dear.estimate["dsp"].value


def test_names_that_do_not_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"no layer 'cnov' in 'net'; it has conv, flat, dense"):
        build_design(network(), SMALL, layers={"cnov": None})
    with pytest.raises(UnknownNameError, match=r"no input 'y' in 'net'; it has x"):
        build_design(network(), SMALL, beats={"y": 1})
    with pytest.raises(SettingsError, match="minimise = 'luts' is none of balanced, lut, dsp"):
        build_design(network(), SMALL, minimise="luts")


def test_a_layer_without_steps_has_no_cells() -> None:
    with pytest.raises(FoldingError, match="layer 'dense': no steps repeat in it"):
        build_design(network(), SMALL, layers={"dense": Copies(2)})


def test_slots_that_do_not_fit_between_two_events() -> None:
    with pytest.raises(BudgetError, match=r"'conv'.*96 slots"):
        build_design(network(), SMALL, layers={"conv": Fold(1, 8)})


def test_a_clock_that_is_too_fast_for_a_folded_layer() -> None:
    """What no interval can mend is said as it is, and not as slots that do not fit."""
    fast = Budget(every="1 us", latency="10 us", clock="700 MHz")
    with pytest.raises(
        ClockError, match=r"layer 'conv': one .* a clock of 700 MHz leaves .* slower would do"
    ):
        build_design(network(), fast, layers={"conv": Fold(1, 8)})


def test_no_fit_says_what_would_do() -> None:
    tight = Budget(every="5 ns", latency="1 us", device="xcvu9p", share=0.02)
    with pytest.raises(BudgetError) as found:
        build_design(network(), tight)
    message = str(found.value)
    assert "\n" not in message
    assert "LUT: about" in message
    assert "the largest layer is 'dense'" in message
    assert "a share of" in message
    every = message.split("an event every ")[1].split(" ns")[0]
    roomy = Budget(every=f"{every} ns", latency="10 us", device="xcvu9p", share=0.02)
    assert build_design(network(), roomy).plan.layers


def test_finalists_differ_and_are_in_time() -> None:
    designs = build_finalists(network(), SMALL, 3)
    plans = [design.plan.to_dict() for design in designs]
    assert 1 < len(plans) <= 3
    assert all(plan not in plans[:n] for n, plan in enumerate(plans))
    assert all(design.sources.latency <= SMALL.latency_cycles for design in designs)


def test_no_point_of_the_front_beats_another() -> None:
    settings = Settings(DelayModel(), 5.0)
    points = pareto_front(network(6), SMALL, settings)
    assert len({point.sketch.interval for point in points}) > 1
    for point in points:
        for other in points:
            worse = [a >= b for a, b in zip(point.merits, other.merits, strict=True)]
            assert point is other or not all(worse)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("unrolled", None),
        ("slots:3", Fold(3, 1)),
        ("slots:1,8", Fold(1, 8)),
        ("slots:1,8,packed", Fold(1, 8, packed=True)),
        ("slots:1,8,3", Fold(1, 8, 3)),
        ("slots:1,8,3,packed", Fold(1, 8, 3, packed=True)),
        ("cells:4", Copies(4)),
        ("cells:1,5", Copies(1, 5)),
    ],
)
def test_choices_as_text(text: str, choice: Fold | Copies | None) -> None:
    assert choice_of(text) == choice
    assert choice_of(text_of(choice)) == choice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "folded",
        "slots:0,2",
        "slots:1,2,packed,3",
        "slots:1,2,0",
        "slots:1,2,3,4",
        "cells:0",
        "cells:1,0",
        "cells:-1",
    ],
)
def test_what_is_no_choice(text: str) -> None:
    with pytest.raises(SettingsError, match="no way to build a layer: unrolled, slots:P,Q,R"):
        choice_of(text)
