from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.devices import Band, Origin, Trust, find_hardware, infrastructure
from nanosieve.errors import SettingsError
from nanosieve.farm.cost import GROUPS, Utilisation, bill, farm_cost, inputs, purchases, relative_cost
from nanosieve.farm.cost.cost import draw, share_of_variance
from nanosieve.farm.designs import Design, known_designs, load_design
from nanosieve.figure import Figure, Provenance

ORIGIN = Origin(Trust.ASSUMED, "test")
SERVICE = load_design("service")


def changed(tmp_path: Path, text: str) -> Design:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: gpu-in-node\nname: mine\ntitle: mine\n{text}", encoding="utf-8")
    return load_design(path)


def middles(design: Design) -> dict[str, np.ndarray]:
    return {name: np.array([band.middle]) for name, band in inputs(design).items()}


def test_what_is_bought() -> None:
    assert purchases(load_design("gpu-in-node"))["accelerators"] == {"t4": 400}
    assert purchases(load_design("gpu-in-node"))["nodes"] == {"dual-epyc": 200}
    pool = purchases(load_design("service"))
    assert pool["accelerators"] == {"t4": 160, "dual-epyc": 20}
    assert pool["network"]["nic-100g"] == 250 + 240
    assert purchases(load_design("triggerless"))["hardware_trigger"] == {}


def test_the_bill_by_hand() -> None:
    """Every line of the bill of a farm, worked out from the catalogue."""
    design = load_design("gpu-in-node")
    values = middles(design)
    found = bill(design, Utilisation(0.8, 0.25), values)
    everywhere = infrastructure()
    server, card = find_hardware("dual-epyc"), find_hardware("t4")
    assert found.lines["nodes"] == pytest.approx(200 * math.sqrt(12000 * 25000))
    assert found.lines["accelerators"] == pytest.approx(400 * math.sqrt(800 * 2500))
    watts = {}
    for state, working in (("run", 1.0), ("idle", 0.0)):
        total = 0.0
        for group, bought in purchases(design).items():
            use = {"nodes": 0.8, "accelerators": 0.25}.get(group, 1.0)
            for name, count in bought.items():
                thing = find_hardware(name)
                idle, busy = everywhere.idle[thing.kind].middle, everywhere.busy[thing.kind].middle
                idle = min(idle, busy)
                total += count * thing.power.middle * (idle + working * use * (busy - idle))
        watts[state] = total
    pue = math.sqrt(1.1 * 1.5)
    assert found.power == pytest.approx(pue * watts["run"] / 1000)
    live, powered = 200 * 24 * 0.5, math.sqrt(5000 * 8000)
    kwh = 4 * pue * (live * watts["run"] + (powered - live) * watts["idle"]) / 1000
    assert found.energy == pytest.approx(kwh / 1e6)
    assert found.lines["electricity"] == pytest.approx(kwh * math.sqrt(0.1 * 0.25))
    assert found.lines["replacement"] == 0  # four years, lifetime 5.3
    assert found.total == pytest.approx(sum(float(line[0]) for line in found.lines.values()))
    assert server.power.middle + 2 * card.power.middle == pytest.approx(1000)


def test_a_full_node_of_run_3_takes_the_energy_that_was_derived_for_it(tmp_path: Path) -> None:
    """(2 × 280 + 2 × 70 + 300) W / 650 events/s = 1.5 J, without network, trigger and cooling."""
    design = changed(
        tmp_path,
        "event_building: {hardware: {nic-100g: null, switch-32x100g: null, optic-100g: null}}\n"
        "hardware_trigger: {hardware: {xcvu9p: null}}\ncost: {pue: 1.0}\n",
    )
    at_most = middles(design) | {"busy server": np.ones(1), "busy gpu": np.ones(1)}
    power = 1000 * float(bill(design, Utilisation(1.0, 1.0), at_most).power[0])
    assert power / (200 * 650) == pytest.approx(1.5, abs=0.05)
    node = find_hardware("cms-run3-node")
    assert power / (200 * 650) == pytest.approx(node.power.middle / 650)


@pytest.mark.parametrize(
    ("years", "lifetime", "times"), [(4, 5, 0), (5, 5, 0), (6, 5, 1), (11, 5, 2), (4, 1.5, 2)]
)
def test_replacement_comes_when_a_lifetime_is_over(
    tmp_path: Path, years: float, lifetime: float, times: int
) -> None:
    design = changed(tmp_path, f"run: {{years: {years}}}\ncost: {{lifetime: {lifetime}}}\n")
    found = bill(design, Utilisation(0.8, 0.3), middles(design))
    assert found.lines["replacement"] == pytest.approx(times * sum(found.lines[group] for group in GROUPS))


def test_racks_are_as_many_as_power_or_height_needs(tmp_path: Path) -> None:
    by_power, by_height = (
        changed(tmp_path, f"cost: {{rack_power: {power}, rack_price: 5000}}\n") for power in (10, 200)
    )
    found = bill(by_height, Utilisation(1.0, 1.0), middles(by_height))
    assert found.racks == math.ceil((200 * math.sqrt(2) + 12) / 42)  # 200 nodes of 1 to 2 U, 12 switches
    found = bill(by_power, Utilisation(0.0, 0.0), middles(by_power))  # for what can be drawn, busy or not
    greatest = 200 * 0.86 + 400 * 0.07 + 12 * 0.4 + 250 * 0.02 + 500 * 0.003 + 6 * 0.08
    assert found.racks == math.ceil(greatest / 10)
    assert found.lines["racks"] == 5000 * found.racks


def test_a_farm_is_powered_at_least_while_data_are_taken(tmp_path: Path) -> None:
    design = changed(tmp_path, "run: {years: 1, days: 365, duty: 1}\ncost: {powered: 1000}\n")
    found = bill(design, Utilisation(0.5, 0.5), middles(design))
    assert found.energy * 1e6 == pytest.approx(365 * 24 * found.power)


@pytest.mark.parametrize("name", known_designs())
def test_no_result_is_a_point(name: str) -> None:
    cost = farm_cost(load_design(name), trials=2000)
    for figure in (cost.total, cost.power, cost.energy, cost.energy_per_event, cost.racks):
        assert figure.provenance is Provenance.ESTIMATED
        assert figure.interval is not None
        assert figure.interval[0] < figure.value < figure.interval[1]
    per_event = 1000 * cost.power.value / cost.demand.input_rate
    assert cost.energy_per_event.value == pytest.approx(per_event)
    parts = [line.value for line in cost.lines.values()]
    assert sum(parts) == pytest.approx(cost.total.value, rel=0.15)  # medians do not add up exactly
    assert sum(influence.share for influence in cost.influences) == pytest.approx(1, abs=0.1)
    assert cost.influences[0].share == max(influence.share for influence in cost.influences)


def test_the_same_seed_gives_the_same_result_and_another_nearly_the_same() -> None:
    design = load_design("gpu-in-node")
    first, again, other = (farm_cost(design, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.trials == again.trials).all()
    assert first.total.value != other.total.value
    assert first.total.value == pytest.approx(other.total.value, rel=0.02)


def test_what_two_designs_share_cancels_in_their_ratio() -> None:
    cpu, gpu = farm_cost(load_design("cpu-2018")), farm_cost(load_design("gpu-in-node"))
    ratio = relative_cost(gpu, cpu)
    assert relative_cost(cpu, cpu).interval == (1.0, 1.0)
    assert ratio.interval is not None
    assert cpu.total.interval is not None
    assert gpu.total.interval is not None
    independent = gpu.total.interval[1] / cpu.total.interval[0]
    assert ratio.interval[1] < 1 < independent  # cheaper for sure, though the intervals overlap


def test_a_design_sets_its_own_prices(tmp_path: Path) -> None:
    mine = changed(tmp_path, "cost: {electricity: [0.3, 0.4], prices: {t4: 1000}}\n")
    bands = inputs(mine)
    assert (bands["electricity"].low, bands["electricity"].high) == (0.3, 0.4)
    assert (bands["price of t4"].low, bands["price of t4"].high) == (1000, 1000)
    assert bands["price of t4"].origin.trust is Trust.ASSUMED
    cost, base = farm_cost(mine), farm_cost(load_design("gpu-in-node"))
    assert cost.lines["electricity"].value > 1.5 * base.lines["electricity"].value
    assert cost.lines["accelerators"].interval == (0.4, 0.4)
    assert "price of t4" not in {influence.name for influence in cost.influences}
    assert "price of t4" in {influence.name for influence in base.influences}


@pytest.mark.parametrize("name", ["gpu-in-node", "service"])
def test_a_tornado_bar_spans_what_the_input_does(name: str) -> None:
    design = load_design(name)
    cost = farm_cost(design)
    for influence in cost.influences:
        cheaper = influence.name in ("lifetime", "rack power")
        assert influence.low <= influence.high or cheaper, influence.name
        assert 0 <= influence.share <= 1
    price = next(part for part in cost.influences if part.name == "price of t4")
    count = purchases(design)["accelerators"]["t4"]
    assert price.high - price.low == pytest.approx(count * (2500 - 800))


def test_impossible_settings_are_refused() -> None:
    design = load_design("gpu-in-node")
    with pytest.raises(SettingsError, match=r"^utilisation of nodes = 1\.2 is outside 0 to 1"):
        farm_cost(design, utilisation=Utilisation(1.2))
    with pytest.raises(SettingsError, match=r"^utilisation of accelerators = nan"):
        farm_cost(design, utilisation=Utilisation(0.5, math.nan))
    with pytest.raises(SettingsError, match=r"^trials = 10 are too few"):
        farm_cost(design, trials=10)
    with pytest.raises(SettingsError, match=r"^1000 and 2000 trials"):
        relative_cost(farm_cost(design, trials=1000), farm_cost(design, trials=2000))


@given(st.floats(1e-3, 1e6), st.floats(1.0, 100.0), st.integers(0, 1000))
def test_draws_fill_the_band_evenly_in_the_logarithm(low: float, factor: float, seed: int) -> None:
    values = draw(Band(low, low * factor, "USD", ORIGIN), "price", seed, 4000)
    assert values.min() >= low * (1 - 1e-12)
    assert values.max() <= low * factor * (1 + 1e-12)
    assert np.log(values / low).mean() == pytest.approx(
        math.log(factor) / 2, abs=0.03 * math.log(factor) + 1e-9
    )


def test_draws_depend_on_name_and_seed_only() -> None:
    band = Band(1.0, math.e, "USD", ORIGIN)
    first = np.log(draw(band, "price of t4", 1, 3))
    assert first == pytest.approx([0.501661163, 0.895264651, 0.840988155], abs=1e-9)
    assert (draw(band, "price of t4", 1, 2) != draw(band, "price of l4", 1, 2)).all()
    assert (draw(band, "price of t4", 1, 2) != draw(band, "price of t4", 2, 2)).all()


@settings(max_examples=20)
@given(st.lists(st.floats(0.1, 3), min_size=2, max_size=4), st.integers(0, 100))
def test_shares_of_a_sum_are_those_of_the_variances(widths: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    parts = [width * generator.random(20_000) for width in widths]
    total = np.sum(parts, axis=0)
    for width, part in zip(widths, parts, strict=True):
        expected = width**2 / sum(w**2 for w in widths)
        assert share_of_variance(part, total) == pytest.approx(expected, abs=0.03)
    assert share_of_variance(generator.random(20_000), total) < 0.01
    assert share_of_variance(parts[0], np.ones(20_000)) == 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_work_never_takes_less_power(first: float, second: float) -> None:
    design = SERVICE
    values = middles(design)
    low, high = sorted((first, second))
    lazy, busy = (bill(design, Utilisation(u, u), values) for u in (low, high))
    assert lazy.power <= busy.power
    assert lazy.energy <= busy.energy


def test_a_figure_holds_its_interval() -> None:
    figure = farm_cost(load_design("gpu-in-node"), trials=1000).total
    assert Figure.from_dict(figure.to_dict()) == figure
    assert figure.to_dict()["interval"] == list(figure.interval or ())
    with pytest.raises(ValueError, match="does not hold its value"):
        Figure(3.0, "", Provenance.ESTIMATED, interval=(1.0, 2.0))
