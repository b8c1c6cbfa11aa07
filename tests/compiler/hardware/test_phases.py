"""Phases of an event: patterns that tell them, and the period after which tables repeat."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nanosieve.compiler.hardware.phases import phase_patterns, repeats_after


def matches(pattern: str, phase: int) -> bool:
    """Whether ``casez`` takes the pattern for this phase."""
    width, kind, digits = re.fullmatch(r"(\d+)'([db])([0-9?]+)", pattern).groups()  # type: ignore[union-attr]
    if kind == "d":
        return int(digits) == phase
    assert len(digits) == int(width)
    return all(d in ("?", b) for d, b in zip(digits, f"{phase:0{width}b}", strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_patterns_tell_the_phases(seed: int) -> None:
    """Each phase with a choice matches patterns of that choice alone."""
    rng = np.random.default_rng(seed)
    phases = int(rng.integers(2, 400))
    used = np.flatnonzero(rng.random(phases) < rng.choice([0.2, 0.9]))
    used = np.union1d(used, [phases - 1])
    what = np.repeat(rng.integers(0, 4, phases), rng.integers(1, 9))[: len(used)]
    chosen = [(int(p), int(w)) for p, w in zip(used, what, strict=True)]
    patterns = phase_patterns(chosen, phases)
    for phase, choice in chosen:
        taken = {c for c, own in patterns.items() if any(matches(p, phase) for p in own)}
        assert taken == {choice}


def test_a_step_is_a_range() -> None:
    """128 phases of a step, and those after it, are no list."""
    chosen = [(n, n < 128) for n in range(1000)]
    assert phase_patterns(chosen, 1000) == {
        True: ["10'b000???????"],
        False: ["10'b001???????", "10'b01????????", "10'b1?????????"],
    }


@pytest.mark.parametrize("seed", range(40))
def test_the_period(seed: int) -> None:
    """The least number after which nothing differs, found by trying all."""
    rng = np.random.default_rng(seed)
    period, times = int(rng.integers(1, 30)), int(rng.integers(1, 6))
    slots = np.flatnonzero(rng.random(period) < 0.7)
    phase = np.union1d(np.concatenate([slots + n * period for n in range(times)]), [0]).astype(int)
    content = rng.integers(0, 3, period)[phase % period]
    if rng.random() < 0.3:
        content[-1] += 1

    def alike(n: int) -> bool:
        seen: dict[int, int] = {}
        return all(seen.setdefault(int(p) % n, int(c)) == c for p, c in zip(phase, content, strict=True))

    phases = int(phase[-1]) + 1
    assert repeats_after(content, phase) == next(n for n in range(1, phases + 1) if alike(n))
