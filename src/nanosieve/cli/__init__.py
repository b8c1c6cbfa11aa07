"""The command line: one file per verb, loaded only when it is called."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from nanosieve import __version__
from nanosieve.errors import NanosieveError

__all__ = ["main"]

_VERBS = {
    "compile": "turn a model into a fixed-point graph and a Verilog design",
    "devices": "list the FPGAs, CPUs, GPUs, servers and network of the catalogue",
    "emulate": "run a compiled network on events, bit for bit as the hardware",
    "events": "make or convert collision samples",
    "farm": "show designs of trigger farms, what they cost, and what they lose",
    "machine": "work out luminosity, pile-up, rare processes and data volumes",
    "menu": "show a trigger menu, and predict its rates and turn-ons on a sample",
    "pareto": "show what a network costs at which interval and latency",
    "report": "draw the schedule, resources, memory and clock of a compiled design",
    "serve": "serve compiled designs and ONNX models to clients over the network",
    "serve-bench": "load an inference service and measure latency, throughput and saturation",
    "study": "run a published benchmark end to end",
    "synth": "synthesise a compiled design with Yosys and count its resources",
    "verify": "prove that framework, graph and RTL agree, value by value",
    "weights": "write the words that load a retrained network into a design",
}


class _LazyGroup(click.Group):
    """Imports ``nanosieve.cli.<verb>`` on demand, so that ``--help`` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command = importlib.import_module(f"nanosieve.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_VERBS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nanosieve")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug messages.")
def _cli(debug: bool) -> None:
    """Neural-network triggers: does it fit, what does it buy, which farm?"""
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(name)s: %(message)s")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors are one line on standard error and exit code 1 (Ctrl-C: 130)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        code = _cli.main(arguments, prog_name="nanosieve", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped; finished parts are kept, and the same command resumes", err=True)
        sys.exit(130)
    except NanosieveError as error:
        if "--debug" in arguments:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
