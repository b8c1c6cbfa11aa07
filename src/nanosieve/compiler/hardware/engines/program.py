"""The program of an engine: in which order it works, and which word of its memory it reads in every step.

Elements wait in a memory of *words*. A step multiplies ``inputs / parts`` of the elements of a position with
one of the parts of the columns; for every output the parts of the columns follow each other, in each the
positions of the window, and in each of these the parts of the inputs. There are two kinds of words:

- neighbouring elements, as many as a step multiplies or as come at a time, if that is more: the channels of a
  position of an image, or a piece of a vector;
- *strips* of an image, a few columns wide and all rows high, for layers of few channels that multiply a whole
  window in each step. The last strips stand in registers, and every product picks its element there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.engines.positions import Positions
from nanosieve.errors import FoldingError

__all__ = ["Program", "program_of"]

NOTHING, UNKNOWN = -1, -2
"""In a register: a zero; something that must not be read."""
WIDEST_WORD = 2048
"""Elements of a word at most."""


@dataclass(frozen=True, eq=False)
class Program:
    """What an engine does, step by step.

    Attributes:
        columns: parts of the columns.
        inputs: parts of the inputs.
        window: positions of an output.
        order: the outputs in the order in which they are made; -1 for one that nobody reads, while the
            registers are filled.
        position: of each entry (order × window × inputs), shape (entries,); -1 for those of no output.
        address: the word that an entry reads; -1 for zeros.
        loads: whether the entry reads a word at all.
        pattern: which pattern of taps the entry has.
        taps: place in the registers of each operand, or -1 for a zero, shape (patterns, operands).
        length: elements of a word.
        words: number of words.
        registers: words that are held.
        strip: of an image in strips, its height, width and channels, and the width of a strip.
    """

    columns: int
    inputs: int
    window: int
    order: Integers
    position: Integers
    address: Integers
    loads: Integers
    pattern: Integers
    taps: Integers
    length: int
    words: int
    registers: int
    strip: tuple[int, int, int, int] | None = None

    @property
    def operands(self) -> int:
        """Elements that a step multiplies."""
        return int(self.taps.shape[1])

    @property
    def block(self) -> int:
        """Entries of an output."""
        return self.window * self.inputs

    @cached_property
    def steps(self) -> int:
        """Cycles for each event."""
        return len(self.order) * self.columns * self.block

    def step_of(self, entry: Integers, column: int) -> Integers:
        """The step in which an entry is used for a part of the columns."""
        output, inner = np.divmod(entry, self.block)
        return np.asarray((output * self.columns + column) * self.block + inner)

    def finished(self) -> Integers:
        """The last step of every output and part of the columns, shape (order, columns)."""
        blocks = np.arange(len(self.order) * self.columns).reshape(-1, self.columns)
        return np.asarray((blocks + 1) * self.block - 1)


def program_of(
    layer: Positions, shape: tuple[int, ...], output: tuple[int, ...], columns: int, inputs: int, beat: int
) -> Program:
    """The program of a layer.

    Args:
        layer: what is computed.
        shape: of the source.
        output: shape of the result.
        columns, inputs: in how many parts the columns and inputs of the kernel are taken.
        beat: elements of the source that come at a time.

    Raises:
        FoldingError: such parts do not exist, or the layer reads in no order that an engine has.
    """
    if layer.columns % columns or layer.inputs % inputs:
        message = (
            f"layer {layer.layers[0]!r}: an engine takes equal parts; {layer.columns} columns and "
            f"{layer.inputs} inputs have none of {columns} and {inputs}"
        )
        raise FoldingError(message)
    size = int(np.prod(shape, dtype=np.int64))
    found = _neighbours(layer, size, columns, inputs, beat)
    if found is None and inputs == 1 and len(shape) == 3 and len(output) == 3:
        found = _strips(layer, shape, output, columns)
    if found is None:
        message = f"layer {layer.layers[0]!r}: an engine of {columns},{inputs} parts finds no words to read"
        raise FoldingError(message)
    return found


def _neighbours(layer: Positions, size: int, columns: int, inputs: int, beat: int) -> Program | None:
    """Words of elements that follow each other."""
    count = layer.inputs // inputs
    length = max(count, beat)
    if length % count or length % beat or size % length or length > WIDEST_WORD:
        return None
    used = layer.windows.ravel()
    rows = layer.rows[used].reshape(-1, inputs, count)
    first = rows[:, :, 0]
    zero = (rows == NOTHING).all(axis=2)
    whole = (first % count == 0) & (rows == first[:, :, np.newaxis] + np.arange(count)).all(axis=2)
    if not (zero | whole).all():
        return None
    part = np.where(zero, 0, first % length // count)
    patterns, pattern = np.unique(part, return_inverse=True)
    return Program(
        columns, inputs, layer.windows.shape[1], np.arange(len(layer.windows)), np.repeat(used, inputs),
        np.where(zero, NOTHING, first // length).ravel(), np.ones(first.size, dtype=np.int64),
        pattern.ravel().astype(np.int64), patterns[:, np.newaxis] * count + np.arange(count),
        length, size // length, 1,
    )  # fmt: skip


def _strips(
    layer: Positions, shape: tuple[int, ...], output: tuple[int, ...], columns: int
) -> Program | None:
    """Words of all rows of a few columns, outputs column by column."""
    height, width, channels = shape
    rows_out, columns_out, _ = output
    window = layer.windows.shape[1]
    if len(layer.windows) != rows_out * columns_out:
        return None
    wide = _reach(layer, shape, output)
    if wide is None:
        return None
    stride, lowest, highest = wide
    length = height * stride * channels
    registers = highest // stride - lowest // stride + 1
    if length * registers > WIDEST_WORD:
        return None
    newest = np.arange(1 - registers, columns_out) + highest // stride
    held = newest[registers - 1 :, np.newaxis] - np.arange(registers)
    content = _content(held, shape, stride).reshape(columns_out, -1)
    # (columns of the output, its rows, window, inputs)
    by_column = layer.windows.reshape(rows_out, columns_out, window).transpose(1, 0, 2)
    need = layer.rows[by_column]
    taps, pattern = _patterns(need.reshape(columns_out, rows_out * window, -1), content)
    if taps is None:
        return None
    there = (newest >= 0) & (newest < -(-width // stride))
    word = np.where(there, newest, NOTHING)
    before, block = registers - 1, rows_out * window
    outputs = np.arange(rows_out * columns_out).reshape(rows_out, columns_out).T.ravel()
    loads = np.zeros(before * window + columns_out * block, dtype=np.int64)
    loads[np.arange(before) * window] = 1
    loads[before * window + np.arange(columns_out) * block] = 1
    address = np.full(len(loads), NOTHING)
    address[loads > 0] = word
    filling = np.full(before * window, NOTHING)
    return Program(
        columns, 1, window, np.concatenate([np.full(before, NOTHING), outputs]),
        np.concatenate([filling, by_column.ravel()]), address, loads,
        np.concatenate([np.zeros(before * window, dtype=np.int64), pattern.ravel()]), taps,
        length, -(-width // stride), registers, (height, width, channels, stride),
    )  # fmt: skip


def _reach(layer: Positions, shape: tuple[int, ...], output: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Columns between two outputs, and the first and last that the output of column 0 would read."""
    _, width, channels = shape
    rows_out, columns_out, _ = output
    need = layer.rows[layer.windows].reshape(rows_out, columns_out, -1)
    column = need // channels % width
    low = np.where(need >= 0, column, width).min(axis=(0, 2))
    high = np.where(need >= 0, column, -1).max(axis=(0, 2))
    if columns_out == 1:
        return width, 0, width - 1
    whole = high - low == (high - low).max()
    inner = np.flatnonzero(whole)
    steps = np.diff(low[inner])
    if not len(steps) or (np.diff(inner) != 1).any() or len(set(steps.tolist())) > 1 or steps[0] < 1:
        return None
    stride, at = int(steps[0]), int(inner[0])
    return stride, int(low[at]) - stride * at, int(high[at]) - stride * at


def _content(held: Integers, shape: tuple[int, ...], stride: int) -> Integers:
    """The elements in the registers: (columns of the output, registers, rows, columns, channels)."""
    height, width, channels = shape
    row, inside, channel = np.ix_(np.arange(height), np.arange(stride), np.arange(channels))
    column = held[:, :, np.newaxis, np.newaxis, np.newaxis] * stride + inside
    there = (held >= 0) & (held < -(-width // stride))
    element = np.where(column < width, (row * width + column) * channels + channel, UNKNOWN)
    return np.where(there[:, :, np.newaxis, np.newaxis, np.newaxis], element, NOTHING)


def _patterns(need: Integers, content: Integers) -> tuple[Integers | None, Integers]:
    """Taps (patterns, operands), and the pattern of (columns of the output, steps in each).

    The steps at one place of each column share a pattern where they can; where the border of the image asks
    for something else there are more.
    """
    columns, steps, operands = need.shape
    place = np.full(max(int(content.max()), 0) + 2, UNKNOWN)
    taps: list[Integers] = []
    pattern = np.zeros((columns, steps), dtype=np.int64)
    order = np.argsort((need >= 0).sum(axis=2), axis=0)[::-1]  # from the fullest window to the emptiest
    for step in range(steps):
        known: list[int] = []
        for column in order[:, step]:
            wanted = need[column, step]
            for number in known:
                tap = taps[number]
                given = np.where(tap >= 0, content[column][np.maximum(tap, 0)], NOTHING)
                if np.array_equal(given, wanted):
                    pattern[column, step] = number
                    break
            else:
                place[:] = UNKNOWN
                there = content[column] >= 0
                place[content[column][there]] = np.flatnonzero(there)
                found = np.where(wanted >= 0, place[np.maximum(wanted, 0)], NOTHING)
                if (found == UNKNOWN).any():
                    return None, pattern
                known.append(len(taps))
                pattern[column, step] = len(taps)
                taps.append(found)
    unique, inverse = np.unique(np.array(taps).reshape(-1, operands), axis=0, return_inverse=True)
    return unique, inverse.ravel()[pattern]
