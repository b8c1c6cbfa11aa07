"""The public files as they can be downloaded, and what is said of broken ones."""

import h5py
import numpy as np
import pytest

from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events.jet_features import CLASSES, FEATURES, read_public_jets

PARTICLE = ["j1_px", "j1_py", "j1_pz", "j1_e", "j1_erel", "j1_pt", "j1_ptrel", "j1_eta", "j1_etarel",
            "j1_etarot", "j1_phi", "j1_phirel", "j1_phirot", "j1_deltaR", "j1_costheta", "j1_costhetarel",
            "j1_pdgid"]  # fmt: skip
JET = ["j_ptfrac", "j_pt", *(f"j_{name}" for name in FEATURES), *(f"j_{name}" for name in CLASSES), "j_undef"]


def jets(number=20):
    draw = np.random.default_rng(3)
    features = draw.normal(size=(number, 16)).astype(np.float32)
    return features, np.arange(number) % 5, draw.normal(size=(number, 30, 16)).astype(np.float32)


def zenodo(path, change=lambda content: None):
    features, labels, inside = jets()
    marks = np.eye(6)[labels]
    content = {
        "jets": np.concatenate([np.full((20, 2), 7.0), features, marks], axis=1).astype(np.float32),
        "jetFeatureNames": np.array([name.encode() for name in JET]),
        "jetConstituentList": inside,
        "particleFeatureNames": np.array([name.encode() for name in PARTICLE]),
    }
    change(content)
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
    return path


def text(path, rows=None, names=(*FEATURES, "class")):
    features, labels, _ = jets()
    rows = rows or [[*map(repr, map(float, f)), CLASSES[n]] for f, n in zip(features, labels, strict=True)]
    lines = [",".join(row) for row in rows]
    if path.suffix == ".arff":
        kinds = ["REAL"] * (len(names) - 1) + ["{g, q, t, w, z}"]
        columns = [f"@ATTRIBUTE {name} {kind}" for name, kind in zip(names, kinds, strict=True)]
        lines = ["% hls4ml", "@RELATION jets", *columns, "@DATA", *lines]
    else:
        lines = [",".join(names), *lines]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_files_of_zenodo(tmp_path):
    features, labels, inside = jets()
    found = read_public_jets(zenodo(tmp_path / "a.h5"), constituents=8)
    assert np.array_equal(found.features, features)
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.constituents, inside[:, :8][:, :, [5, 8, 11]])
    assert read_public_jets(tmp_path / "a.h5").constituents.shape == (20, 0, 3)


def test_a_folder_of_them(tmp_path):
    zenodo(tmp_path / "jetImage_7_150p_0_10000.h5")
    zenodo(tmp_path / "jetImage_7_150p_10000_20000.h5")
    assert len(read_public_jets(tmp_path)) == 40
    assert len(read_public_jets(tmp_path, limit=25)) == 25


@pytest.mark.parametrize("suffix", [".arff", ".csv"])
def test_the_tables_of_openml(tmp_path, suffix):
    features, labels, _ = jets()
    found = read_public_jets(text(tmp_path / f"jets{suffix}"))
    assert np.array_equal(found.features, features)
    assert np.array_equal(found.labels, labels)


def test_parquet_of_openml(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    features, labels, _ = jets()
    columns = {name: features[:, n] for n, name in enumerate(FEATURES)}
    columns["class"] = [CLASSES[n] for n in labels]
    parquet.write_table(arrow.table(columns), tmp_path / "jets.pq")
    assert np.array_equal(read_public_jets(tmp_path / "jets.pq", limit=9).features, features[:9])


def test_the_table_with_a_row_for_each_constituent(tmp_path):
    features, labels, _ = jets()
    names = [f"j_{name}" for name in (*FEATURES, *CLASSES)]
    values = np.repeat(np.concatenate([features, np.eye(5)[labels]], axis=1), 3, axis=0)
    rows = np.rec.fromarrays(values.T.astype(np.float32), names=names)
    with h5py.File(tmp_path / "truth.z", "w") as file:
        file["t_allpar_new"] = rows
    found = read_public_jets(tmp_path / "truth.z")
    assert np.array_equal(found.features, features)
    assert np.array_equal(found.labels, labels)


def drop(name):
    return lambda content: content.pop(name)


def alter(name, change):
    return lambda content: content.update({name: change(content[name])})


def not_a_number(values):
    values[4, 3] = np.nan
    return values


def two_marks(values):
    values[2, -6:] = 1
    return values


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (drop("jets"), InputFileError, r"has no dataset 'jets' .* it holds jetConstituentList, jetFeat"),
        (drop("jetFeatureNames"), InputFileError, r"lacks the dataset 'jets' or 'jetFeatureNames'"),
        (drop("jetConstituentList"), InputFileError, r"lacks the dataset 'jetConstituentList'"),
        (
            alter("jets", lambda v: v[:, :, None]),
            InputFileError,
            r"'jets' of .* is \(20, 24, 1\); expected 2",
        ),
        (alter("jets", lambda v: v[:0]), InputFileError, r"'jets' of .* is \(0, 24\)"),
        (alter("jetFeatureNames", lambda v: v[::-1]), SampleError, r"jet 0 of .* has the marks"),
        (
            alter("jetFeatureNames", lambda v: np.array([b"x"] * len(v))),
            InputFileError,
            r"lacks the columns j_z",
        ),
        (
            alter("jetConstituentList", lambda v: v[:9]),
            InputFileError,
            r"is \(9, 30, 16\); 8 constituents of 20",
        ),
        (
            alter("jetConstituentList", lambda v: v[:, :5]),
            InputFileError,
            r"is \(20, 5, 16\); 8 constituents",
        ),
        (alter("jets", not_a_number), SampleError, r"jet 4 has c1_b0_mmdt = nan"),
        (alter("jets", two_marks), SampleError, r"jet 2 of .* has the marks \[1.0, 1.0, 1.0, 1.0, 1.0\]"),
    ],
)
def test_broken_files_of_zenodo(tmp_path, change, error, message):
    file = zenodo(tmp_path / "a.h5", change)
    with pytest.raises(error, match=message) as raised:
        read_public_jets(file, constituents=8)
    assert "\n" not in str(raised.value)


def test_a_class_that_is_missing(tmp_path):
    features, _, _ = jets()
    rows = [[*map(repr, map(float, f)), "g"] for f in features]
    with pytest.raises(SampleError, match=r"jets.csv.*there is no jet of class q, w, z, t"):
        read_public_jets(text(tmp_path / "jets.csv", rows))


@pytest.mark.parametrize(
    ("write", "error", "message"),
    [
        (
            lambda f: text(f, [[*["0.1"] * 16, "higgs"]]),
            SampleError,
            r"jet 0 of .* of class 'higgs'; accepted",
        ),
        (lambda f: text(f, [["0.1", "g"]]), InputFileError, r"not a readable table \(.*[Ee]xpected 17"),
        (lambda f: text(f, [[*["0.1"] * 15, "high", "g"]]), InputFileError, r"not a readable table"),
        (
            lambda f: text(f, names=(*FEATURES[:-1], "number", "class")),
            InputFileError,
            r"lacks the columns mult",
        ),
        (lambda f: f.write_bytes(b"\x93NUMPY\x01\x00"), InputFileError, r"jets"),
        (lambda f: f.write_bytes(b""), InputFileError, r"jets"),
    ],
)
@pytest.mark.parametrize("suffix", [".arff", ".csv"])
def test_broken_tables(tmp_path, suffix, write, error, message):
    file = tmp_path / f"jets{suffix}"
    write(file)
    with pytest.raises(error, match=message) as raised:
        read_public_jets(file)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("suffix", [".h5", ".z", ".pq"])
def test_files_that_are_none(tmp_path, suffix):
    file = tmp_path / f"jets{suffix}"
    file.write_bytes(b"not at all")
    with pytest.raises(InputFileError, match=r"is not a readable .*; download it again$"):
        read_public_jets(file)


def test_a_file_that_was_cut_off(tmp_path):
    file = zenodo(tmp_path / "a.h5")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(InputFileError, match=r"not a readable HDF5 file .*; download it again$"):
        read_public_jets(file)


def test_wrong_requests(tmp_path):
    with pytest.raises(InputFileError, match=r"holds no \.h5 or \.hdf5 or \.z file"):
        read_public_jets(tmp_path)
    with pytest.raises(InputFileError, match=r"does not exist"):
        read_public_jets(tmp_path / "none.csv")
    root = tmp_path / "x.root"
    root.write_bytes(b"root")
    with pytest.raises(InputFileError, match=r"ends in '\.root'; accepted"):
        read_public_jets(root)
    with pytest.raises(InputFileError, match=r"holds no constituents"):
        read_public_jets(text(tmp_path / "jets.csv"), constituents=4)
    with pytest.raises(SettingsError, match=r"give 0 or more, and 1 jet or more"):
        read_public_jets(tmp_path / "jets.csv", limit=0)
