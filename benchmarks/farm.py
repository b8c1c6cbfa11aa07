"""The farm engine beside SimPy: the same events through the same farm, and a plain queue; dead time.

Nothing is timed before both tools agreed on the fate of every event and on when it ended.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from side_by_side import machine, race, table, write

from nanosieve.farm.engine import (
    ATLAS_RULES,
    CMS_RULES,
    FATES,
    EventClass,
    Exponential,
    Farm,
    HardwareTrigger,
    Nodes,
    Poisson,
    Stage,
    TimeOut,
    serve,
    simulate_dead_time,
    trace_farm,
)
from nanosieve.farm.engine.draws import draw_outages
from nanosieve.farm.engine.history import History
from nanosieve.farm.engine.links import pass_link
from nanosieve.farm.engine.nodes_run import run_nodes
from nanosieve.physics.filling import find_scheme

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.farms import complete_farm
from helpers.simpy_farm import SimpyFarm

SERVERS = (10, 100, 1000)


def farms(scale: int) -> dict[str, tuple[Farm, float]]:
    """Name → farm and rate in Hz."""
    plain = Farm((EventClass("all"),), (Stage("all", Exponential("90 ms")),), Nodes(1, 10 * scale))
    nodes = Nodes(5 * scale, 4, 5, "least loaded")
    complete = complete_farm(nodes, TimeOut("1.2 s", "accepted"), pool=False)
    return {"plain queue": (plain, 100.0 * scale), "complete farm": (complete, 100.0)}


def engine(farm: Farm, history: History) -> None:
    """What SimPy does: everything behind the draws."""
    built = pass_link(farm.builder, history.arrivals, history.drawn.size)
    inside = np.flatnonzero(~built.lost)
    outages = draw_outages(None, 1, 1.0, 0)
    run = run_nodes(farm, built.ended[inside], history.drawn.chosen(inside), outages, history.edges)
    pass_link(farm.output, run.ended, history.drawn.size[inside])


def agree(name: str, farm: Farm, history: History) -> None:
    other = SimpyFarm(farm, history.arrivals, history.drawn).run()
    same = (np.array(FATES, dtype=object)[history.fate] == other.fate).all()
    if not same or not np.allclose(history.decided, other.ended, rtol=0, atol=1e-9):
        message = f"{name}: engine and SimPy disagree; nothing to time"
        raise SystemExit(message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of a farm")
    parser.add_argument("--jobs", type=int, default=2_000_000, help="of the fast path")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/farm.json"))
    options = parser.parse_args()
    print(machine())
    results = {}
    for name, (farm, rate) in farms(1).items():
        history = trace_farm(farm, Poisson(rate), duration=options.events / rate, seed=1)
        agree(name, farm, history)
        number = len(history.arrivals)
        tools = {
            "nanosieve": (lambda f=farm, h=history: engine(f, h), number),
            "SimPy": (lambda f=farm, h=history: SimpyFarm(f, h.arrivals, h.drawn).run(), number),
        }
        if name == "plain queue":
            work = np.ascontiguousarray(history.drawn.work[:, 0])
            tools["nanosieve, fast path"] = (lambda h=history, w=work: serve(h.arrivals, w, 10), number)
        results[name] = race(tools, options.turns)
        steps = history.nodes.happened / number
        print(table(f"{name}, {steps:.1f} steps of the loop per event", results[name]))
    rng = np.random.default_rng(1)
    service = rng.exponential(1.0, options.jobs)
    queues = {}
    for servers in SERVERS:
        arrivals = np.cumsum(rng.exponential(1 / (0.95 * servers), options.jobs))
        call = lambda a=arrivals, c=servers: serve(a, service, c)  # noqa: E731
        queues |= {f"{servers} servers": (call, options.jobs)}
    results["fast path"] = race(queues, options.turns)
    print(
        table("fast path, completions of a plain queue", results["fast path"], ours=f"{SERVERS[0]} servers")
    )
    scheme = find_scheme("lhc-2544-48b")
    for rate, rules in ((1e5, ATLAS_RULES), (1e6, CMS_RULES), (scheme.crossing_rate, CMS_RULES)):
        start = time.process_time()
        simulate_dead_time(HardwareTrigger(rate, rules=rules), scheme, duration="1 s")
        spent = time.process_time() - start
        print(f"dead time, one second of crossings, {rate / 1e3:,.0f} kHz of candidates: {spent:.3f} s CPU")
    write(options.out, results)


if __name__ == "__main__":
    main()
