"""Training curves: loss, validation loss and the cost in bit operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve.report.style import PALETTE, Drawing, headline, panel

__all__ = ["TrainingHistory", "training_curves"]


@dataclass(frozen=True)
class TrainingHistory:
    """What a training wrote down, one number per epoch.

    Attributes:
        label: name of the network.
        loss: training loss.
        validation_loss: loss on events that were not trained on.
        ebops: effective bit operations (arXiv:2405.00645); empty for a network without them.
        kept: epoch (from 1) whose weights were kept; None if the last.
    """

    label: str
    loss: Sequence[float]
    validation_loss: Sequence[float]
    ebops: Sequence[float] = ()
    kept: int | None = None


def training_curves(histories: Sequence[TrainingHistory]) -> Drawing:
    """A panel of losses per network, and one of EBOPs for all networks that have them."""
    panels = [_losses(history, n) for n, history in enumerate(histories)]
    counted = [(n, history) for n, history in enumerate(histories) if len(history.ebops)]
    if counted:
        panels.append(
            panel(lambda axes: _ebops(axes, counted), label="Effective bit operations against epoch")
        )
    return Drawing(tuple(panels))


def _losses(history: TrainingHistory, number: int) -> str:
    def draw(axes: Any) -> None:
        colour = PALETTE[number % len(PALETTE)]
        axes.plot(_epochs(history.loss), history.loss, color=colour, label="training")
        axes.plot(
            _epochs(history.validation_loss),
            history.validation_loss,
            color=colour,
            linestyle=(0, (3, 2)),
            label="validation",
        )
        if history.kept is not None:
            axes.plot(
                [history.kept],
                [history.validation_loss[history.kept - 1]],
                "o",
                color=colour,
                label=f"kept: epoch {history.kept}",
            )
        spread = np.array([*history.loss, *history.validation_loss])
        if spread.min() > 0 and spread.max() / spread.min() > 5:
            axes.set_yscale("log")
        _epoch_axis(axes, len(history.loss))
        axes.set_ylabel("Loss")
        axes.legend(loc="upper right")
        headline(axes, history.label)

    return panel(draw, label=f"Loss of {history.label} against epoch")


def _ebops(axes: Any, histories: Sequence[tuple[int, TrainingHistory]]) -> None:
    styles = ("-", (0, (5, 1.5)), (0, (1, 1)), "-.")
    for number, history in histories:
        axes.plot(
            _epochs(history.ebops),
            history.ebops,
            color=PALETTE[number % len(PALETTE)],
            linestyle=styles[number % len(styles)],
            label=history.label,
        )
    every = np.concatenate([history.ebops for _, history in histories])
    if every.min() > 0 and every.max() > 5 * every.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1.35 * every.max())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _epoch_axis(axes, max(len(history.ebops) for _, history in histories))
    axes.set_ylabel("EBOPs")
    axes.legend(loc="upper right")
    headline(axes, "Effective bit operations")


def _epochs(values: Sequence[float]) -> range:
    return range(1, len(values) + 1)


def _epoch_axis(axes: Any, epochs: int) -> None:
    axes.set_xlim(1, max(epochs, 2))
    axes.set_xlabel("Epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
