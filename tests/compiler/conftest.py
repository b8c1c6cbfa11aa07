"""What the tests of several rooms of the compiler share."""

import pytest

from nanosieve.compiler.verification import verilator


@pytest.fixture
def few_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulators are built without optimisation: for few events the compiler takes longer than they do."""
    monkeypatch.setattr(verilator, "_OPTIMISE", "-O0")
