import h5py
import numpy as np
import pytest

from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events import convert_adc2021, objects, read_adc2021, read_sample
from nanosieve.physics.events.adc2021 import CLASSES


def published_like(number=50):
    """(N, 19, 4) as in the published files: pT-ordered, zero-padded."""
    draw = np.random.default_rng(11)
    values = np.zeros((number, 19, 4), np.float32)
    for first, slots in ((0, 1), (1, 4), (5, 4), (9, 10)):
        for event in range(number):
            filled = 1 if slots == 1 else draw.integers(slots + 1)
            rows = slice(first, first + filled)
            values[event, rows, 0] = np.sort(draw.uniform(3, 90, filled))[::-1]
            values[event, rows, 1] = 0 if slots == 1 else draw.uniform(-2, 2, filled)
            values[event, rows, 2] = draw.uniform(-3, 3, filled)
            values[event, rows, 3] = CLASSES[rows]
    return values


def write(path, values, name="Particles"):
    with h5py.File(path, "w") as file:
        file[name] = values
    return path


def test_the_objects_come_back(tmp_path):
    values = published_like()
    sample = read_adc2021(write(tmp_path / "background.h5", values))
    assert np.array_equal(objects(sample.events), values[:, :, :3])
    assert sample.processes["background"].events == len(sample) == 50
    assert len(read_adc2021(tmp_path / "background.h5", limit=7)) == 7


def test_conversion_gives_a_readable_sample(tmp_path):
    values = published_like()
    convert_adc2021(write(tmp_path / "x.h5", values), tmp_path / "new" / "x.parquet", process="a4l")
    sample = read_sample(tmp_path / "new" / "x.parquet")
    assert np.array_equal(objects(sample.events), values[:, :, :3])
    assert list(sample.processes) == ["a4l"]


def broken(change):
    values = published_like()
    change(values)
    return values


@pytest.mark.parametrize(
    ("values", "name", "error", "message"),
    [
        (np.zeros((3, 18, 4)), "Particles", InputFileError, r"is \(3, 18, 4\); expected \(N, 19, 4\)$"),
        (np.zeros((3, 57)), "Particles", InputFileError, r"is \(3, 57\); expected \(N, 19, 4\)$"),
        (published_like(), "events", InputFileError, r"has no dataset 'Particles'; it holds events$"),
        (np.zeros((0, 19, 4)), "Particles", SampleError, r"holds no events"),
        (
            broken(lambda v: v.__setitem__((4, 0, 0), np.nan)),
            "Particles",
            SampleError,
            r"has a value that is not finite in event 4, row 0",
        ),
        (
            broken(lambda v: v.__setitem__((2, 0, 0), -1)),
            "Particles",
            SampleError,
            r"has a negative pT in event 2, row 0",
        ),
        (
            broken(lambda v: v.__setitem__((3, 0, 3), 4)),
            "Particles",
            SampleError,
            r"has a class id that does not fit its row in event 3, row 0",
        ),
    ],
)
def test_other_content_is_refused(tmp_path, values, name, error, message):
    with pytest.raises(error, match=message):
        read_adc2021(write(tmp_path / "x.h5", values, name))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputFileError, match=r"^ADC2021 file '.*none.h5' does not exist"):
        read_adc2021(tmp_path / "none.h5")
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    with pytest.raises(InputFileError, match=r"^'.*text.h5' is not a readable HDF5 file"):
        read_adc2021(text)
    cut = write(tmp_path / "cut.h5", published_like(5000))
    cut.write_bytes(cut.read_bytes()[:100_000])
    with pytest.raises(InputFileError, match=r"^'.*cut.h5' is not a readable HDF5 file"):
        read_adc2021(cut)
    with pytest.raises(SettingsError, match=r"^the limit is 0"):
        read_adc2021(text, limit=0)
    with pytest.raises(SettingsError, match=r"must end in .parquet"):
        convert_adc2021(text, tmp_path / "x.root")


def test_no_cross_section_is_made_up(tmp_path):
    path = tmp_path / "a4l.h5"
    write(path, published_like())
    (summary,) = read_adc2021(path).processes.values()
    assert set(summary.figures()) == {"events", "effective_events"}
