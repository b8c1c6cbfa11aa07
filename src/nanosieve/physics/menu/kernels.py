"""The compiled loops over events: numba, one thread, kept on disk after the first use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

__all__ = ["add_pairs", "add_up", "match_legs", "match_pairs", "unsorted_event"]


def _compiled(function: Callable[..., Any]) -> Any:
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


@_compiled
def unsorted_event(offsets: Any, pt: Any) -> int:
    """The first event whose objects are not ordered by falling pT, or -1."""
    for n in range(len(offsets) - 1):
        for i in range(offsets[n] + 1, offsets[n + 1]):
            if pt[i] > pt[i - 1]:
                return n
    return -1


@_compiled
def _passes(i: Any, legs: Any, t: Any, threshold: Any, pt: Any, eta: Any, iso: Any, quality: Any, mass: Any,
            btag: Any, charge: Any) -> bool:  # fmt: skip
    """Whether object `i` passes row `t` of the cuts; a cut that is open does not touch its column."""
    if pt[i] < threshold:
        return False
    if legs[t, 1] < np.inf and abs(eta[i]) >= legs[t, 1]:
        return False
    if legs[t, 2] < np.inf and iso[i] >= legs[t, 2]:
        return False
    if legs[t, 3] > -np.inf and quality[i] < legs[t, 3]:
        return False
    if legs[t, 4] > -np.inf and mass[i] < legs[t, 4]:
        return False
    if legs[t, 5] < np.inf and (btag[i] <= 0 or btag[i] > legs[t, 5]):
        return False
    return not (legs[t, 6] != 0 and charge[i] != legs[t, 6])


@_compiled
def match_legs(  # noqa: C901 - calls and slices would cost as much as the work
               offsets: Any, pt: Any, eta: Any, iso: Any, quality: Any, mass: Any, btag: Any, charge: Any,
               selection: Any, first_leg: Any, legs: Any, ladder: Any, first_need: Any, need: Any,
               plain: Any, scaled: Any, scale: Any, fired: Any) -> None:  # fmt: skip
    """Clear ``fired[event, selection]`` where the objects of a collection cannot fill the legs on it.

    The arguments are those of `nanosieve.physics.menu.program.CollectionTable`; `scale` (N, M) holds
    the factor of the scaled thresholds, and is not looked at where there is none.
    """
    found = np.zeros(256, dtype=np.int64)
    for n in range(len(offsets) - 1):
        begin, end = offsets[n], offsets[n + 1]
        for g in range(len(selection)):
            s = selection[g]
            if not fired[n, s]:
                continue
            a, b = first_leg[g], first_leg[g + 1]
            fixed = not scaled[g]
            possible = end - begin >= ladder[b - 1]
            if possible and fixed:  # enough objects by their pT alone
                for t in range(a, b):
                    if pt[begin + ladder[t] - 1] < legs[t, 0]:
                        possible = False
                        break
            if not possible:
                fired[n, s] = 0
                continue
            if fixed and plain[g]:
                continue
            factor = 1.0 if fixed else scale[n, s]
            if b - a == 1:  # the most common group by far
                missing = ladder[a]
                threshold = legs[a, 0] * factor
                for i in range(begin, end):
                    if missing == 0 or pt[i] < threshold:
                        break
                    if _passes(i, legs, a, threshold, pt, eta, iso, quality, mass, btag, charge):
                        missing -= 1
            else:
                subsets = 1 << (b - a)
                missing = subsets - 1
                for subset in range(1, subsets):
                    found[subset] = 0
                for i in range(begin, end):
                    if missing == 0 or (fixed and pt[i] < legs[b - 1, 0]):
                        break
                    mask = 0
                    for t in range(a, b):
                        threshold = legs[t, 0] * factor if legs[t, 7] else legs[t, 0]
                        if _passes(i, legs, t, threshold, pt, eta, iso, quality, mass, btag, charge):
                            mask |= 1 << (t - a)
                    if mask == 0:
                        continue
                    for subset in range(1, subsets):
                        if mask & subset:
                            found[subset] += 1
                            if found[subset] == need[first_need[g] + subset]:
                                missing -= 1
            if missing:
                fired[n, s] = 0


@_compiled
def _delta_phi(a: Any, b: Any) -> Any:
    return abs((a - b + math.pi) % (2 * math.pi) - math.pi)


@_compiled
def _pair_holds(i: Any, j: Any, window: Any, sign: Any, pt: Any, eta: Any, phi: Any, mass: Any,
                charge: Any) -> bool:  # fmt: skip
    if sign != 0 and charge[i] * charge[j] * sign <= 0:
        return False
    if window[6] > -np.inf or window[7] < np.inf:
        distance = abs(eta[i] - eta[j])
        if distance < window[6] or distance > window[7]:
            return False
    if window[4] > -np.inf or window[5] < np.inf:
        angle = _delta_phi(phi[i], phi[j])
        if angle < window[4] or angle > window[5]:
            return False
    if window[2] > -np.inf or window[3] < np.inf:
        radius = math.sqrt((eta[i] - eta[j]) ** 2 + _delta_phi(phi[i], phi[j]) ** 2)
        if radius < window[2] or radius > window[3]:
            return False
    if window[0] > -np.inf or window[1] < np.inf:
        first = math.sqrt((pt[i] * math.cosh(eta[i])) ** 2 + mass[i] ** 2)
        second = math.sqrt((pt[j] * math.cosh(eta[j])) ** 2 + mass[j] ** 2)
        along = pt[i] * math.sinh(eta[i]) * (pt[j] * math.sinh(eta[j]))
        across = pt[i] * pt[j] * math.cos(phi[i] - phi[j])
        square = mass[i] ** 2 + mass[j] ** 2 + 2 * (first * second - along - across)
        invariant = math.sqrt(max(square, 0.0))
        if invariant < window[0] or invariant > window[1]:
            return False
    return True


@_compiled
def match_pairs(starts: Any, pt: Any, eta: Any, phi: Any, mass: Any, charge: Any, accepted: Any, place: Any,
                twin: Any, first: Any, second: Any, windows: Any, sign: Any, found: Any) -> None:  # fmt: skip
    """Set ``found[event]`` where distinct objects fill all slots and pass the cuts on their pairs.

    Args:
        starts: (K, E + 1) first object of each collection in each event, in the arrays that follow.
        pt, eta, phi, mass, charge: objects of all K collections.
        accepted: (S, objects) whether an object passes the cuts of a slot.
        place, twin, first, second, windows, sign: of `nanosieve.physics.menu.program.PairTable`.
        found: (E,) written.
    """
    slots = len(place)
    choice = np.zeros(slots, dtype=np.int64)
    for n in range(starts.shape[1] - 1):
        s = 0
        choice[0] = starts[place[0], n] - 1
        while s >= 0:
            choice[s] += 1
            i = choice[s]
            if i >= starts[place[s], n + 1]:
                s -= 1
                continue
            good = bool(accepted[s, i])
            for r in range(s):
                if choice[r] == i:
                    good = False
            for p in range(len(first)):
                if good and second[p] == s:
                    good = _pair_holds(choice[first[p]], i, windows[p], sign[p], pt, eta, phi, mass, charge)
            if not good:
                continue
            if s == slots - 1:
                found[n] = 1
                break
            s += 1
            choice[s] = choice[s - 1] if twin[s] else starts[place[s], n] - 1


@_compiled
def add_up(fired: Any, weights: Any, keep: Any, group: Any, group_keep: Any, nodes: Any, node_weights: Any,
           sums: Any, any_sums: Any, kept: Any) -> None:  # fmt: skip
    """Add the events of a block to the sums of total, pure and proportional rates, in expectation.

    Line i keeps an event with probability ``keep[i]`` if its group does, with ``group_keep[group[i]]``; all
    independently. The share of a line, E[X_i / Σ X], is ∫₀¹ E[X_i t^(Σ X - 1)] dt, a polynomial of a degree
    below the number of lines, which Gauss-Legendre nodes integrate exactly.

    Args:
        fired: (N, M) decisions before prescales.
        weights: (N,) event weights.
        keep, group: (M,); group_keep: (groups,).
        nodes, node_weights: of the interval 0 to 1.
        sums: (6, M) added to: sums of weights and of their squares, for total, pure and proportional.
        any_sums: (2,) added to: the same for events that any line keeps.
        kept: (N,) written: probability that any line keeps the event.
    """
    lines = fired.shape[1]
    some = np.zeros(lines, dtype=np.int64)
    inside = np.ones(len(group_keep))
    for n in range(len(weights)):
        number, certain = 0, True
        for m in range(lines):
            if fired[n, m]:
                some[number] = m
                number += 1
                certain = certain and keep[m] == 1.0 and group_keep[group[m]] == 1.0
        kept[n] = 0.0
        if number == 0:
            continue
        w = weights[n]
        for k in range(number):
            m = some[k]
            value = w * keep[m] * group_keep[group[m]]
            sums[0, m] += value
            sums[1, m] += value * value
        if certain:
            kept[n] = 1.0
            if number == 1:
                sums[2, some[0]] += w
                sums[3, some[0]] += w * w
            for k in range(number):
                sums[4, some[k]] += w / number
                sums[5, some[k]] += (w / number) ** 2
        else:
            kept[n] = _expected(some, number, w, keep, group, group_keep, nodes, node_weights, inside, sums)
        any_sums[0] += w * kept[n]
        any_sums[1] += (w * kept[n]) ** 2


@_compiled
def _expected(  # noqa: C901 - sums and products over the same few lines
              some: Any, number: Any, w: Any, keep: Any, group: Any, group_keep: Any, nodes: Any,
              node_weights: Any, inside: Any, sums: Any) -> float:  # fmt: skip
    """Pure and proportional sums of an event with prescaled lines; the probability that it is kept."""
    none = 1.0
    share = np.zeros(number)
    pure = np.zeros(number)
    for node in range(-1, len(nodes)):
        t = 0.0 if node < 0 else nodes[node]
        for k in range(number):
            inside[group[some[k]]] = 1.0
        for k in range(number):
            m = some[k]
            inside[group[m]] *= 1.0 - keep[m] + keep[m] * t
        for k in range(number):
            m = some[k]
            product = keep[m] * group_keep[group[m]]
            for j in range(number):  # other lines of the group, given that the group keeps the event
                if j != k and group[some[j]] == group[m]:
                    product *= 1.0 - keep[some[j]] + keep[some[j]] * t
            for j in range(number):  # other groups, each at its first line
                if group[some[j]] != group[m] and _is_first(some, j, group):
                    chance = group_keep[group[some[j]]]
                    product *= 1.0 - chance + chance * inside[group[some[j]]]
            if node < 0:
                pure[k] = product
            else:
                share[k] += node_weights[node] * product
        if node < 0:
            for k in range(number):
                if _is_first(some, k, group):
                    chance = group_keep[group[some[k]]]
                    none *= 1.0 - chance + chance * inside[group[some[k]]]
    for k in range(number):
        m = some[k]
        sums[2, m] += w * pure[k]
        sums[3, m] += (w * pure[k]) ** 2
        sums[4, m] += w * share[k]
        sums[5, m] += (w * share[k]) ** 2
    return 1.0 - none


@_compiled
def _is_first(some: Any, k: Any, group: Any) -> bool:
    first = True
    for j in range(k):
        first = first and group[some[j]] != group[some[k]]
    return first


@_compiled
def add_pairs(fired: Any, weights: Any, kept: Any, pairs: Any) -> None:
    """Add the weight of each event with ``kept > 0`` to all pairs of lines that fired.

    Event by event, where a matrix product would sum in an order that depends on its threads.

    Args:
        fired: (N, M).
        weights, kept: (N,).
        pairs: (M, M), added to.
    """
    lines = np.empty(fired.shape[1], dtype=np.int64)
    for n in range(len(weights)):
        if kept[n] <= 0:
            continue
        number = 0
        for m in range(fired.shape[1]):
            if fired[n, m]:
                lines[number] = m
                number += 1
        for i in range(number):
            for j in range(number):
                pairs[lines[i], lines[j]] += weights[n]
