from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.devices import Trust, find_hardware
from nanosieve.errors import NanosieveError, UnknownNameError
from nanosieve.farm.workload import Workload, known_workloads, load_workload, service_time
from nanosieve.figure import Provenance

RUN3 = (resources.files("nanosieve.farm.workload") / "workloads" / "run-3.yaml").read_text("utf-8")
EVERY = [
    (name, task, device)
    for name in known_workloads()
    for task, work in load_workload(name).tasks.items()
    for device in work.devices
]


def test_the_node_of_run_3_processes_what_was_published() -> None:
    run3 = load_workload("run-3")
    throughput = find_hardware("cms-run3-node").numbers["throughput"]
    time = service_time(run3, "remaining", "cpu").mean
    assert 256 / time.high == pytest.approx(throughput.low, rel=0.005)
    assert 256 / time.low == pytest.approx(throughput.high, rel=0.005)
    assert 2 / service_time(run3, "offloadable", "t4").mean.middle == pytest.approx(2129, rel=0.005)


def test_without_gpus_the_node_is_slower_by_what_they_gain() -> None:
    run3 = load_workload("run-3")
    with_gpu = service_time(run3, "remaining", "cpu").mean
    taken_over = service_time(run3, "offloadable", "cpu").mean
    assert (with_gpu.middle + taken_over.low) / with_gpu.middle + 0.02 > 1.7
    assert (with_gpu.middle + taken_over.high) / with_gpu.middle < 1.82


def test_the_node_of_phase_2_and_its_boosted_jets() -> None:
    phase2 = load_workload("phase-2")
    assert 256 / service_time(phase2, "remaining", "cpu").mean.high == pytest.approx(54, rel=0.005)
    slower = [
        service_time(phase2, "offloadable", device, event_class="boosted").mean.middle
        / service_time(phase2, "offloadable", device, event_class="soft").mean.middle
        for device in ("cpu", "gpu")
    ]
    assert 46 / (256 / 54) < slower[0] < 105 / (256 / 54)
    assert slower[1] / slower[0] == pytest.approx(2.4 / 1.5, rel=0.02)


@pytest.mark.parametrize(("name", "task", "device"), EVERY)
def test_the_classes_together_take_the_time_of_all_events(name: str, task: str, device: str) -> None:
    workload = load_workload(name)
    total = sum(
        entry.fraction * service_time(workload, task, device, event_class=event_class).mean.middle
        for event_class, entry in workload.classes.items()
    )
    assert total == pytest.approx(service_time(workload, task, device).mean.middle)


@pytest.mark.parametrize(("name", "task", "device"), EVERY)
def test_no_time_is_shown_as_published(name: str, task: str, device: str) -> None:
    time = service_time(load_workload(name), task, device).mean
    assert time.origin.trust in (Trust.DERIVED, Trust.ASSUMED)
    assert time.figure.provenance is Provenance.ESTIMATED


@given(st.floats(1, 400), st.floats(1, 400))
def test_times_grow_with_pile_up_and_their_band_widens(first: float, second: float) -> None:
    run3 = load_workload("run-3")
    low, high = (
        service_time(run3, "remaining", "cpu", pileup=pileup).mean for pileup in sorted((first, second))
    )
    assert low.low <= low.high
    assert low.middle <= high.middle * (1 + 1e-12)
    at_home = service_time(run3, "remaining", "cpu", pileup=64).mean
    assert high.high / high.low >= at_home.high / at_home.low * (1 - 1e-12)
    growth = math.log(max(first, second) / min(first, second))
    assert math.log(high.middle / low.middle) == pytest.approx(1.6 * growth, abs=1e-9)


@pytest.mark.parametrize("pileup", [40.0, 100.0])
def test_the_exponent_of_the_growth_is_moved_apart_from_the_time(pileup: float) -> None:
    run3 = load_workload("run-3")
    home = service_time(run3, "offloadable", "cpu").mean
    for place, exponent in ((0.0, 1.0), (0.5, 1.6), (1.0, 2.2)):
        moved = service_time(run3, "offloadable", "cpu", pileup=pileup, growth=place).mean
        growth = (pileup / 64) ** exponent
        assert (moved.low, moved.high) == pytest.approx((growth * home.low, growth * home.high))
    whole = service_time(run3, "offloadable", "cpu", pileup=pileup).mean
    assert whole.middle == pytest.approx(home.middle * (pileup / 64) ** 1.6)


def test_relative_times_of_classes_move_within_their_bands_and_keep_the_mean() -> None:
    run3 = load_workload("run-3")
    for place, boosted in ((0.0, 5.0), (0.5, 110**0.5), (1.0, 22.0)):
        means = {
            name: service_time(run3, "remaining", "cpu", event_class=name, relative=place).mean.middle
            for name in run3.classes
        }
        assert means["boosted"] / means["soft"] == pytest.approx(boosted)
        total = sum(each.fraction * means[name] for name, each in run3.classes.items())
        assert total == pytest.approx(service_time(run3, "remaining", "cpu").mean.middle)


def test_an_fpga_takes_its_cycles_over_its_clock() -> None:
    time = service_time(load_workload("run-3"), "offloadable", "alveo-u50").mean
    assert (time.low, time.high) == pytest.approx((60_000 / 250e6, 500_000 / 250e6))


def test_the_tail_is_part_of_the_mean() -> None:
    time = service_time(load_workload("run-3"), "remaining", "cpu")
    body, tail = time.body_mean, time.body_mean * time.tail_factor
    assert (1 - time.tail_fraction) * body + time.tail_fraction * tail == pytest.approx(time.mean.middle)
    assert time.body_mean < time.mean.middle


def test_own_names_come_before_kinds() -> None:
    run3, spectrometer = load_workload("run-3"), load_workload("forward-spectrometer")
    a5000 = service_time(spectrometer, "hlt1", "a5000").mean
    assert a5000 != service_time(spectrometer, "hlt1", "t4").mean  # that of any GPU
    assert a5000 == service_time(spectrometer, "hlt1", "NVIDIA A5000").mean
    with pytest.raises(UnknownNameError, match=r"^unknown device of task offloadable 'a5000'; .*known: cpu"):
        service_time(run3, "offloadable", "a5000")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fraction: 0.70", "fraction: 0.60", r"line 12, key 'classes': the fractions .* make 0\.9, not 1"),
        (
            "fraction: 0.70",
            "fractoin: 0.70",
            r"key 'classes\.soft\.fractoin': unknown key; nearest: fraction",
        ),
        ("mean: 0.94 ms", "mean: 0.94", r"'tasks\.offloadable\.devices\.t4\.mean': 0\.94 has no unit"),
        ("mean: 0.94 ms", "mean: 0.94 kHz", r"t4\.mean': '0\.94 kHz' is no time; .* '2\.5 us'"),
        ("mean: 0.94 ms", "mean: -1 ms", r"t4\.mean': '-1 ms' is not positive"),
        ("mean: [0.27 s, 0.31 s]", "mean: [0.31 s, 0.27 s]", r"cpu\.mean': the band .* does not rise"),
        ("mean: [0.27 s, 0.31 s]", "mean: [0.27 s]", r"cpu\.mean': a band has two edges"),
        ("clock: 250 MHz", "clock: 250 MB", r"fpga\.clock': '250 MB' is no rate"),
        ("        clock: 250 MHz\n", "", r"devices\.fpga': the time is given twice or not at all"),
        ("      t4:", "      t44:", r"devices\.t44': unknown device 't44'; nearest: t4"),
        ("        spread: 0.7\n", "", r"devices\.cpu': shape lognormal: spread belongs to"),
        ("time: [5, 22]", "time: [5, yes]", r"classes\.boosted\.time': True is not a positive number"),
    ],
)
def test_a_broken_workload_names_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RUN3
    path = tmp_path / "mine.yaml"
    path.write_text(RUN3.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(NanosieveError, match=message) as error:
        load_workload(path)
    place = re.match(r"workload '.*mine\.yaml', line (\d+), key ", str(error.value))
    assert place is not None
    wrong = RUN3[: RUN3.index(old)].count("\n") + 1
    assert abs(int(place[1]) - wrong) <= 6  # the key, or the one that holds it
    assert "\n" not in str(error.value)


def test_unknown_names_are_refused() -> None:
    run3 = load_workload("run-3")
    with pytest.raises(UnknownNameError, match=r"unknown workload 'run3'; nearest: run-3"):
        load_workload("run3")
    with pytest.raises(UnknownNameError, match=r"unknown task 'tracking'"):
        service_time(run3, "tracking", "cpu")
    with pytest.raises(UnknownNameError, match=r"unknown event class 'boost'; nearest: boosted"):
        service_time(run3, "remaining", "cpu", event_class="boost")


def test_a_time_with_quantiles() -> None:
    content = {
        "name": "mine",
        "title": "mine",
        "pileup": 1,
        "classes": {"all": {"fraction": 1, "trust": "assumed", "source": "mine"}},
        "tasks": {
            "one": {
                "title": "one",
                "pileup_exponent": {"value": 1, "trust": "assumed", "source": "mine"},
                "devices": {
                    "cpu": {
                        "mean": "1 s",
                        "shape": "quantiles",
                        "quantiles": {0.5: 0.8, 1.0: 3.0},
                        "trust": "assumed",
                        "source": "mine",
                    }
                },
            }
        },
    }
    assert service_time(Workload.model_validate(content), "one", "cpu").quantiles == {0.5: 0.8, 1.0: 3.0}
