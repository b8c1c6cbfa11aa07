"""Event displays: a panel for each event, with its words, and refusal of images that do not fit."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.report.event_display import (
    DecayEvent,
    decay_display,
    decay_examples,
    strip_display,
    strip_example,
)


def test_a_panel_for_each_class_and_a_picture(tmp_path):
    events = decay_examples(candidates=5)
    assert [len(event.tracks) for event in events][:4] == [2, 6, 10, 1]
    assert events[-1].image.any()
    path = tmp_path / "display.png"
    drawing = decay_display(events, path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert len(drawing.panels) == 6
    for event, panel in zip(events, drawing.panels, strict=True):
        text = re.sub(r"<[^>]+>", "", panel)
        assert "Radius [m]" in text
        assert ("decay" in re.findall(r">([a-z ]+)<", panel)) is (event.decay is not None)


def test_strips_with_their_fragment():
    drawing = strip_display(strip_example(pt=6.0))
    assert len(drawing.panels) == 2
    assert re.search(r"fragment: strips \d+ to \d+", drawing.panels[0])


def test_images_that_do_not_fit_are_refused():
    event = decay_examples(candidates=2)[0]
    with pytest.raises(SampleError, match=r"give events of \(20, 333\)"):
        decay_display([DecayEvent("x", np.zeros((3, 3)), event.tracks)])
    with pytest.raises(SampleError, match=r"0 events"):
        decay_display([])
