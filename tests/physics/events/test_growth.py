"""Samples of every kind have the same bytes for any number of workers, and when one of them is killed."""

import os
import signal
import threading
import time

import pytest

pytest.importorskip("pythia8mc")
pytest.importorskip("distributed")

import distributed

from nanosieve.physics.events import make_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.jet_features import make_jets
from nanosieve.physics.events.sequences import make_sequences

pytestmark = pytest.mark.slow


def collisions(folder, recipe, **how):
    return make_sample(str(recipe), 40, folder / "a.parquet", **how).path.read_bytes()


def crossings(folder, recipe, **how):
    path = folder / "b.parquet"
    how |= {"pileup": 10.0, "pool": 1100}  # a pool of two parts
    return make_trigger_sample("w_lnu,minbias,z_ll", 20, path, **how).path.read_bytes()


def sequences(folder, recipe, **how):
    found, _ = make_sequences("quickdraw", 30, folder / "c.npz", **how)
    return found.values.tobytes(), found.labels.tobytes()


def jets(folder, recipe, **how):
    found, _ = make_jets(6, folder / "d.npz", constituents=4, **how)
    return found.features.tobytes(), found.constituents.tobytes(), found.labels.tobytes()


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as found:
        yield found


@pytest.mark.parametrize("make", [collisions, crossings, sequences, jets], ids=lambda f: f.__name__)
def test_one_two_three_workers_and_dask_give_the_same(make, cheap, tmp_path, cluster):
    ways = [{"workers": 1}, {"workers": 2}, {"workers": 3}, {"scheduler": cluster.scheduler_address}]
    found = []
    for number, how in enumerate(ways):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(make(folder, cheap, **how))
    assert found[1:] == found[:1] * 3


@pytest.mark.parametrize("where", ["local", "dask"])
def test_a_worker_killed_in_the_middle_costs_its_shard(where, cheap, tmp_path, cluster):
    """The victim is one that works while the first shards are there already."""
    (tmp_path / "whole").mkdir()
    whole = collisions(tmp_path / "whole", cheap, workers=1)
    how = {"workers": 2} if where == "local" else {"scheduler": cluster.scheduler_address}
    killed = []

    def kill():
        parts = tmp_path / "a.parquet.parts"
        while not list(parts.glob("cheap-*.parquet")):
            time.sleep(0.02)
        if where == "dask":
            with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                killed.extend(list(client.run(os.getpid).values())[:1])
        else:
            import multiprocessing

            killed.extend(child.pid for child in multiprocessing.active_children()[:1])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = collisions(tmp_path, cheap, **how)
    killer.join()
    assert killed
    assert found == whole
    assert not (tmp_path / "a.parquet.parts").exists()
