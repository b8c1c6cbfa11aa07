from __future__ import annotations

import math
import re
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.devices import Trust
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnknownNameError
from nanosieve.farm.designs import Design, demand, design_text, known_designs, load_design, workload_of
from nanosieve.farm.designs.schema import Output
from nanosieve.physics.filling import find_scheme

SEVEN = ["cpu-2018", "fpga-in-node", "gpu-in-node", "l1-networks", "phase2", "service", "triggerless"]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_the_seven_designs() -> None:
    assert list(known_designs()) == SEVEN


@pytest.mark.parametrize("name", SEVEN)
def test_every_design_loads_and_can_do_its_work(name: str) -> None:
    design = load_design(name)
    assert design.name == name
    assert workload_of(design).name == design.workload
    asked = demand(design)
    loads = (asked.nodes, asked.accelerators, asked.network, asked.event_building, asked.output)
    assert all(0 <= load < 1 for load in loads), asked
    assert (asked.accelerators > 0) == (design.accelerators is not None)
    assert demand(design, rate=2).nodes == pytest.approx(2 * asked.nodes)
    assert find_scheme(design.collisions.filling)


def test_published_numbers_of_the_designs() -> None:
    run3, phase2, all_crossings = map(load_design, ("gpu-in-node", "phase2", "triggerless"))
    assert run3.hardware_trigger is not None
    assert phase2.hardware_trigger is not None
    assert (run3.hardware_trigger.accept, run3.nodes.count, run3.output.rate) == (110e3, 200, 5e3)
    assert (phase2.hardware_trigger.accept, phase2.hardware_trigger.latency) == (750e3, 12.5e-6)
    assert (phase2.event.size, phase2.event_building.bandwidth) == (7.4e6, 51e12 / 8)
    assert all_crossings.hardware_trigger is None
    assert all_crossings.accelerators is not None
    assert all_crossings.accelerators.count == 500


def test_the_farm_of_run_3_keeps_up_with_more_than_level_1_gives() -> None:
    asked = demand(load_design("gpu-in-node"))
    assert asked.input_rate / asked.nodes == pytest.approx(130e3, rel=0.01)  # 200 nodes × 650 events/s


def test_the_demand_by_hand() -> None:
    asked = demand(load_design("cpu-2018"))
    fast, full = math.sqrt(0.27 * 0.31), math.sqrt(0.388 * 0.395)
    growth = math.sqrt((56 / 64) ** 1.0 * (56 / 64) ** 2.2)  # from pile-up 64 to 56
    assert asked.nodes == pytest.approx(100e3 * (fast + full) * growth / (300 * 256))
    assert asked.event_building == pytest.approx(100e3 * 1.6e6 * 8 / 1.6e12)
    assert asked.output == pytest.approx(1e3 * 1.6e6 / 4e9)
    asked = demand(load_design("service"))
    assert asked.accelerators == pytest.approx(110e3 * 0.94e-3 / 160)
    assert asked.network == pytest.approx(110e3 * 1e6 * 8 / 4e12)
    asked = demand(load_design("triggerless"))
    assert asked.stage_rates["hlt2"] == pytest.approx(2544 * 11245.6 / 30)
    assert asked.rejections == {"hlt1": 30, "hlt2": pytest.approx(2544 * 11245.6 / 30 / 100e3)}
    twice = demand(load_design("triggerless"), rate=2)
    assert twice.rejections == asked.rejections
    assert twice.output == pytest.approx(2 * asked.output)


def test_a_number_without_source_is_assumed_and_an_inner_one_has_that_of_its_part() -> None:
    design = load_design("gpu-in-node")
    assert design.origin("hardware_trigger.accept").trust is Trust.PUBLISHED
    assert design.origin("hardware_trigger.dead_time.windows.0.accepts").trust is Trust.RECALLED
    assert design.origin("nodes.queue").trust is Trust.ASSUMED


@pytest.mark.parametrize("name", SEVEN)
def test_a_copy_with_three_lines_changed_is_a_design(tmp_path: Path, name: str) -> None:
    text = design_text(name)
    text = re.sub(r"^name: .*$", "name: mine", text, flags=re.M)
    text = re.sub(r"^title: .*$", "title: my own farm", text, flags=re.M)
    text = re.sub(r"^run: .*$", "run: {years: 6, days: 150, duty: 0.4}", text, flags=re.M)
    design = load_design(written(tmp_path, text))
    assert (design.name, design.title) == ("mine", "my own farm")
    assert demand(design) == demand(load_design(name))


def test_what_extends_a_design_says_only_what_differs(tmp_path: Path) -> None:
    text = "extends: gpu-in-node\nname: mine\ntitle: mine\nnodes: {count: 250}\n"
    mine, base = load_design(written(tmp_path, text)), load_design("gpu-in-node")
    assert mine.nodes.count == 250
    assert mine.nodes.slots == base.nodes.slots
    assert mine.hardware_trigger == base.hardware_trigger
    assert mine.origin("nodes.count").trust is Trust.ASSUMED  # no longer the published 200
    assert mine.origin("hardware_trigger.accept").trust is Trust.PUBLISHED


def test_null_leaves_out_and_a_file_extends_another(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: service\nname: base\ntitle: base\nnodes: {count: 400}\n")
    text = (
        "extends: base.yaml\nname: mine\ntitle: mine\naccelerators: null\n"
        "stages: [{name: all, task: remaining}]\n"
    )
    mine = load_design(written(tmp_path, text))
    assert mine.accelerators is None
    assert mine.nodes.count == 400
    assert not any(key.startswith("accelerators") for key in mine.sources)


def test_the_file_of_a_workload_stands_beside_the_design(tmp_path: Path) -> None:
    file = resources.files("nanosieve.farm.workload") / "workloads" / "run-3.yaml"
    (tmp_path / "heavy.yaml").write_text(file.read_text("utf-8").replace("mean: 0.94 ms", "mean: 1.88 ms"))
    text = "extends: gpu-in-node\nname: mine\ntitle: mine\nworkload: heavy.yaml\n"
    mine = demand(load_design(written(tmp_path, text)))
    assert mine.accelerators == pytest.approx(2 * demand(load_design("gpu-in-node")).accelerators)


def test_designs_in_a_circle_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "extends: mine.yaml\nname: mine\n")
    with pytest.raises(SettingsError, match=r"line 1, key 'extends': at most 8 designs extend each other"):
        load_design(path)


CASES = [
    ("cpu-2018", "accept: 100 kHz", "accept: 100", r"hardware_trigger\.accept': 100 has no unit.*'100 kHz'"),
    ("cpu-2018", "accept: 100 kHz", "accept: 100 MB", r"accept': '100 MB' is no rate"),
    ("cpu-2018", "accept: 100 kHz", "accept: 100 GHz", r"accept': accepts 1e\+11 Hz of 4e\+07 Hz"),
    ("cpu-2018", "accept: 100 kHz", "accept: 0 kHz", r"accept': '0 kHz' is not positive and finite"),
    ("cpu-2018", "accept: 100 kHz", "acept: 100 kHz", r"acept': unknown key; nearest: accept; known:"),
    ("cpu-2018", "latency: 2.5 us", "latency: -2.5 us", r"latency': '-2\.5 us' is not positive"),
    ("cpu-2018", "buffer: 128", "buffer: 64", r"buffer': 64 crossings are 1\.6 us.* at least 100 are needed"),
    ("cpu-2018", "bandwidth: 1.6 Tb/s", "bandwidth: 100 kHz", r"bandwidth': '100 kHz' is no bandwidth"),
    ("cpu-2018", "size: 1.6 MB", "size: 1.6 s", r"event\.size': '1\.6 s' is no size"),
    ("cpu-2018", "  spread: 0.3", "  spread: 0", r"event': distribution 'lognormal' with spread 0"),
    ("cpu-2018", "  count: 300", "  count: 0", r"nodes\.count': Input should be greater than or equal"),
    ("cpu-2018", "dual-epyc: 1", "dual-epic: 1", r"dual-epic': unknown device 'dual-epic'; nearest: dual"),
    ("cpu-2018", "dual-epyc: 1", "cms-run3-node: 1", r"cms-run3-node holds t4 already"),
    ("cpu-2018", "dispatch: pull", "dispatch: push", r"nodes\.dispatch': Input should be 'round_robin'"),
    ("cpu-2018", "task: remaining", "task: remains", r"stages\[1\]\.task': unknown task 'remains'; nearest"),
    ("cpu-2018", "device: cpu, task: r", "device: accelerator, task: r", r"device': runs on an accelerator"),
    ("cpu-2018", "name: full", "name: fast", r"stages\[1\]\.name': a stage 'fast' is there already"),
    ("cpu-2018", "then: accept", "then: keep", r"timeout\.then': Input should be 'lose' or 'accept'"),
    ("cpu-2018", "mtbf: 26000 hour", "mtbf: 26000", r"failures\.mtbf': 26000 has no unit"),
    ("cpu-2018", "{rate: 1 kHz", "{rate: 1 MHz", r"output\.rate': 1e\+06 Hz are stored, and only 100000 Hz"),
    ("cpu-2018", "years: 4", "years: -4", r"run\.years': Input should be greater than 0"),
    ("cpu-2018", "workload: run-3", "workload: run3", r"workload': unknown workload 'run3'; nearest: run-3"),
    ("cpu-2018", "lhc-2544-48b", "lhc-9999", r"collisions\.filling': .*lhc-9999"),
    ("cpu-2018", "  output.rate:", "  output.raet:", r"output\.raet': the design has no number"),
    ("triggerless", "rejection: 30", "rejection: 3000", r"output\.rate': 100000 Hz are stored, and only 9"),
    ("triggerless", "rejection: 30", "rejection: 0.5", r"stages\[0\]\.rejection': .* greater than or equal"),
    ("gpu-in-node", "kind: t4", "kind: epyc-7763", r"accelerators\.kind': epyc-7763 is of kind cpu"),
    ("gpu-in-node", "kind: t4", "kind: a5000", r"task': unknown device of task offloadable 'a5000'"),
    ("gpu-in-node", "device: accelerator", "device: cpu", r"accelerators': no stage uses them"),
    ("gpu-in-node", "{size: 1}", "{size: 4}", r"accelerators\.batch': wait and a size above 1 belong"),
    ("gpu-in-node", "attached: node", "attached: pool", r"accelerators\.network': a pool needs its network"),
    ("service", "attached: pool", "attached: node", r"accelerators\.network': accelerators in the nodes"),
    ("service", "hosts: {dual-epyc: 20}", "hosts: {}", r"accelerators\.hosts': a pool needs servers"),
    ("service", "hosts: {dual-epyc", "hosts: {cms-run3-node", r"holds t4 already"),
    ("triggerless", "in_flight: 4096", "in_flight: 100", r"nodes\.in_flight': at most 100 events on 256 sl"),
    ("triggerless", "in_flight: 4096", "in_flight: 0", r"nodes\.in_flight': Input should be greater than or"),
    ("cpu-2018", "dispatch: pull", "dispatch: pull\n  in_flight: 300", r"in_flight': without accelerators"),
    ("l1-networks", "latency: 150 ns", "latency: 15 us", r"networks\.anomaly\.latency': takes longer"),
    ("l1-networks", "device: xcvu9p", "device: t4", r"networks\.anomaly\.device': t4 is no FPGA but of"),
    ("l1-networks", "extends: cpu-2018", "extends: cpu-2019", r"unknown farm design 'cpu-2019'; nearest"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "message"), CASES)
def test_a_fault_is_refused_by_line_and_key(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    text = design_text(name)
    assert old in text
    path = written(tmp_path, text.replace(old, new, 1))
    with pytest.raises(NanosieveError, match=message) as error:
        load_design(path)
    found = re.search(r"mine\.yaml', line (\d+), key ", str(error.value))
    if "extends" not in old:
        assert found is not None
        wrong = text[: text.index(old)].count("\n") + 1
        assert abs(int(found[1]) - wrong) <= 7  # the key, the part that holds it, or the other one
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", r"holds no mapping; write name, title"),
        ("name: [\n", r"is not YAML"),
        ("name: &a x\ntitle: *a\n", r"line 2: aliases \(\*a\) are not accepted"),
        ("name: x\nname: y\n", r"line 2: key 'name' is there already \(line 1\)"),
        ("extends: 3\n", r"line 1, key 'extends': is no name of a design, not 3"),
        ("name: x\n", r"key 'title': is missing; write it"),
        ("extends: triggerless\nhardware_trigger:\n", r"key 'hardware_trigger': is missing; write it"),
    ],
)
def test_what_is_no_design(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(NanosieveError, match=message):
        load_design(written(tmp_path, text))


def test_unknown_names_and_missing_files() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown farm design 'gpu-in-nodes'; nearest: gpu-in-node"):
        load_design("gpu-in-nodes")
    with pytest.raises(UnknownNameError, match=r"^unknown farm design 'mine'"):
        design_text("mine")
    with pytest.raises(InputFileError, match=r"^farm design 'mine\.yaml' does not exist"):
        load_design("mine.yaml")


@given(st.floats(1, 1000), st.sampled_from(["kHz", "Hz", "MHz", "1/s"]))
def test_units_do_not_change_a_rate(value: float, unit: str) -> None:
    factor = {"kHz": 1e3, "Hz": 1.0, "MHz": 1e6, "1/s": 1.0}[unit]
    made = Output.model_validate({"rate": f"{value!r} {unit}", "bandwidth": "8 Gb/s"})
    assert made.rate == pytest.approx(value * factor)
    assert made.bandwidth == 1e9


def test_a_design_is_frozen() -> None:
    design = load_design("cpu-2018")
    with pytest.raises(ValueError, match="frozen"):
        design.name = "other"  # type: ignore[misc]
    assert isinstance(design, Design)


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "farms.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    design = load_design(written(tmp_path, block[1]))
    assert design.nodes.count == 180
    assert 0.8 < demand(design).nodes < 1
    parts = set(re.findall(r"^\| `(\w+)` \|", page[page.index("| part |") :], re.M))
    assert parts == set(Design.model_fields) - {"format", "name", "title", "source"}
