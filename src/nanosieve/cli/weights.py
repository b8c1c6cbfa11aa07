"""``nanosieve weights``: the words that load another network of the same shape into a design."""

from __future__ import annotations

from pathlib import Path

import click

from nanosieve.cli._input_file import read_arrays
from nanosieve.cli._options import by_layer, sample_options
from nanosieve.cli._terminal import echo_json

__all__ = ["command"]


@click.command("weights", short_help="write the words that load a retrained network into a design")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="File: .hex ($readmemh), .h (C), .npy or .bin (little-endian).",
)
@sample_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    folder: Path,
    model: Path | None,
    out: Path,
    calibrate: Path | None,
    precision: tuple[str, ...],
    per_channel: bool,
    as_json: bool,
) -> None:
    """Write the words that the write port of the design in DIR takes for the weights of MODEL.

    The design was compiled with --reloadable. MODEL is a network that differs from the compiled one in the
    kernels and biases of its dense and convolution layers alone; it is refused by layer if anything else
    differs, or if a weight has no code in the type that the design keeps it in. A float model takes the
    --precision of the compiled one. Without MODEL the words are those of the compiled network.

    \b
    Example:
      nanosieve compile tagger.keras -o out/tagger --reloadable "fixed<8,2>"
      nanosieve weights out/tagger retrained.keras -o retrained.hex
      nanosieve verify out/tagger --weights retrained.keras
    """
    from nanosieve.compiler.design import load
    from nanosieve.compiler.hardware.reload import weight_words, write_weights
    from nanosieve.compiler.verification import read_design

    name = read_design(folder).name
    graph = None
    if model is not None:
        sample = None if calibrate is None else read_arrays(calibrate, "calibration sample")
        graph = load(model, calibrate=sample, precision=by_layer(precision) or None, per_channel=per_channel)
    words = weight_words(folder, graph)[1]
    write_weights(words, out, name)
    if as_json:
        echo_json({"design": str(folder), "words": len(words), "file": str(out)})
        return
    click.echo(f"{len(words):,} words of 32 bits written to {out}, one for each address from 0 on")
