"""``nanosieve serve``: compiled designs and ONNX models as an inference service."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nanosieve._require import require
from nanosieve.cli._terminal import echo_json
from nanosieve.errors import SettingsError
from nanosieve.farm.service import ServiceSettings, load_models, read_token, with_free_ports

__all__ = ["command"]


@click.command("serve", short_help="serve compiled designs and ONNX models to clients over the network")
@click.argument("models", metavar="DIR...", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Interface; 0.0.0.0 for all.")
@click.option("--http-port", default=8080, show_default=True, help="REST; 0 for any that is free.")
@click.option("--grpc-port", default=8081, show_default=True, help="gRPC; 0 for any that is free.")
@click.option("--metrics-port", default=8082, show_default=True, help="Prometheus; 0 for any that is free.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of one computation.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Computations at a time."
)
@click.option("--max-batch", default=16_384, show_default=True, help="Events of a request and of a batch.")
@click.option("--max-waiting", default=1 << 20, show_default=True, help="Events that may wait for a model.")
@click.option("--max-bytes", default=64 << 20, show_default=True, help="Bytes of a request.")
@click.option("--rate", default=0.0, help="Requests a second that are accepted [default: no limit].")
@click.option("--grace", default=30.0, show_default=True, help="Seconds for accepted requests after SIGTERM.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, PEM; all ports speak TLS.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="Clients must send the word in it as a bearer token.",
)
@click.option("--json", "as_json", is_flag=True, help="Say that all is ready as JSON, with the ports.")
def command(
    models: tuple[str, ...],
    threads: int,
    max_batch: int,
    max_waiting: int,
    max_bytes: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    token_file: Path | None,
    as_json: bool,
    host: str,
    http_port: int,
    grpc_port: int,
    metrics_port: int,
    workers: int,
    rate: float,
    grace: float,
) -> None:
    """Serve models over KServe V2, the protocol of Triton, by REST and gRPC, until SIGTERM or Ctrl-C.

    DIR is a folder of `nanosieve compile`, computed by its emulator with exactly the bits of its hardware, or
    an .onnx file, computed by ONNX Runtime. NAME=DIR gives it a name, NAME:2=DIR a version too. What was
    accepted is answered before the end.

    \b
    Example:
      nanosieve serve out/tagger --http-port 8080 --grpc-port 8081
    """
    require("mlserver", extra="serve", purpose="serving models")
    settings = with_free_ports(
        ServiceSettings(
            host=host,
            http_port=http_port,
            grpc_port=grpc_port,
            metrics_port=metrics_port,
            most_events=max_batch,
            most_waiting=max(max_waiting, max_batch),
            workers=workers,
            most_bytes=max_bytes,
            rate=rate,
            grace=grace,
            certificate=tls_cert,
            key=tls_key,
            token=read_token(token_file) if token_file else "",
        )
    )
    loaded = load_models(models, threads=threads)
    from nanosieve.farm.service.server.serve import serve

    def ready() -> None:
        ports = {name: getattr(settings, f"{name}_port") for name in ("http", "grpc", "metrics")}
        if as_json:
            names = [{"name": each.model.name, "version": each.version} for each in loaded]
            echo_json({"host": host, "ports": ports, "models": names})
        else:
            names_text = ", ".join(f"{each.model.name} {each.version}" for each in loaded)
            click.echo(
                f"{names_text}: REST on {host}:{ports['http']}, gRPC on {host}:{ports['grpc']}, "
                f"metrics on {host}:{ports['metrics']}"
            )
        sys.stdout.flush()

    accepted, answered = serve(loaded, settings, ready=ready)
    if as_json:
        echo_json({"accepted": accepted, "answered": answered})
    else:
        click.echo(f"{accepted:,} requests accepted, {answered:,} answered")
    if accepted != answered:
        message = (
            f"{accepted - answered} requests were not answered within {grace:g} s; give a longer --grace"
        )
        raise SettingsError(message)
