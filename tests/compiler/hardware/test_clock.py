"""The clock that a design reaches: the fit, its error, and designs that are unlike the routed ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.scripts import ROOT, load_script
from nanosieve.compiler.graph import Add, Builder, Dense, Fixed, Gather, Graph, Multiply, TensorType
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware import clock as constants
from nanosieve.compiler.hardware.analytic import analytic_cost
from nanosieve.compiler.hardware.clock import Clock, stretch

TABLE = "jedi_linear_vivado.csv"
ORIGINAL = ROOT.parent / "shared" / "facts" / TABLE
INSIDE = Clock(logic=constants.LOGIC, luts=1e5, fan_out=20)
"""A design like those of the calibration."""


@pytest.fixture(scope="module")
def script():
    return load_script("validation/jedi_linear_clock.py")


def matrix(inputs: int = 6, outputs: int = 6, layers: int = 2) -> Graph:
    rng = np.random.default_rng(3)
    builder = Builder("matrix")
    value = builder.input("x", TensorType.of(Fixed(6, 2), (inputs,)))
    for n in range(layers):
        kernel = rng.integers(-15, 16, (inputs if n == 0 else outputs, outputs))
        value = builder.add(Dense(kernel, -4), value, layer=f"dense_{n}")
    return builder.finish({"y": value})


class TestTheFit:
    def test_the_constants_are_those_of_the_fit(self, script, capsys):
        assert script.main() == 0
        assert "leave-one-out" in capsys.readouterr().out

    def test_another_table_gives_others(self, script, tmp_path: Path):
        """A tenth more on one period, or a design less, and the constants are refused."""
        text = script.TABLE.read_text(encoding="utf-8")
        assert "4.923" in text
        for changed in (text.replace("4.923", "5.415"), "\n".join(text.splitlines()[:-1])):
            (tmp_path / TABLE).write_text(changed, encoding="utf-8")
            assert script.main(tmp_path / TABLE) == 1

    @pytest.mark.skipif(not ORIGINAL.is_file(), reason="no ../shared beside the repository")
    def test_the_copy_of_the_table(self, script):
        assert script.TABLE.read_bytes() == ORIGINAL.read_bytes()

    def test_the_fit_has_the_least_squares(self, script):
        luts, periods = script.read(script.TABLE)

        def squares(value: float) -> float:
            return float(np.sum(np.log(periods / script.predicted(value, luts, 2 / 3)) ** 2))

        best = script.stretch_of(luts, periods, 2 / 3)
        assert squares(best) < min(squares(best * 1.01), squares(best * 0.99))

    def test_the_left_out_design_is_not_seen(self, script):
        luts, periods = script.read(script.TABLE)
        spoiled = periods.copy()
        spoiled[3] *= 2
        before, after = (script.fit(luts, p, 2 / 3).left_out for p in (periods, spoiled))
        assert before[3] == after[3]
        assert np.all(np.delete(before, 3) != np.delete(after, 3))

    def test_two_of_three_designs_are_within_the_error(self, script):
        luts, periods = script.read(script.TABLE)
        clocks = [Clock(constants.LOGIC, size) for size in luts]
        off = [abs(np.log(p / c.period)) / (c.error / c.period) for p, c in zip(periods, clocks, strict=True)]
        assert 0.5 <= np.mean(np.array(off) <= 1) <= 0.95
        assert max(off) < 2

    def test_the_prior_of_the_logic_agrees_with_the_table(self, script):
        luts, periods = script.read(script.TABLE)
        assert script.free_logic(luts, periods, constants.POWER) == pytest.approx(1, abs=0.06)


class TestClock:
    def test_size_and_logic_slow_it(self):
        periods = [replace(INSIDE, luts=luts).period for luts in (0, 4e4, 1e5, 3e5)]
        assert periods == sorted(periods)
        assert len(set(periods)) == 4
        assert replace(INSIDE, logic=3.0).period > INSIDE.period
        assert stretch(0) == 1

    def test_like_the_routed_designs(self):
        figure = INSIDE.fmax
        assert INSIDE.extrapolated == ()
        assert figure.error == pytest.approx(constants.UNCERTAINTY * figure.value, rel=0.01)
        assert figure.source == constants.SOURCE
        assert str(figure.provenance) == "estimated"

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"luts": 900.0}, "900 LUT, not 35,684 to 295,715"),
            ({"luts": 3e5}, "300,000 LUT, not 35,684 to 295,715"),
            ({"logic": 3.9}, "3.9 ns of logic in a stage, not 0.9 to 2.8"),
            ({"logic": 0.5}, "0.5 ns of logic in a stage"),
            ({"fan_out": 129}, "fan-out 129, not up to 128"),
            ({"architecture": "Versal"}, "Versal, not UltraScale+"),
            ({"blocks": ("DSP", "BRAM")}, "paths through DSP blocks; paths through BRAM blocks"),
            ({"own_delays": True}, "delays that are not those of the calibration"),
        ],
    )
    def test_unlike_the_routed_designs(self, other: dict[str, object], reason: str):
        clock = replace(INSIDE, **other)
        assert f"; extrapolated: {reason}" in clock.fmax.source

    def test_other_depths_are_less_certain(self):
        """What is not known of the split of the period shows where stages are longer or shorter."""
        errors = [replace(INSIDE, logic=logic) for logic in (0.5, 1.9, 4.0)]
        relative = [clock.error / clock.period for clock in errors]
        assert relative[1] < min(relative[0], relative[2])

    def test_larger_ones_are_less_certain(self):
        sizes = [replace(INSIDE, luts=luts) for luts in (constants.MOST_LUTS, 6e5, 1e6)]
        relative = [clock.error / clock.period for clock in sizes]
        assert relative[0] < relative[1] < relative[2]


class TestDelayModel:
    @pytest.mark.parametrize("luts", [None, 0.0, 3e4, 2e5])
    def test_what_is_needed_is_what_is_usable(self, luts: float | None):
        model = DelayModel(luts=luts)
        assert model.usable(model.needed(2.2)) == pytest.approx(2.2)
        assert model.usable(5) <= DelayModel().usable(5)

    def test_nine_of_ten_are_in_time(self):
        """Logic that fills a stage reaches the clock with what the margin keeps free."""
        for luts in (5e4, 2e5):
            model = DelayModel(luts=luts)
            period = Clock(model.usable(5.0), luts).period
            assert period * (1 + 1.28 * constants.UNCERTAINTY) == pytest.approx(5.0)

    def test_the_inside_of_a_block_does_not_stretch(self):
        """At 200 MHz a multiplier fits into a stage of the largest design that was calibrated."""
        assert DelayModel().block == DelayModel().dsp
        for luts in (0, 1e5, constants.MOST_LUTS):
            model = DelayModel(luts=luts)
            real = model.block * stretch(luts)
            assert real == pytest.approx(model.dsp + model.dsp_nets * (stretch(luts) - 1))
            assert model.block <= model.usable(5.0)

    def test_own_delays_are_not_calibrated(self):
        assert DelayModel().calibrated
        assert DelayModel(margin=2.0, luts=1e5).calibrated
        assert not DelayModel(add=1.1).calibrated


class TestDesign:
    def test_registers_are_placed_for_the_size(self):
        """The same network as part of a larger design needs more stages."""
        graph = matrix(16, 16, 3)
        small, large = (
            build_design(graph, Budget(latency="10 us"), model=DelayModel(luts=luts)) for luts in (0.0, 3e5)
        )
        assert small.sources.latency < large.sources.latency

    def test_the_size_is_estimated_where_it_is_not_given(self):
        graph = matrix()
        design = build_design(graph, Budget())
        assert design.model.luts == round(analytic_cost(graph, period=5.0).lut) > 100

    def test_the_figure(self):
        design = build_design(matrix(), Budget())
        figure = design.timing["fmax_mhz"]
        assert figure.value >= 200
        assert figure.error > 0.1 * figure.value
        luts = design.estimate["lut"].value
        assert f"extrapolated: {luts:,.0f} LUT, not" in figure.source
        assert "DSP" not in figure.source
        other = build_design(matrix(), Budget(device="xcvu13p"), model=DelayModel(add=1.0))
        assert "delays that are not those of the calibration" in other.timing["fmax_mhz"].source

    def test_a_design_with_multipliers(self):
        builder = Builder()
        x = builder.input("x", TensorType.of(Fixed(9, 9), (2,)))
        graph = builder.finish({"y": builder.add(Multiply(square=True), x, x, layer="square")})
        assert "paths through DSP blocks" in build_design(graph, Budget()).timing["fmax_mhz"].source

    def test_fan_out(self):
        """One value that is added to 140 others."""
        builder = Builder()
        one = builder.input("one", TensorType.of(Fixed(6, 2), (1,)))
        others = builder.input("others", TensorType.of(Fixed(6, 2), (140,)))
        copies = builder.add(Gather(np.zeros(140, dtype=np.int64)), one, layer="sum", part="copies")
        graph = builder.finish({"y": builder.add(Add(), copies, others, layer="sum")})
        design = build_design(graph, Budget())
        assert design.clock.fan_out == 140
        assert "fan-out 140, not up to 128" in design.timing["fmax_mhz"].source
