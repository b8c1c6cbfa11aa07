"""Options that several verbs have, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import click

from nanosieve.errors import SettingsError

__all__ = [
    "budget_options",
    "by_layer",
    "by_name",
    "counts",
    "plan_options",
    "sample_options",
    "scale_out_options",
]

Command = Callable[..., Any]
Option = Callable[[Command], Command]


def _together(options: Sequence[Option]) -> Option:
    """All of them, in this order in the help."""
    return lambda command: reduce(lambda done, option: option(done), reversed(options), command)


def budget_options(every: str) -> Option:
    """``--every``, by default `every`, ``--latency``, ``--clock``, ``--device`` and ``--share``."""
    return _together([
        click.option("--every", default=every, show_default=True, help="Time between two events."),
        click.option("--latency", default="1 us", show_default=True, help="Time from input to decision."),
        click.option("--clock", default="200 MHz", show_default=True, help="Clock of the design."),
        click.option(
            "--device", default="xcvu9p", show_default=True, help="FPGA or card; see `nanosieve devices`."
        ),
        click.option("--share", default=1.0, show_default=True, help="Part of the usable resources, 0 to 1."),
    ])  # fmt: skip


def scale_out_options(default_text: str = "one per core", *, default: int | None = None) -> Option:
    """``--workers`` and ``--scheduler``, as `nanosieve.executor.run_tasks` takes them."""
    return _together([
        click.option(
            "--workers", type=click.IntRange(1), default=default, help=f"Processes [default: {default_text}]."
        ),
        click.option("--scheduler", metavar="ADDR", help="Dask scheduler to use instead, tcp://host:8786."),
    ])  # fmt: skip


sample_options = _together([
    click.option(
        "--calibrate",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="For a float model: a sample of events, X.npy, or X.npz by input name.",
    ),
    click.option(
        "--precision",
        metavar="[LAYER=]TYPE",
        multiple=True,
        help="For a float model: fixed<W,I>, or fixed<W> to choose I from the sample [default: fixed<16,6>]; "
        "again for single layers, as dense_1=fixed<8,3> or dense_1.kernel=fixed<6,1>.",
    ),
    click.option(
        "--per-channel", is_flag=True, help="Choose the binary points of kernels by output channel."
    ),
])  # fmt: skip
"""``--calibrate``, ``--precision`` and ``--per-channel``, for models that do not state their types."""

plan_options = _together([
    click.option(
        "--layer",
        "layers",
        metavar="NAME=HOW",
        multiple=True,
        help="How to build a layer: unrolled, slots:P,Q,R (P positions, one of Q parts of the columns and "
        "one of R parts of the inputs at a time; R may be left out), slots:P,Q,R,packed (two products in a "
        "DSP slice), cells:N,Q (copies of a recurrent cell, parts of its state); again for other layers.",
    ),
    click.option(
        "--beats",
        metavar="INPUT=P",
        multiple=True,
        help="Positions of an input that enter in a cycle, 0 for all [default: what the interval allows for "
        "inputs of many bits].",
    ),
    click.option(
        "--minimise",
        type=click.Choice(["balanced", "lut", "dsp"]),
        default="balanced",
        show_default=True,
        help="Which resource counts most; balanced: each as scarce as on the device.",
    ),
    click.option("--no-dsp", is_flag=True, help="Build all products from LUTs."),
])  # fmt: skip
"""``--layer``, ``--beats``, ``--minimise`` and ``--no-dsp``: what the scheduler may choose."""


def by_name(option: str, given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE``, again and again.

    Raises:
        SettingsError: a value without a name.
    """
    pairs = [text.rpartition("=") for text in given]
    for (name, _, _), text in zip(pairs, given, strict=True):
        if not name:
            message = f"{option} takes NAME=VALUE, not {text!r}"
            raise SettingsError(message)
    return {name: value for name, _, value in pairs}


def counts(option: str, given: Sequence[str]) -> dict[str, int]:
    """``INPUT=P``, again and again.

    Raises:
        SettingsError: a value that is no whole number, or without a name.
    """
    for text in (found := by_name(option, given)).values():
        if not text.isdecimal():
            message = f"{option} takes INPUT=P with a whole number P, not {text!r}"
            raise SettingsError(message)
    return {name: int(text) for name, text in found.items()}


def by_layer(options: Sequence[str]) -> str | dict[str, str]:
    """``TYPE`` alone, or with ``LAYER=TYPE`` as a mapping."""
    pairs = [option.rpartition("=") for option in options]
    if len(pairs) == 1 and not pairs[0][0]:
        return pairs[0][2]
    return {layer or "default": text for layer, _, text in pairs}
