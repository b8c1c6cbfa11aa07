"""A service under load for minutes: every answer compared bit for bit, none lost; exit code 1 otherwise.

    python benchmarks/service_soak.py out/tagger --minutes 10

The rate at saturation is measured first; the load is Poisson at a part of it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from side_by_side import machine

from nanosieve.farm.service import load_models
from nanosieve.farm.service.client import Target
from nanosieve.farm.service.load import Arrivals, closed_loop, make_work, open_loop
from nanosieve.farm.service.process import running_service

FEW = 5.0
"""s of the load that finds the rate."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="folder of a compiled design, or an .onnx file")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--part", type=float, default=0.8, help="of the rate at saturation")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--protocol", choices=["grpc", "http"], default="grpc")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/service_soak.json"))
    options = parser.parse_args()
    model = load_models([options.model])[0].model
    work = make_work(model.inputs, model.outputs, options.batch, different=64, compute=model)
    print(machine())
    with running_service([options.model]) as service:
        target = Target(service.url(options.protocol), model.name)
        fastest = max(
            (closed_loop(target, work, connections=n, seconds=FEW) for n in (1, 2, 4)),
            key=lambda run: run.rate,
        )
        arrivals = Arrivals(options.part * fastest.rate)
        print(f"saturation at {fastest.rate:,.0f} requests/s")
        print(f"{arrivals.rate:,.0f} requests/s for {options.minutes:g} minutes")
        run = open_loop(target, work, arrivals, connections=options.connections, seconds=60 * options.minutes)
        code = service.stop()
    times = ", ".join(f"p{100 * p:g} {1e3 * value:.3g} ms" for p, (value, _) in run.quantiles.values.items())
    print(f"{run.answered:,} requests of {run.batch} events: {run.wrong} wrong, {run.lost} lost; {times}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"machine": machine(), "part": options.part, **run.to_dict()}, indent=1) + "\n"
    )
    if run.wrong or run.lost or code:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
