"""What a menu may say, and how it is told what it may not."""

from __future__ import annotations

import copy
from importlib import resources

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnknownNameError
from nanosieve.figure import Provenance
from nanosieve.physics.menu import known_menus, load_menu, parse_menu, write_menu

TEXT = """\
format: 1
name: example
definitions:
  isolated: {hlt: {mu: 0.1}}
bunch_groups:
  first: [0-9, 30]
l1:
  MU:
    legs: [{object: mu, pt: 10}]
    bunch_group: first
  JETS:
    legs:
      - {object: jet, count: 2, pt: 20}
lines:
  mu:
    l1: MU
    hlt:
      legs:
        - {object: mu, pt: 12, isolated: true}
  dijet:
    l1: JETS
    hlt:
      legs: [{object: jet, count: 2, pt: 30, eta_max: 2.5}]
      pairs:
        - {between: [jet, jet], mass: {min: 100, max: 200}}
"""


@pytest.fixture
def write(tmp_path):
    def write(old: str = "", new: str = ""):
        assert old in TEXT
        path = tmp_path / "menu.yaml"
        path.write_text(TEXT.replace(old, new, 1) if old else TEXT, encoding="utf-8")
        return path

    return write


def test_a_menu_reads_back_what_was_written(write, tmp_path):
    menu = load_menu(write())
    assert menu.bunch_groups["first"] == (*range(10), 30)
    assert "first: [0-9, 30]" in write_menu(menu, tmp_path / "again.yaml").read_text(encoding="utf-8")
    assert menu.lines["dijet"].hlt.pairs[0].mass.max == 200
    assert load_menu(write_menu(menu, tmp_path / "again.yaml")) == menu


ERRORS = [
    (
        "  mu:\n    l1: MU\n",
        "  MU:\n    l1: MU\n",
        SettingsError,
        "line 15, .*'MU' is also the name of a Level-1 item",
    ),
    ("  dijet:", "  any:", SettingsError, "line 20, .*'any' stands for all of them together"),
    (
        "object: mu, pt: 12",
        "object: muon, pt: 12",
        UnknownNameError,
        r"menu\.yaml', line 19, key 'lines\.mu\.hlt\.legs\[0\]\.object': unknown hlt object 'muon'; nearest",
    ),
    (
        "object: jet, count: 2, pt: 20",
        "object: gamma, pt: 20",
        UnknownNameError,
        "line 13, .*unknown l1 object 'gamma'",
    ),
    (
        "eta_max: 2.5",
        "etamax: 2.5",
        UnknownNameError,
        r"line 23, .*legs\[0\]\.etamax': unknown key; nearest: eta_max",
    ),
    ("pt: 10}", "ptt: 10}", UnknownNameError, "line 9, .*unknown key; nearest: pt; known: btag_eff, charge"),
    ("name: example", "nam: example", UnknownNameError, "line 2, key 'nam': unknown key; nearest: name"),
    (
        "l1: MU\n",
        "l1: MU3\n",
        UnknownNameError,
        r"line 16, key 'lines\.mu\.l1': unknown Level-1 item 'MU3'; nearest: MU",
    ),
    ("group: first", "group: last", UnknownNameError, "line 10, .*unknown bunch group 'last'"),
    ("[jet, jet]", "[jet, mu]", UnknownNameError, "line 25, .*unknown leg 'mu'"),
    ("{hlt: {mu: 0.1}}", "{hlt: {m: 0.1}}", UnknownNameError, "line 4, .*unknown hlt object 'm'"),
    (
        "min: 100, max: 200",
        "min: 300, max: 200",
        SettingsError,
        "line 25, .*mass: min 300 is above max 200; swap",
    ),
    ("min: 100, max: 200", "", SettingsError, "neither min nor max"),
    (
        "count: 2, pt: 20",
        "count: 0, pt: 20",
        SettingsError,
        r"line 13, .*count': .*greater than or equal to 1, not 0",
    ),
    (
        "count: 2, pt: 30",
        "pt: 30",
        SettingsError,
        "takes 2 of 'jet', which has count 1; it needs two single objects",
    ),
    ("count: 2, pt: 30", "count: 3, pt: 30", SettingsError, "which has count 3"),
    ("eta_max: 2.5", "eta_max: 0", SettingsError, r"eta_max': .*greater than 0, not 0"),
    ("eta_max: 2.5", "eta_max: -1", SettingsError, "greater than 0, not -1"),
    ("pt: 12", "pt: .nan", SettingsError, "line 19, .*finite number"),
    ("pt: 12", "pt: many", SettingsError, "line 19, .*pt': .*number, .*not 'many'"),
    (
        "object: mu, pt: 12",
        "object: met, pt: 12",
        SettingsError,
        "met at hlt has no isolation; isolated is accepted for",
    ),
    ("eta_max: 2.5", "isolated: true", SettingsError, "jet at hlt has no isolation"),
    (
        "eta_max: 2.5",
        "btag_eff: 0.6",
        SettingsError,
        "jet at hlt has no b-tag; btag_eff is accepted for bjet",
    ),
    ("object: mu, pt: 12", "object: bjet, pt: 12", SettingsError, "isolation"),
    ("isolated: true", "quality: tight", SettingsError, "mu at hlt has no quality; .* e, gamma"),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: e, pt: 12, quality: good}",
        UnknownNameError,
        "quality 'good'",
    ),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: e, pt: 12, isolated: true}",
        SettingsError,
        r"isolated e is not defined; add it to definitions: isolated: \{hlt: \{e: LIMIT\}\}",
    ),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: bjet, pt: 12}",
        SettingsError,
        "a bjet needs its working point",
    ),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: bjet, pt: 12, btag_eff: 0.5}",
        SettingsError,
        "no working point 0.5",
    ),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: met, pt: 12, count: 2}",
        SettingsError,
        "exists once in an event",
    ),
    (
        "{object: mu, pt: 12, isolated: true}",
        "{object: ht, pt: 12, eta_max: 2}",
        SettingsError,
        "ht at hlt has no pseudor",
    ),
    ("legs: [{object: mu, pt: 10}]", "legs: []", SettingsError, "line 8, .*every event would pass"),
    ("legs: [{object: mu, pt: 10}]", "prescale: 0.5", SettingsError, "greater than or equal to 1, not 0.5"),
    ("mass: {min: 100, max: 200}", "", SettingsError, "line 25, .*no cut; write mass"),
    ("mass:", "charge: opposite, mass:", SettingsError, "jet at hlt has no charge"),
    ("[0-9, 30]", "[0-9, 4000]", SettingsError, "line 6, .*slot 4000 is outside 0 … 3563"),
    ("[0-9, 30]", "[]", SettingsError, "no slot"),
    ("[0-9, 30]", "all", SettingsError, "valid tuple, not 'all'"),
    ("format: 1", "format: 2", SettingsError, "line 1, key 'format': .*not 2"),
    ("name: example", "", SettingsError, "key 'name': is missing; write it"),
    ("name: example", "name: example\nluminosity: 3 GeV", SettingsError, "luminosity .*not a quantity"),
    (
        "  dijet:",
        "  mu:",
        SettingsError,
        r"line 20: key 'mu' is there already \(line 15\); give it another name",
    ),
    ("name: example", "name: [", InputFileError, "is not YAML: "),
    (
        "name: example",
        "name: &x example\ntitle: *x",
        InputFileError,
        r"line 3: aliases \(\*x\) are not accepted",
    ),
    (
        "name: example",
        "name: !!python/object/apply:os.system [ls]",
        InputFileError,
        "is not YAML: could not determine",
    ),
    ("name: example", "name: " + 1200 * "[", InputFileError, "is not YAML"),
]


@pytest.mark.parametrize(("old", "new", "kind", "message"), ERRORS)
def test_errors_name_file_line_and_key(write, old, new, kind, message):
    with pytest.raises(kind, match=message) as raised:
        load_menu(write(old, new))
    assert "\n" not in str(raised.value)
    assert "menu.yaml" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"- 1\n- 2\n", SettingsError, "holds no mapping"),
        (b"\xff\xfe\xfa", InputFileError, "text in UTF-8"),
        (b"", SettingsError, "holds no mapping"),
        (b"#" * (5 << 20), InputFileError, "5,242,880 bytes; at most"),
    ],
)
def test_files_that_are_no_menu(tmp_path, content, kind, message):
    path = tmp_path / "menu.yaml"
    path.write_bytes(content)
    with pytest.raises(kind, match=message):
        load_menu(path)


def test_names_that_are_no_menu(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown menu 'atlas'; nearest: atlas-2018"):
        load_menu("atlas")
    with pytest.raises(InputFileError, match="does not exist"):
        load_menu(tmp_path / "missing.yaml")
    with pytest.raises(SettingsError, match=r"ends in '.txt'; accepted: .yaml"):
        write_menu(load_menu("atlas-2018"), tmp_path / "menu.txt")


def test_an_error_in_python_names_the_key():
    content = yaml.safe_load(TEXT)
    content["lines"]["mu"]["hlt"]["legs"][0]["pt"] = -3
    with pytest.raises(SettingsError, match=r"^menu, key 'lines\.mu\.hlt\.legs\[0\]\.pt': .* not -3$"):
        parse_menu(content)


def paths(content, path=()):
    yield path
    if isinstance(content, dict | list):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield from paths(content[key], (*path, key))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_menus_give_errors_of_this_package(data):
    """One value anywhere is replaced by something else: it is read, or the error is ours and one line."""
    content = copy.deepcopy(yaml.safe_load(TEXT))
    path = data.draw(st.sampled_from([p for p in paths(content) if p]))
    junk = st.sampled_from([None, -1, 0, 1e400, "x", [], {}, [1], {"a": 1}, True, {"min": 1}, "0-9"])
    owner = content
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = data.draw(junk)
    try:
        parse_menu(content)
    except NanosieveError as error:
        text = str(error)
    else:
        return
    assert "\n" not in text


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 12),
    st.text(alphabet="{}[]:,-&*!|>%@\"'#\n\t\0 aé1", max_size=6),
)
def test_damaged_text_gives_errors_of_this_package(tmp_path, start, length, junk):
    path = tmp_path / "menu.yaml"
    path.write_text(TEXT[:start] + junk + TEXT[start + length :], encoding="utf-8")
    text = ""
    try:
        load_menu(path)
    except NanosieveError as error:
        text = str(error)
    assert "\n" not in text


class TestAtlas2018:
    def test_it_is_complete(self, atlas):
        assert known_menus() == ("atlas-2018", "cms-2018-scan", "cms-2018-zero-bias")
        assert len(atlas.lines) == 40
        categories = [line.category for line in atlas.lines.values()]
        assert categories.count("b_physics") == 4
        assert all(line.offline is not None for line in atlas.lines.values())
        assert {line.l1 for line in atlas.lines.values()} == set(atlas.l1)

    def test_sums_of_the_published_column(self, atlas):
        """The sums of the high-level rates: a number that was mistyped would change them."""
        sums = {True: 0.0, False: 0.0}
        for line in atlas.lines.values():
            sums[line.category == "b_physics"] += line.published.hlt_hz
        assert sums == {True: pytest.approx(128.0), False: pytest.approx(1209.7)}
        assert {name: total.value for name, total in atlas.totals.items()} == {
            "l1": 86.0, "main": 1750.0, "b_physics": 200.0,
        }  # fmt: skip

    def test_only_what_was_read_is_published(self, atlas):
        recalled = [n for n, line in atlas.lines.items() if line.published.trust_of("l1_khz") != "published"]
        assert len(recalled) == 10
        assert all(atlas.published_figure(name, "l1_khz") is None for name in recalled)
        figure = atlas.published_figure("mu_52", "hlt_hz")
        assert (figure.value, figure.unit, figure.provenance) == (70, "Hz", Provenance.PUBLISHED)
        assert "ATL-DAQ-PUB-2019-001" in figure.source

    def test_thresholds_fall_from_offline_to_level_1(self, atlas):
        """Each line asks offline for more than the trigger, and the trigger for no less than Level 1."""
        for name, line in atlas.lines.items():
            offline, hlt = (
                sorted(leg.pt for leg in s.legs for _ in range(leg.count)) for s in (line.offline, line.hlt)
            )
            assert len(offline) == len(hlt), name
            assert all(a >= b for a, b in zip(offline, hlt, strict=True)), name

    def test_the_file_is_in_the_order_of_the_table(self):
        text = (resources.files("nanosieve.physics.menu") / "menus" / "atlas-2018.yaml").read_text(
            encoding="utf-8"
        )
        assert (
            text.index("mu_iso_27:")
            < text.index("2mu_15:")
            < text.index("met_200:")
            < text.index("bupsilon_6_6:")
        )
