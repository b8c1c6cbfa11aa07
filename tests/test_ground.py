"""Units, files and optional packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanosieve._files import atomic_path, existing_file, output_folder, write_text
from nanosieve._require import require
from nanosieve.errors import InputFileError, MissingDependencyError, OutputError, SettingsError
from nanosieve.units import magnitude


def test_quantities_are_converted() -> None:
    assert magnitude("0.2 GHz", "MHz", name="clock") == 200.0
    assert magnitude("2e34 / cm**2 / s", "1 / pb / s", name="luminosity") == pytest.approx(0.02)
    assert magnitude(25, "ns", name="every") == 25.0


@pytest.mark.parametrize("text", ["25 parsec", "fast", "", "25 ns ns ns", "__import__('os')"])
def test_bad_quantities_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^latency = .* is not a quantity in units of ns"):
        magnitude(text, "ns", name="latency")


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "old")

    def interrupted() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unwritable_places_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write to folder .*file/sub"):
        output_folder(tmp_path / "file" / "sub")
    with pytest.raises(OutputError, match=r"cannot write .*nowhere/x.txt"):
        write_text(tmp_path / "nowhere" / "x.txt", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.keras", r"does not exist; check the path"),
        ("folder", r"is a folder; give a file \(.keras\)"),
        ("wrong.txt", r"ends in '.txt'; accepted: .keras"),
    ],
)
def test_input_files_are_checked(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "wrong.txt").write_text("")
    with pytest.raises(InputFileError, match=message):
        existing_file(tmp_path / name, kind="model", suffixes=(".keras",))


def test_missing_packages_name_the_extra() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'nanosieve\[farm\]'"):
        require("no_such_package_at_all", extra="farm", purpose="a test")


def test_bits_and_bytes_are_no_frequencies_and_no_barns() -> None:
    assert magnitude("51 Tb/s", "GB/s", name="bandwidth") == pytest.approx(6375)
    assert magnitude("1.6 Tbit / s", "GB/s", name="bandwidth") == pytest.approx(200)
    assert magnitude("2 MB", "kB", name="size") == pytest.approx(2000)
    assert magnitude("8 b / s", "B/s", name="bandwidth") == pytest.approx(1)
    assert magnitude("80 mb", "barn", name="cross section") == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("100 kHz", "GB/s"), ("1 GB/s", "kHz"), ("3", "MB"), ("2 Mb", "MB"), ("80 mb", "MB"), ("2 MB", "barn")],
)
def test_an_amount_of_data_is_a_dimension_of_its_own(text: str, unit: str) -> None:
    with pytest.raises(SettingsError, match="is not a quantity in units of"):
        magnitude(text, unit, name="setting")
