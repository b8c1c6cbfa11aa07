"""The examples of the page on farms run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.farm import impact
from nanosieve.farm.impact import SIGNALS

PAGE = Path(__file__).parents[3] / "docs" / "farms.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.fixture
def crossings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crossings in place of those that take minutes to make."""

    def make_crossings(path: str, size: str) -> object:
        assert (path, size) == ("crossings.parquet", "small")
        signals = [signal.recipe for signal in SIGNALS.values()]
        blocks = [
            random_events(20_000, scale=20.0, processes=["minbias"], weights=[1e3], pileup=56.0),
            random_events(2000, scale=20.0, processes=signals, weights=[1.0] * len(signals), pileup=56.0),
        ]
        return synthetic_sample(tmp_path / path, blocks, pileup=56.0)

    monkeypatch.setattr(impact, "make_crossings", make_crossings)


@pytest.mark.usefixtures("crossings")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(EXAMPLES[number], f"{PAGE.name}, example {number}", "exec"), {})
    out = capsys.readouterr().out
    assert out.strip()
    if "simulate_design" in EXAMPLES[number]:
        assert out.startswith("overloaded: offered loads of builder 1.2")
