"""Labelled sequences: what the generators promise, the files, and damaged input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.errors import InputFileError, SampleError, SettingsError, UnknownNameError
from nanosieve.physics.events.sequences import (
    KINDS,
    LabelledSequences,
    make_sequences,
    read_drawings,
    read_sequences,
    standardisation,
    write_sequences,
)
from nanosieve.physics.events.sequences import make as making
from nanosieve.physics.events.sequences.padding import padded
from nanosieve.physics.events.sequences.quickdraw import FEATURES, STEPS, stroke_sequence
from nanosieve.physics.events.sequences.strokes import ANIMALS, drawing


def toy(**changes: object) -> LabelledSequences:
    fields: dict[str, object] = {
        "values": np.arange(24, dtype=np.float32).reshape(4, 3, 2),
        "labels": np.array([0, 1, 1, 0]),
        "classes": ("a", "b"),
        "features": ("x", "y"),
        "origin": "toy",
    }
    return LabelledSequences(**{**fields, **changes})  # type: ignore[arg-type]


class TestContent:
    def test_counts_and_parts(self) -> None:
        part = toy().only(np.array([3, 1]))
        assert toy().counts().tolist() == [2, 2]
        assert part.labels.tolist() == [0, 1]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"values": np.zeros((4, 3), np.float32)}, r"have the shape \(events, steps, 2 features\)"),
            ({"labels": np.zeros(3, int)}, r"4 sequences have labels of shape \(3,\); give one for each"),
            ({"labels": np.array([0, 1, 2, 0])}, r"sequence 2 has the label 2; accepted: 0 to 1 \(a, b\)"),
            ({"labels": np.zeros(4, int)}, r"there is no sequence of class b; add some of each"),
            (
                {"values": np.full((4, 3, 2), np.nan, np.float32)},
                r"sequence 0 holds nan at step 0, feature 'x'",
            ),
        ],
    )
    def test_what_does_not_fit_is_refused(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(SampleError, match=message):
            toy(**changes)

    def test_standardisation_leaves_constants(self) -> None:
        values = np.zeros((5, 2, 2), np.float32)
        values[..., 0] = np.arange(10).reshape(5, 2)
        mean, spread = standardisation(values)
        assert mean.tolist() == [4.5, 0.0]
        assert spread == pytest.approx([np.arange(10).std(), 1.0])


class TestFiles:
    def test_a_file_comes_back(self, tmp_path: Path) -> None:
        path = write_sequences(toy(), tmp_path / "toy.npz")
        again = read_sequences(path, like=toy())
        assert np.array_equal(again.values, toy().values)
        assert (again.classes, again.features, again.origin) == (("a", "b"), ("x", "y"), "toy")

    def test_a_file_unlike_what_is_wanted(self, tmp_path: Path) -> None:
        path = write_sequences(toy(), tmp_path / "toy.npz")
        with pytest.raises(InputFileError, match=r"has the classes \('a', 'b'\); this network takes"):
            read_sequences(path, like=toy(classes=("a", "c")))
        short = toy(values=np.zeros((4, 2, 2), np.float32))
        with pytest.raises(InputFileError, match=r"has the steps 3; this network takes 2"):
            read_sequences(path, like=short)

    @pytest.mark.parametrize("damage", ["cut", "text", "missing", "pickle", "format"])
    def test_damaged_files(self, tmp_path: Path, damage: str) -> None:
        path = write_sequences(toy(), tmp_path / "toy.npz")
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:200])
        elif damage == "text":
            path.write_text("not a file of arrays")
        elif damage == "missing":
            np.savez(path, values=toy().values)
        elif damage == "pickle":
            np.savez(path, facts=np.array(["{}"], dtype=object), values=toy().values, labels=toy().labels)
        else:
            np.savez(path, facts=np.array(json.dumps({"format": 9})), values=toy().values, labels=[0])
        with pytest.raises(InputFileError) as caught:
            read_sequences(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


@given(st.lists(st.integers(0, 5), max_size=30).map(sorted), st.integers(1, 4))
def test_padding_keeps_the_first_of_each_group(group: list[int], steps: int) -> None:
    values = np.arange(1.0, len(group) + 1).reshape(-1, 1)
    result = padded(np.array(group, dtype=np.int64), values, 6, steps)
    for n in range(6):
        own = [v for g, v in zip(group, values[:, 0], strict=True) if g == n][:steps]
        assert result[n, :, 0].tolist() == own + [0.0] * (steps - len(own))


class TestDrawings:
    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(sorted(ANIMALS)), st.integers(0, 2**31))
    def test_every_drawing_fits_the_square(self, animal: str, seed: int) -> None:
        strokes = drawing(animal, np.random.default_rng(seed))
        points = np.concatenate(strokes)
        assert strokes
        assert points.min() == 0
        assert points.max() == 255
        sequence = stroke_sequence(strokes)
        assert sequence.shape == (STEPS, len(FEATURES))
        assert np.isfinite(sequence).all()
        assert np.abs(sequence[:, :2]).max() <= 1
        used = min(len(points), STEPS)
        assert not sequence[: STEPS - used].any()
        if len(points) <= STEPS:
            assert sequence[:, 2].sum() == len(strokes)
            assert sequence[:, :2].sum(axis=0) * 255 == pytest.approx(points[-1] - points[0], abs=1e-3)

    def test_the_same_seed_draws_the_same(self) -> None:
        first, second = (drawing("bee", np.random.default_rng(4)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))

    def test_classes_can_be_told_apart(self, tmp_path: Path) -> None:
        """A crude feature separates snails: the longest stroke."""
        made, _ = make_sequences("quickdraw", 60, tmp_path / "q.npz", workers=1)
        ends = made.values[..., 2]
        longest = np.array([np.diff(np.flatnonzero(row), prepend=-1).max() for row in ends])
        snail = made.labels == made.classes.index("snail")
        assert np.median(longest[snail]) > np.median(longest[~snail])


class TestQuickDraw:
    def write(self, folder: Path, *, skip: str = "", **lines: str) -> Path:
        good = '{"word": "%s", "recognized": true, "drawing": [[[0, 255, 30], [0, 10, 255]], [[1], [2]]]}\n'
        for number, animal in enumerate(ANIMALS):
            if animal != skip:
                name = f"{animal}.ndjson" if number % 2 else f"full_simplified_{animal}.ndjson"
                (folder / name).write_text(lines.get(animal, good % animal * 3))
        return folder

    def test_the_public_form_is_read(self, tmp_path: Path) -> None:
        unseen = '{"word": "ant", "recognized": false, "drawing": []}\n'
        seen = '{"word": "ant", "recognized": true, "drawing": [[[0, 255], [0, 51]]]}\n'
        drawings = read_drawings(self.write(tmp_path, ant=unseen + "\n" + seen), 2)
        assert drawings.counts().tolist() == [1, 2, 2, 2, 2]
        assert drawings.origin.startswith("Quick, Draw!")
        (ant,) = drawings.values[drawings.labels == 0]
        assert ant[-3:] == pytest.approx(np.array([[0, 0, 0], [0, 0, 0], [1, 0.2, 1]]))

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"word": "bee", "drawing": [[[1', r"line 1 of .*bee.ndjson.* is no JSON"),
            ('{"word": "bee"}', r"line 1 of .* has no 'drawing'"),
            ("[1, 2]", r"has no 'drawing'"),
            ('{"word": "cat", "drawing": []}', r"is a drawing of 'cat', not of 'bee'"),
            ('{"word": "bee", "drawing": []}', r"is a drawing without strokes"),
            ('{"word": "bee", "drawing": [[[1], [2], [0]]]}', r"simplified drawings, not the raw ones"),
            ('{"word": "bee", "drawing": [[[1, 2], [2]]]}', r"as many x as y, numbers from 0 to 255"),
            ('{"word": "bee", "drawing": [[[1e9], [2]]]}', r"numbers from 0 to 255"),
            ('{"word": "bee", "drawing": [[[NaN], [2]]]}', r"numbers from 0 to 255"),
            ('{"word": "bee", "drawing": [[["a"], [2]]]}', r"numbers from 0 to 255"),
            ("[" * 100_000, r"is no JSON"),
            (" " * 2_000_000 + "1", r"has more than 1,048,576 bytes"),
        ],
    )
    def test_lines_that_are_no_drawing(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(InputFileError, match=message) as caught:
            read_drawings(self.write(tmp_path, bee=line), 5)
        assert "\n" not in str(caught.value)

    def test_a_missing_animal_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputFileError, match=r"has no drawings of snail; give snail.ndjson"):
            read_drawings(self.write(tmp_path, skip="snail"), 5)

    def test_pickled_files_are_not_opened(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "ant.npz", train=np.array([1, None], dtype=object))
        with pytest.raises(InputFileError, match=r"its .npz files hold pickled objects and are not opened"):
            read_drawings(tmp_path, 5)

    def test_a_file_without_a_recognised_drawing(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path, bee='{"recognized": false, "drawing": []}\n')
        with pytest.raises(SampleError, match=r"no sequence of class bee"):
            read_drawings(folder, 5)


class TestMaking:
    def test_a_stopped_sample_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        whole, _ = make_sequences("quickdraw", 30, tmp_path / "whole.npz", workers=1)
        calls: list[str] = []
        make = making._make_shard

        def stopping(shard: making._Shard) -> tuple[str, int]:
            if len(calls) == 2:
                raise KeyboardInterrupt
            calls.append(shard.label)
            return make(shard)

        monkeypatch.setattr(making, "_make_shard", stopping)
        with pytest.raises(KeyboardInterrupt):
            make_sequences("quickdraw", 30, tmp_path / "part.npz", workers=1)
        assert len(list((tmp_path / "part.npz.parts").iterdir())) == 2
        monkeypatch.setattr(making, "_make_shard", make)
        again, reused = make_sequences("quickdraw", 30, tmp_path / "part.npz", workers=1)
        assert not reused
        assert np.array_equal(again.values, whole.values)
        assert not (tmp_path / "part.npz.parts").exists()
        assert make_sequences("quickdraw", 30, tmp_path / "part.npz", workers=1)[1]

    def test_a_damaged_sample_is_made_again(self, tmp_path: Path) -> None:
        path = tmp_path / "q.npz"
        first, _ = make_sequences("quickdraw", 5, path, workers=1)
        path.write_bytes(path.read_bytes()[:100])
        again, reused = make_sequences("quickdraw", 5, path, workers=1)
        assert not reused
        assert np.array_equal(first.values, again.values)

    def test_bad_requests(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownNameError, match=r"unknown kind of sequences 'tops'; nearest: top"):
            make_sequences("tops", 5, tmp_path / "x.npz")
        with pytest.raises(SettingsError, match=r"0 sequences with seed 1"):
            make_sequences("top", 0, tmp_path / "x.npz")


@pytest.fixture(scope="module")
def jets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LabelledSequences]:
    folder = tmp_path_factory.mktemp("jets")
    numbers = {"top": 40, "flavour": 150}
    return {
        kind: make_sequences(kind, number, folder / f"{kind}.npz", workers=1)[0]
        for kind, number in numbers.items()
    }


@pytest.mark.slow
class TestJets:
    @pytest.mark.parametrize(("kind", "steps", "momentum"), [("top", 20, 0), ("flavour", 15, 0)])
    def test_shape_order_and_padding(
        self, jets: dict[str, LabelledSequences], kind: str, steps: int, momentum: int
    ) -> None:
        own = jets[kind]
        assert own.values.shape[1:] == (steps, 6)
        assert own.classes == tuple(KINDS[kind].classes)
        pt = own.values[..., momentum]
        assert (np.diff(pt, axis=1) <= 1e-6).all(), "by falling pT"
        assert ((pt > 0) | ~own.values.any(axis=2)).all(), "padding is zero in all features"
        assert (pt[:, 0] > 0).all()

    def test_tops_are_wide(self, jets: dict[str, LabelledSequences]) -> None:
        """The constituents of a top quark lie farther from the axis, weighted with their pT."""
        own = jets["top"]
        width = (own.values[..., 0] * own.values[..., 4]).sum(axis=1) / own.values[..., 0].sum(axis=1)
        assert np.median(width[own.labels == 1]) > 1.3 * np.median(width[own.labels == 0])
        assert own.values[..., 4].max() < 1.0
        assert set(np.unique(own.values[..., 5])) <= {0.0, 1.0, 2.0, 3.0}
        skew = (own.values[..., 0] * own.values[..., 1] ** 3).sum(axis=1)
        assert (skew > 0).mean() > 0.8, "the heavier tail is on the positive side"

    def test_bottom_hadrons_fly(self, jets: dict[str, LabelledSequences]) -> None:
        own = jets["flavour"]
        largest = own.values[..., 4].max(axis=1)
        light, charm, bottom = (np.median(largest[own.labels == n]) for n in range(3))
        assert light < charm < bottom
        some = own.values[..., 0] > 0
        sign = np.sign(own.values[..., 2])
        prompt = sign[(own.labels == 0)[:, None] & some].mean()
        flying = sign[(own.labels == 2)[:, None] & some].mean()
        assert abs(prompt) < 0.15, "the sign of a prompt track is that of its resolution"
        assert flying > 0.2
