from pathlib import Path

import pytest

from nanosieve.devices import RESOURCES, Trust, devices, find_device, read_catalogue
from nanosieve.errors import InputFileError, UnknownNameError
from nanosieve.figure import Provenance


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("xcvu9p", "xcvu9p"),
        ("VU9P", "xcvu9p"),
        ("xcvu9p-flgb2104-2-e", "xcvu9p"),
        ("xcvu13p-flga2577-2-e", "xcvu13p"),
        ("ku115", "xcku115"),
        ("XCKU115-FLVB2104-2-E", "xcku115"),
        ("u50", "alveo-u50"),
        ("Alveo U250", "alveo-u250"),
        ("alveo_u55c", "alveo-u55c"),
        ("xcu250-figd2104-2L-e", "alveo-u250"),
        (" u200 ", "alveo-u200"),
        ("vp1802", "xcvp1802"),
    ],
)
def test_a_device_is_known_by_its_usual_names(name: str, canonical: str) -> None:
    assert find_device(name).name == canonical


@pytest.mark.parametrize("name", ["vu8p", "", "xcvu9p-", "-flga2104", "alveo"])
def test_an_unknown_device_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"^unknown device '{name}';.* known: .*xcvu9p"):
        find_device(name)
    with pytest.raises(UnknownNameError, match=r"nearest: vu9p, .*xcvu9p"):
        find_device("vu8p")


def test_published_counts_of_the_vu9p() -> None:
    device = find_device("vu9p")
    assert [device.count(resource) for resource in RESOURCES] == [1182240, 2364480, 6840, 2160, 960]
    assert device.trust is Trust.PUBLISHED
    assert device.figure("lut").provenance is Provenance.PUBLISHED
    assert device.figure("lut").source == "PolyArch/dsagen2, VU9P resource totals"
    assert device.usable_count("lut") == pytest.approx(827568)
    assert device.usable_figure("ff").value == 50


def test_a_number_from_memory_is_never_shown_as_published() -> None:
    for device in devices():
        for resource in RESOURCES:
            figure, origin = device.figure(resource), device.origins[resource]
            assert (figure.provenance is Provenance.PUBLISHED) == (origin.trust is Trust.PUBLISHED)
            assert origin.source
            assert figure.source.startswith(str(origin.trust)) or origin.trust is Trust.PUBLISHED
    assert find_device("vu13p").trust is Trust.RECALLED
    assert find_device("u55c").figure("lut").source.startswith("derived: ")


def test_names_and_fractions_are_sane() -> None:
    names = [name for device in devices() for name in (device.name, *device.aliases)]
    assert len(names) == len(set(names))
    for device in devices():
        assert device.ff == pytest.approx(2 * device.lut, rel=0.002), device.name  # two beside every LUT
        assert all(0 < device.usable[resource] <= 1 for resource in RESOURCES)


CATALOGUE = Path(__file__).parents[2] / "src" / "nanosieve" / "devices" / "catalogue.yaml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "value: 663360",
            "value: -1",
            r"devices\.xcku115\.lut\.value: Input should be greater than or equal",
        ),
        ("trust: recalled", "trust: guessed", r"devices\.xcku115\.lut\.trust: Input should be 'published'"),
        (
            "value: 0.70",
            "value: 1.70",
            r"usable_fractions\.vendor_guideline\.lut\.value: .* less than or equal to 1",
        ),
        ("aliases: [vu13p]", "aliases: [vu9p]", r"the file: .*'vu9p' stands for two devices"),
        ("kind: chip", "knid: chip", r"devices\.xcku115\.kind: Field required"),
        ("format: 1", "format: 3", r"format: Input should be 1"),
        ("devices:", "devices: [", r"is not YAML: "),
    ],
)
def test_a_broken_catalogue_names_the_entry(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputFileError, match=rf"device catalogue '.*mine\.yaml'.*{message}"):
        read_catalogue(path)


def test_the_packaged_catalogue_reads_like_any_other() -> None:
    assert read_catalogue(CATALOGUE) == devices()
    with pytest.raises(InputFileError, match="does not exist"):
        read_catalogue("none.yaml")
