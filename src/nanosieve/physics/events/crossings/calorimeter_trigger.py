"""The Level-1 calorimeter trigger: jets, electron/photon and tau candidates, sums from cells.

The steps are those of sliding-window triggers (CMS, arXiv:2006.10165; ATLAS, arXiv:2007.12539): cells are
digitised in steps of transverse energy; a candidate is a cell above a seed threshold that no cell of its
window exceeds; jets sum 9 × 9 cells, less the three lowest of the four 3 × 9 strips around them (pile-up);
electron and photon candidates sum the electromagnetic cells around the seed and are vetoed by hadronic energy
and by width; tau candidates sum 3 × 3 cells; isolation is the transverse energy of 9 × 9 cells outside the
candidate, less what the average density of the crossing puts there.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.crossings.cells import CELL, ETA_CELLS, PHI_CELLS, Deposits
from nanosieve.physics.events.crossings.level1_settings import CalorimeterTrigger

__all__ = ["Found", "Overlay", "find_objects"]

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

MOST = 12
"""Candidates of a kind that a trigger hands on."""
TAU_ETA, EG_ETA = 2.1, 2.5
JET_GAIN_SCALE = 35.0
"""GeV"""
HIGHEST_MET = 2047.5
"""GeV"""
HARD_CELL = 4.0
"""GeV; cells above do not count for the density of the crossing."""


class Found(NamedTuple):
    """Level-1 objects of N crossings, each kind (N, 12) and ordered by falling pT; GeV and radians.

    ``*_n`` is how many of the 12 are there; isolation is relative.
    """

    jet_n: NDArray[np.int64]
    jet: Singles
    eg_n: NDArray[np.int64]
    eg: Singles
    tau_n: NDArray[np.int64]
    tau: Singles
    met: Singles
    ht: Singles


class Overlay(NamedTuple):
    """Which collisions of a pool meet in each crossing.

    Attributes:
        offsets: (N + 1,) int64 into the others.
        collision: index in the pool.
        turn: cells by which the collision is turned in φ.
        mirrored: whether it is mirrored in η.
    """

    offsets: NDArray[np.int64]
    collision: NDArray[np.int64]
    turn: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


def find_objects(
    hard: Deposits | None,
    pool: Deposits,
    overlay: Overlay,
    trigger: CalorimeterTrigger,
    draw: np.random.Generator,
) -> Found:
    """Run the trigger on N crossings.

    Args:
        hard: what the collisions of interest leave, one per crossing; None: pile-up only.
        pool: what the collisions of the pool leave.
        overlay: which of them belong to each crossing.
        trigger: settings.
        draw: gives the seed of the noise.
    """
    events = len(overlay.offsets) - 1
    empty = np.zeros(0, np.float32)
    if hard is None:
        hard = Deposits(np.zeros(events + 1, np.int64), np.zeros(0, np.int32), empty, empty)
    seed = int(draw.integers(1 << 31))
    found: Found = _run(hard, pool, overlay, trigger, seed)
    return found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _run(hard: Deposits, pool: Deposits, overlay: Overlay, trigger: CalorimeterTrigger, seed: int) -> Found:
    np.random.seed(seed)
    events = len(overlay.offsets) - 1
    found = Found(
        np.zeros(events, np.int64), np.zeros((events, MOST, 3), np.float32),
        np.zeros(events, np.int64), np.zeros((events, MOST, 4), np.float32),
        np.zeros(events, np.int64), np.zeros((events, MOST, 4), np.float32),
        np.zeros((events, 2), np.float32), np.zeros(events, np.float32),
    )  # fmt: skip
    cells = ETA_CELLS * PHI_CELLS
    em, had = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    total = np.zeros(cells, np.float32)
    for n in range(events):
        em[:] = 0.0
        had[:] = 0.0
        for k in range(hard.offsets[n], hard.offsets[n + 1]):
            em[hard.cell[k]] += hard.electromagnetic[k]
            had[hard.cell[k]] += hard.hadronic[k]
        for m in range(overlay.offsets[n], overlay.offsets[n + 1]):
            _add(pool, overlay.collision[m], overlay.turn[m], overlay.mirrored[m], em, had)
        saturated = _digitise(em, had, total, trigger)
        density = _density(total)
        found.jet_n[n] = _jets(total, trigger, found.jet[n])
        found.eg_n[n] = _electrons(em, had, total, density, trigger, found.eg[n])
        found.tau_n[n] = _taus(total, density, trigger, found.tau[n])
        _sums(total, trigger, found, n)
        if saturated and trigger.saturated_met:
            found.met[n, 0] = HIGHEST_MET
    return found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add(pool: Deposits, collision: int, turn: int, mirrored: bool, em: Singles, had: Singles) -> None:
    for k in range(pool.offsets[collision], pool.offsets[collision + 1]):
        row, column = divmod(pool.cell[k], PHI_CELLS)
        if mirrored:
            row = ETA_CELLS - 1 - row
        column += turn
        if column >= PHI_CELLS:
            column -= PHI_CELLS
        c = row * PHI_CELLS + column
        em[c] += pool.electromagnetic[k]
        had[c] += pool.hadronic[k]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _digitise(em: Singles, had: Singles, total: Singles, trigger: CalorimeterTrigger) -> bool:
    """Noise, response to hadrons, and whole steps, rounded down; whether a cell is saturated."""
    saturated = False
    for c in range(len(em)):
        e, h = em[c], had[c] * trigger.hadronic_scale
        # noise alone never reaches a step where it is a third of it, and is not drawn there
        if e > 0.2 * trigger.step:
            e += trigger.noise * np.random.standard_normal()
        if h > 0.2 * trigger.step:
            h += trigger.noise * np.random.standard_normal()
        em[c] = min(trigger.step * max(np.floor(e / trigger.step), 0.0), trigger.saturation)
        had[c] = min(trigger.step * max(np.floor(h / trigger.step), 0.0), trigger.saturation)
        total[c] = em[c] + had[c]
        saturated = saturated or em[c] == trigger.saturation or had[c] == trigger.saturation
    return saturated


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _density(total: Singles) -> float:
    """Mean transverse energy per cell in |η| < 2.6, hard cells left out."""
    edge = 27
    value = 0.0
    for c in range(edge * PHI_CELLS, (ETA_CELLS - edge) * PHI_CELLS):
        if total[c] < HARD_CELL:
            value += total[c]
    return value / ((ETA_CELLS - 2 * edge) * PHI_CELLS)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _window(cells: Singles, row: int, column: int, rows: int, columns: int) -> float:
    """Sum of (2 rows + 1) × (2 columns + 1) cells around one."""
    value = 0.0
    for r in range(max(row - rows, 0), min(row + rows + 1, ETA_CELLS)):
        for j in range(column - columns, column + columns + 1):
            value += cells[r * PHI_CELLS + j % PHI_CELLS]
    return value


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _highest(cells: Singles, row: int, column: int, reach: int) -> bool:
    """Whether no cell in reach is higher; of equal ones the first in order wins."""
    here = cells[row * PHI_CELLS + column]
    for r in range(max(row - reach, 0), min(row + reach + 1, ETA_CELLS)):
        for j in range(column - reach, column + reach + 1):
            other = cells[r * PHI_CELLS + j % PHI_CELLS]
            before = r < row or (r == row and j < column)
            if other > here or (before and other == here):
                return False
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _insert(table: Singles, number: int, values: tuple[float, ...]) -> int:
    """Keep the rows ordered by falling pT; the lowest falls out."""
    if number == MOST and values[0] <= table[MOST - 1, 0]:
        return number
    place = min(number, MOST - 1)
    while place > 0 and table[place - 1, 0] < values[0]:
        table[place] = table[place - 1]
        place -= 1
    for k in range(len(values)):
        table[place, k] = values[k]
    return min(number + 1, MOST)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _region(eta: float) -> int:
    if abs(eta) < 1.4:
        return 0
    return 1 if abs(eta) < 3.0 else 2


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _jets(total: Singles, trigger: CalorimeterTrigger, table: Singles) -> int:
    number = 0
    for row in range(ETA_CELLS):
        for column in range(PHI_CELLS):
            if total[row * PHI_CELLS + column] < trigger.jet_seed or not _highest(total, row, column, 4):
                continue
            pt = _window(total, row, column, 4, 4)
            if trigger.jet_donut:
                pt -= _donut(total, row, column)
            eta, phi = _centroid(total, row, column)
            gain = trigger.jet_gain[_region(eta)]
            pt = (pt + gain * (1 - np.exp(-pt / JET_GAIN_SCALE))) * trigger.jet_scale
            if pt >= trigger.jet_threshold:
                number = _insert(table, number, (pt, eta, phi))
    return number


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _donut(total: Singles, row: int, column: int) -> float:
    """The three lowest of the four strips of 3 × 9 cells around a jet: as many cells as the jet has."""
    strips = (
        _window(total, row, column - 6, 4, 1),
        _window(total, row, column + 6, 4, 1),
        _window(total, row - 6, column, 1, 4),
        _window(total, row + 6, column, 1, 4),
    )
    lowest: float = sum(strips) - max(strips)
    return lowest


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _centroid(total: Singles, row: int, column: int) -> tuple[float, float]:
    """Energy-weighted direction of the 3 × 3 cells around a seed."""
    weight = up = right = 0.0
    for r in range(max(row - 1, 0), min(row + 2, ETA_CELLS)):
        for j in range(column - 1, column + 2):
            value = total[r * PHI_CELLS + j % PHI_CELLS]
            weight += value
            up += value * (r - row)
            right += value * (j - column)
    eta = (row + up / weight - ETA_CELLS / 2 + 0.5) * CELL
    phi = (column + right / weight + 0.5) * CELL - np.pi
    if phi >= np.pi:
        phi -= 2 * np.pi
    elif phi < -np.pi:
        phi += 2 * np.pi
    return eta, phi


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _electrons(
    em: Singles, had: Singles, total: Singles, density: float, trigger: CalorimeterTrigger, table: Singles
) -> int:
    number = 0
    reach = int(EG_ETA / CELL)
    for row in range(ETA_CELLS // 2 - reach, ETA_CELLS // 2 + reach):
        for column in range(PHI_CELLS):
            if em[row * PHI_CELLS + column] < trigger.eg_seed or not _highest(em, row, column, 1):
                continue
            below = above = 0.0
            for j in range(column - 2, column + 3):
                below += em[(row - 1) * PHI_CELLS + j % PHI_CELLS]
                above += em[(row + 1) * PHI_CELLS + j % PHI_CELLS]
            centre = _window(em, row, column, 0, 2)
            cluster = centre + max(below, above)
            core = _window(em, row, column, 1, 1) - min(
                _window(em, row - 1, column, 0, 1), _window(em, row + 1, column, 0, 1)
            )
            pt = cluster * trigger.eg_scale
            if pt < trigger.eg_threshold or core < trigger.eg_core * (centre + below + above):
                continue
            if _window(had, row, column, 1, 1) > trigger.eg_hadronic * cluster:
                continue
            around = _window(total, row, column, 4, 4) - cluster - _window(had, row, column, 1, 1)
            around -= density * (81 - 10)
            eta, phi = _centroid(em, row, column)
            number = _insert(table, number, (pt, eta, phi, max(around, 0.0) / pt))
    return number


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _taus(total: Singles, density: float, trigger: CalorimeterTrigger, table: Singles) -> int:
    number = 0
    reach = int(EG_ETA / CELL)
    for row in range(ETA_CELLS // 2 - reach, ETA_CELLS // 2 + reach):
        for column in range(PHI_CELLS):
            if total[row * PHI_CELLS + column] < trigger.tau_seed or not _highest(total, row, column, 2):
                continue
            cluster = _window(total, row, column, 1, 2)
            pt = (cluster - 15 * density) * trigger.tau_scale
            if pt < trigger.tau_threshold:
                continue
            around = _window(total, row, column, 4, 4) - cluster - density * (81 - 15)
            eta, phi = _centroid(total, row, column)
            number = _insert(table, number, (pt, eta, phi, max(around, 0.0) / pt))
    return number


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _sums(total: Singles, trigger: CalorimeterTrigger, found: Found, n: int) -> None:
    x = y = 0.0
    for row in range(ETA_CELLS):
        eta = abs((row - ETA_CELLS / 2 + 0.5) * CELL)
        lowest = trigger.sum_threshold[0]
        if eta > 3.0:
            lowest = trigger.sum_threshold[2]
        elif eta > 2.5:
            lowest = trigger.sum_threshold[1]
        for column in range(PHI_CELLS):
            value = total[row * PHI_CELLS + column]
            if value >= lowest:
                phi = (column + 0.5) * CELL - np.pi
                x += value * np.cos(phi)
                y += value * np.sin(phi)
    found.met[n, 0] = np.hypot(x, y) * trigger.met_scale
    found.met[n, 1] = np.arctan2(-y, -x)
    ht = 0.0
    for k in range(found.jet_n[n]):
        if found.jet[n, k, 0] > trigger.ht_jet and abs(found.jet[n, k, 1]) < trigger.ht_eta:
            ht += found.jet[n, k, 0]
    found.ht[n] = ht
