"""``nanosieve serve-bench``: load on a server that speaks KServe V2, and what it makes of it."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve._files import output_folder, write_text
from nanosieve.cli._terminal import echo_json, show_table, terminal_progress
from nanosieve.errors import SettingsError
from nanosieve.farm.service import load_models, read_token
from nanosieve.farm.service.client import Target
from nanosieve.farm.service.load import LoadRun, Scan, scan_load

__all__ = ["command"]


@click.command("serve-bench", short_help="load an inference service and measure it")
@click.argument("url")
@click.argument("model")
@click.option("--version", default="", help="Of the model [default: the server's choice].")
@click.option(
    "--batch", "batches", default="1,16,256,1024,4096,16384", show_default=True, help="Events of a request."
)
@click.option("--connections", type=click.IntRange(1), default=8, show_default=True, help="At most.")
@click.option(
    "--parts",
    default="0.3,0.6,0.8,0.95",
    show_default=True,
    help="Of the rate at saturation that the open loops offer.",
)
@click.option("--burst", type=click.IntRange(1), default=1, show_default=True, help="Requests at one time.")
@click.option("--open-batch", type=click.IntRange(1), help="Of the open loops [default: the first batch].")
@click.option("--seconds", type=click.FloatRange(0.1), default=3.0, show_default=True, help="Of each load.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--check", metavar="DIR", help="Compare every answer with this design or .onnx file, bit by bit."
)
@click.option("--token-file", type=click.Path(path_type=Path), help="Holds the bearer token.")
@click.option("--tls-ca", type=click.Path(path_type=Path), help="Certificates to trust, PEM.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for load.json and the figure load.svg.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    url: str,
    model: str,
    version: str,
    batches: str,
    connections: int,
    parts: str,
    burst: int,
    open_batch: int | None,
    seconds: float,
    seed: int,
    check: str | None,
    token_file: Path | None,
    tls_ca: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Load MODEL on the server at URL: closed loops up to saturation, then open loops at parts of its rate.

    URL is grpc://HOST:PORT or http://HOST:PORT (grpcs, https with TLS) of any server that speaks KServe V2,
    such as `nanosieve serve` or Triton.

    \b
    Example:
      nanosieve serve-bench grpc://127.0.0.1:8081 tagger --check out/tagger
    """
    target = Target(url, model, version, read_token(token_file) if token_file else "", tls_ca)
    compute = load_models([check])[0].model if check else None
    with terminal_progress() as progress:
        scan = scan_load(
            target,
            batches=[int(n) for n in _numbers("--batch", batches)],
            most_connections=connections,
            parts=_numbers("--parts", parts),
            burst=burst,
            open_batch=open_batch,
            seconds=seconds,
            seed=seed,
            compute=compute,
            progress=progress,
        )
    if out:
        _write(output_folder(out), target, scan)
    if as_json:
        echo_json({"url": url, "model": model, **scan.to_dict()})
    else:
        _show(scan)
    wrong = sum(run.wrong for run in (*scan.closed, *scan.open))
    if wrong:
        message = f"{wrong} answers of {url} differ from those of {check!r}; serve the same design"
        raise SettingsError(message)


def _numbers(option: str, text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) <= 0:
        message = f"{option} takes numbers above zero with commas between, not {text!r}"
        raise SettingsError(message)
    return found


def _show(scan: Scan) -> None:
    header = ["loop", "batch", "connections", "offered [1/s]", "events/s", "MB/s"]
    header += ["p50 [ms]", "p95", "p99", "network", "queue", "compute", "errors"]
    rows = [_row(run) for run in (*scan.closed, *scan.open)]
    show_table("Load", header, rows)
    for batch, run in scan.saturation.items():
        click.echo(
            f"batch {batch}: saturated at {run.throughput:,.0f} events/s with {run.connections} connections"
        )


def _row(run: LoadRun) -> list[str]:
    times = [f"{1e3 * value:.3g}" for value, _ in run.quantiles.values.values()] or ["–"] * 3
    parts = [f"{1e3 * value:.3g}" for value in run.parts.values()] or ["–"] * 3
    offered = "–" if run.offered is None else f"{run.offered:,.0f}"
    counts = [run.loop, f"{run.batch:,}", str(run.connections), offered]
    return [*counts, f"{run.throughput:,.0f}", f"{run.bandwidth / 1e6:,.1f}", *times, *parts, str(run.lost)]


def _write(folder: Path, target: Target, scan: Scan) -> None:
    import json

    from nanosieve.report.load_chart import latency_throughput_chart, points_of

    document = {"url": target.url, "model": target.model, **scan.to_dict()}
    write_text(folder / "load.json", json.dumps(document, indent=1) + "\n")
    curves = points_of([*scan.closed, *scan.open])
    chart = latency_throughput_chart(curves, title=target.model, conditions=target.protocol)
    write_text(folder / "load.svg", chart.panels[0])
