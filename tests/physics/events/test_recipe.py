import pytest

from nanosieve.errors import InputFileError, SettingsError, UnknownNameError
from nanosieve.physics.events.detector import DETECTORS
from nanosieve.physics.events.recipe import COCKTAILS, expand, known_processes, load_recipe

MINIMAL = "name: mine\ntitle: mine\npythia: ['Top:all = on']\n"


def test_every_shipped_recipe_is_valid_and_carries_its_file_name():
    assert {"w_lnu", "qcd", "z_ll", "ttbar", "a4l", "lq", "h0", "hch"} <= set(known_processes())
    for name in known_processes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.detector in DETECTORS
        assert (recipe.filter.electron_pt, recipe.filter.muon_pt) == (23, 23)
        assert (recipe.filter.electron_eta, recipe.filter.muon_eta) == (3.0, 2.1)


@pytest.mark.parametrize("events", [1, 2, 3, 7, 999, 40_000])
def test_a_cocktail_splits_into_exactly_the_events_asked_for(events):
    numbers = expand("sm", events)
    assert sum(numbers.values()) == events
    for name, number in numbers.items():
        assert abs(number - events * COCKTAILS["sm"][name]) < 1


def test_names_and_cocktails_mix():
    assert expand("sm, h0", 1000) == {"w_lnu": 592, "qcd": 338, "z_ll": 67, "ttbar": 3, "h0": 1000}


def test_a_recipe_file_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL)
    assert load_recipe(path).name == "mine"


def test_the_digest_follows_the_content(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL)
    before = load_recipe(path).digest()
    assert load_recipe(path).digest() == before
    path.write_text(MINIMAL + "filter: {muon_pt: 24}\n")
    assert load_recipe(path).digest() != before


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("name: [", InputFileError, r"^recipe '.*mine.yaml' is not YAML: .*$"),
        ("- a\n- b\n", SettingsError, r"^recipe '.*' must be a mapping with name, title and pythia$"),
        (MINIMAL + "typo: 1\n", SettingsError, r"^recipe '.*', field 'typo': Extra inputs"),
        (MINIMAL.replace("mine\nt", "Mine!\nt"), SettingsError, r"field 'name': .*pattern"),
        (
            "name: a\ntitle: a\npythia: ['Top:all on']\n",
            SettingsError,
            r"'Top:all on' is no Pythia setting; write 'Key = value'",
        ),
        (
            "name: a\ntitle: a\npythia: ['Random:seed = 3']\n",
            SettingsError,
            r"'Random:seed' is set by nanosieve itself",
        ),
        (MINIMAL + "roulette: {keep: 0}\n", SettingsError, r"field 'roulette.keep': .*greater than 0"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path, content, error, message):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(error, match=message):
        load_recipe(path)


def test_unknown_names_come_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^unknown process 'w_lnx'; nearest: w_lnu.*; known: a4l, "):
        load_recipe("w_lnx")
    with pytest.raises(InputFileError, match=r"^recipe 'none.yaml' does not exist"):
        load_recipe("none.yaml")


@pytest.mark.parametrize(
    ("processes", "events", "message"),
    [
        ("h0", 0, r"^the number of events is 0; give 1 or more with -n$"),
        (" , ", 5, r"^no process given; known: a4l"),
        ("sm,qcd", 5, r"^process 'qcd' is requested twice in 'sm,qcd'; name it once$"),
    ],
)
def test_a_wrong_request_is_refused(processes, events, message):
    with pytest.raises(SettingsError, match=message):
        expand(processes, events)
