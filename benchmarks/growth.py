"""How work grows with workers: samples, rates and farms on one and two processes, local and Dask; merging.

Results of all ways are compared, byte for byte, before their times are shown. With what was measured comes
the projection to many events and cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from side_by_side import machine

from nanosieve.executor import run_tasks
from nanosieve.farm.designs import load_design
from nanosieve.farm.simulation import Scenario, simulate_designs
from nanosieve.physics.events import make_sample, merge_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.menu import load_menu, menu_rates
from nanosieve.units import power_of_ten

JOBS = 5


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """A Dask cluster of processes on this machine, ready to work."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as made,
        distributed.Client(made) as client,
    ):
        client.wait_for_workers(workers)
        yield made.scheduler_address


WAYS = {"local, 1": (1, False), "local, 2": (2, False), "Dask, 1": (1, True), "Dask, 2": (2, True)}
"""Name → workers, and whether they are Dask's."""


@contextmanager
def way(name: str) -> Iterator[dict[str, Any]]:
    """The arguments that choose a way to run."""
    workers, dask = WAYS[name]
    if not dask:
        yield {"workers": workers}
        return
    with cluster(workers) as address:
        yield {"scheduler": address}


def processor_seconds() -> float:
    """Of this process and of those it started that have ended; other programs make them little longer."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def compare(work: Callable[[dict[str, Any]], Any], amount: float, unit: str) -> dict[str, Any]:
    """Time `work` in all ways; what it gives must not differ."""
    found: dict[str, Any] = {}
    first: Any = None
    for name in WAYS:
        busy = processor_seconds()
        with way(name) as how:
            start = time.perf_counter()
            result = work(how)
            seconds = time.perf_counter() - start
        busy = processor_seconds() - busy
        if first is not None and result != first:
            message = f"{name} gives another result than one local process; nothing to time"
            raise SystemExit(message)
        first = result
        load = os.getloadavg()[0]
        found[name] = {
            "seconds": seconds,
            "processor seconds": busy,
            f"{unit}/s": amount / seconds,
            "load": load,
        }
        print(
            f"  {name:10s} {seconds:8.2f} s {busy:8.2f} s of cores {amount / seconds:12,.1f} {unit}/s",
            flush=True,
        )
    base = found["local, 1"]["seconds"]
    for row in found.values():
        row["speed-up"] = base / row["seconds"]
    return found


def make_events(folder: Path, number: int, how: dict[str, Any]) -> bytes:
    path = folder / "sm.parquet"
    path.unlink(missing_ok=True)
    return make_sample("sm", number, path, **how).path.read_bytes()


def make_crossings(folder: Path, number: int, how: dict[str, Any]) -> bytes:
    path = folder / "trigger.parquet"
    path.unlink(missing_ok=True)
    return make_trigger_sample("trigger", number, path, pileup=52.0, pool=2000, **how).path.read_bytes()


def repeated(sample: Path, copies: int) -> Path:
    """The events of a sample so many times in one file: much to read, whatever the rates then mean."""
    path = sample.with_stem(f"{sample.stem}-repeated")
    with pq.ParquetFile(sample) as source, pq.ParquetWriter(path, source.schema_arrow) as made:
        events = source.read()
        for _ in range(copies):
            made.write_table(events)
    return path


def count_rates(sample: Path, how: dict[str, Any]) -> str:
    found = menu_rates(load_menu("atlas-2018"), [sample], **how)
    return repr((found.l1.to_dict(), found.hlt.to_dict()))


def sweep(events: int, how: dict[str, Any]) -> str:
    tasks = [(load_design("cpu-2018"), Scenario(rate)) for rate in (0.5, 0.8, 1.0, 1.1)]
    found = dict(simulate_designs(tasks, events=events, **how))
    return repr([found[place].to_dict() for place in sorted(found)])


def merging(folder: Path, number: int) -> float:
    """Crossings merged in a second of a core."""
    path = folder / "jobs.parquet"
    for job in range(1, JOBS + 1):
        make_trigger_sample("trigger", number, path, pileup=52.0, pool=2000, workers=2, shard=(job, JOBS))
    busy = processor_seconds()
    merge_sample(path)
    return number / (processor_seconds() - busy)


def overhead(tasks: int) -> dict[str, float]:
    """Seconds for a task that does nothing, beside the start of the workers."""
    found = {}
    for name in ("local, 2", "Dask, 2"):
        with way(name) as how:
            start = time.perf_counter()
            first = 0.0
            for _ in run_tasks(power_of_ten, [3] * tasks, **how):
                first = first or time.perf_counter() - start
            total = time.perf_counter() - start
        found[name] = (total - first) / tasks
        print(f"  {name:10s} {1e3 * found[name]:8.3f} ms a task, {first:.2f} s to the first", flush=True)
    return found


def projection(results: dict[str, Any], events: float, cores: int) -> dict[str, float]:
    """Hours for so many events on so many cores, from the processor time of one process, and of a merge."""
    found = {}
    for kind in ("collisions", "crossings", "rates"):
        row = results[kind]["local, 1"]
        here = row["events/s"] * row["seconds"]
        found[kind] = events * row["processor seconds"] / here / cores / 3600
    found["merge, in one process"] = events / results["merge events/s"] / 3600
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collisions", type=int, default=1200)
    parser.add_argument("--crossings", type=int, default=4000)
    parser.add_argument("--copies", type=int, default=500, help="of the crossings, for rates")
    parser.add_argument("--farm-events", type=int, default=100_000)
    parser.add_argument("--tasks", type=int, default=1000, help="that do nothing")
    parser.add_argument("--events", type=float, default=1e9, help="of the projection")
    parser.add_argument("--cores", type=int, default=1000, help="of the projection")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/growth.json"))
    options = parser.parse_args()
    results: dict[str, Any] = {"provenance": "measured", "machine": machine()}
    print(results["machine"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("collisions, the cocktail of the Standard Model")
        number = options.collisions
        results["collisions"] = compare(lambda how: make_events(folder, number, how), number, "events")
        print("crossings of the trigger cocktail, pile-up 52")
        crossings = options.crossings
        results["crossings"] = compare(
            lambda how: make_crossings(folder, crossings, how), crossings, "events"
        )
        sample = folder / "trigger.parquet"
        print("rates of the menu of 2018")
        total, many = crossings * options.copies, repeated(sample, options.copies)
        results["rates"] = compare(lambda how: count_rates(many, how), total, "events")
        print("four farms")
        farms = 4 * options.farm_events
        results["farms"] = compare(lambda how: sweep(options.farm_events, how), farms, "events")
        results["merge events/s"] = merging(folder, crossings)
        print(f"merge      {results['merge events/s']:12,.0f} crossings/s, in one process")
    print("tasks that do nothing")
    results["seconds a task"] = overhead(options.tasks)
    results["hours"] = projection(results, options.events, options.cores)
    print(f"{options.events:.3g} events on {options.cores:,} cores")
    for what, hours in results["hours"].items():
        print(f"  {what:45s} {hours:10.2f} h")
    results["machine"]["load at the end"] = machine()["load"]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
