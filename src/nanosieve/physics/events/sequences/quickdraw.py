"""Drawings as sequences, and the public files of Quick, Draw! (simplified drawings, ``.ndjson``).

One line of such a file is one drawing as JSON, with ``word``, ``recognized`` and ``drawing``: a list of
strokes, each a list of x and one of y, on a square of 256 × 256. The ``.npz`` files of the same drawings hold
pickled objects, which may run code when they are opened, and are refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import InputFileError
from nanosieve.physics.events.sequences.labelled import LabelledSequences, joined
from nanosieve.physics.events.sequences.strokes import ANIMALS, Stroke

__all__ = ["FEATURES", "STEPS", "drawing_files", "read_drawings", "stroke_sequence"]

STEPS = 100
FEATURES = ("Δx", "Δy", "pen lifted")
LONGEST_LINE = 1 << 20
"""Bytes; the drawings of the public files are far shorter."""
_NAMES = ("{}.ndjson", "full_simplified_{}.ndjson")


def stroke_sequence(strokes: Sequence[Stroke]) -> NDArray[np.float32]:
    """(100, 3): steps from point to point in units of the square, and 1 where the pen is lifted behind one.

    The first step begins in the first point. Longer drawings are cut; shorter ones stand behind zeros, so
    that the last state of a recurrent network is that at the end of the drawing.
    """
    points = np.concatenate(strokes) / 255.0
    lifted = np.zeros(len(points))
    lifted[np.cumsum([len(stroke) for stroke in strokes]) - 1] = 1.0
    rows = np.column_stack([np.diff(points, axis=0, prepend=points[:1]), lifted])[:STEPS]
    result = np.zeros((STEPS, len(FEATURES)), dtype=np.float32)
    result[STEPS - len(rows) :] = rows
    return result


def drawing_files(folder: Path) -> dict[str, Path]:
    """The files of the five animals in `folder`, under one of their public names; those that are there."""
    found = {}
    for animal in ANIMALS:
        for name in _NAMES:
            path = folder / name.format(animal)
            if path.is_file():
                found[animal] = path
                break
    return found


def read_drawings(folder: str | Path, number: int, *, seed: int = 1) -> LabelledSequences:
    """The first `number` drawings of each animal that the game recognised.

    Args:
        folder: holds ``ant.ndjson``, or ``full_simplified_ant.ndjson``, and so on for all of `ANIMALS`.
        number: of each; fewer where a file holds fewer.
        seed: of their order.

    Raises:
        InputFileError: a file is missing, or a line is not a drawing; the message names file and line.
        SampleError: a file holds no drawing that was recognised.
    """
    folder = Path(folder)
    files = drawing_files(folder)
    missing = [animal for animal in ANIMALS if animal not in files]
    if missing:
        pickled = any(folder.glob("*.npz"))
        message = (
            f"{str(folder)!r} has no drawings of {', '.join(missing)}; give {missing[0]}.ndjson or "
            f"full_simplified_{missing[0]}.ndjson (simplified drawings of Quick, Draw!)"
        )
        if pickled:
            message += "; its .npz files hold pickled objects and are not opened"
        raise InputFileError(message)
    parts = [_read(files[animal], animal, number) for animal in ANIMALS]
    values, labels = joined(parts, seed)
    return LabelledSequences(values, labels, tuple(ANIMALS), FEATURES, "Quick, Draw! drawings of the user")


def _read(path: Path, animal: str, number: int) -> NDArray[np.float32]:
    rows: list[NDArray[np.float32]] = []
    try:
        with path.open("rb") as file:
            place = 0
            while len(rows) < number and (line := file.readline(LONGEST_LINE + 1)):
                place += 1
                if len(line) <= LONGEST_LINE and not line.strip():
                    continue
                strokes = _strokes(line, animal, f"line {place} of {str(path)!r}")
                if strokes is not None:
                    rows.append(stroke_sequence(strokes))
    except OSError as error:
        message = f"cannot read {str(path)!r}: {error.strerror}; check the file"
        raise InputFileError(message) from error
    return np.stack(rows) if rows else np.zeros((0, STEPS, len(FEATURES)), dtype=np.float32)


def _strokes(line: bytes, animal: str, where: str) -> list[Stroke] | None:
    """The strokes of one line; None for a drawing that the game did not recognise."""
    if len(line) > LONGEST_LINE:
        message = f"{where} has more than {LONGEST_LINE:,} bytes; a drawing is one line of JSON"
        raise InputFileError(message)
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"{where} is no JSON ({str(error).splitlines()[0]}); the file may be cut off or damaged"
        raise InputFileError(message) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("drawing"), list):
        message = f"{where} has no 'drawing'; give the simplified drawings of Quick, Draw!"
        raise InputFileError(message)
    if entry.get("word", animal) != animal:
        message = f"{where} is a drawing of {str(entry['word'])[:40]!r}, not of {animal!r}; rename the file"
        raise InputFileError(message)
    if entry.get("recognized") is False:
        return None
    return [_stroke(stroke, where) for stroke in entry["drawing"]] or _empty(where)


def _stroke(stroke: Any, where: str) -> Stroke:
    problem = "give the simplified drawings, not the raw ones with times"
    if isinstance(stroke, list) and len(stroke) == 2 and all(isinstance(axis, list) for axis in stroke):
        try:
            points = np.array(stroke, dtype=np.float64).T
        except (ValueError, TypeError, OverflowError):
            points = np.zeros((0, 2))
        if points.ndim == 2 and len(points) and np.isfinite(points).all() and (np.abs(points) < 256).all():
            return points
        problem = "accepted: as many x as y, numbers from 0 to 255"
    message = f"{where} holds a stroke that is no pair of lists of x and y; {problem}"
    raise InputFileError(message)


def _empty(where: str) -> list[Stroke]:
    message = f"{where} is a drawing without strokes; remove the line"
    raise InputFileError(message)
