"""A cheap process for the tests of the machinery: W → μν without multiple interactions."""

import pytest

CHEAP = """
name: {name}
title: cheap
pythia:
  - WeakSingleBoson:ffbar2W = on
  - PartonLevel:MPI = off
  - 24:onMode = off
  - 24:onIfAny = 13
prompt_leptons: {{pt: 21}}
events_per_shard: 8
"""


@pytest.fixture
def cheap(tmp_path):
    """Path of a recipe with shards of 8 events."""
    path = tmp_path / "cheap.yaml"
    path.write_text(CHEAP.format(name="cheap"))
    return path
