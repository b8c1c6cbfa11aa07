"""Cutting a network in rounds, with training between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.networks.compress.cut import Norm, cut, cuttable, strongest
from nanosieve.networks.compress.fit import fit
from nanosieve.networks.compress.plain import scores_of
from nanosieve.networks.compress.task import Loss
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained
from nanosieve.progress import Progress, silent

__all__ = ["Slimming", "slim"]


@dataclass(frozen=True)
class Slimming:
    """What part of the filters and neurons goes, and in how many rounds.

    Every round takes the same part of what is left, so that after round r of R a layer of n filters has
    ``n (1 - part)^(r / R)``.

    Attributes:
        part: of the filters of each layer that are gone in the end; or for each named layer.
        rounds: 1 cuts once.
        norm: by which the weakest are found, see `strongest`.
        spare: layers that keep all.

    Raises:
        SettingsError: no round, or a part outside of 0 to 1.
    """

    part: float | Mapping[str, float] = 0.5
    rounds: int = 1
    norm: Norm = "l1"
    spare: Collection[str] = ()

    def __post_init__(self) -> None:
        parts = self.part.values() if isinstance(self.part, Mapping) else (self.part,)
        if self.rounds < 1 or any(not 0 <= part < 1 for part in parts):
            message = (
                f"slimming by part={self.part!r} in rounds={self.rounds!r}: parts are from 0 to 1, 1 "
                "excluded, and there is one round at least"
            )
            raise SettingsError(message)


def slim(
    model: Any,
    x: NDArray[Any],
    labels: NDArray[Any],
    folder: str | Path,
    *,
    slimming: Slimming | None = None,
    loss: Loss = "cross-entropy",
    settings: TrainingSettings | None = None,
    progress: Progress = silent,
) -> Trained:
    """Remove the weakest filters of a trained network and train on what is left, in rounds.

    `model` stays as it is. Each round is a network of its own in `folder`, ``NAME_round_1.keras`` and so on,
    trained by `fit`: the call goes on after a break and loads what is finished.

    Args:
        model: a built Keras model of one input and one output; a softmax or sigmoid at the end is left out.
        x, labels, folder, loss, settings, progress: see `fit`; the settings are those of one round.
        slimming: what goes.

    Returns:
        The last round.

    Raises:
        NanosieveError: as `strongest`, `cut` and `fit`.
    """
    wanted = slimming or Slimming()
    parts = wanted.part if isinstance(wanted.part, Mapping) else dict.fromkeys(cuttable(model), wanted.part)
    strongest(model, parts, norm=wanted.norm, spare=wanted.spare)  # refuses what is wrong before any training
    last = Trained(scores_of(model), Path(folder), {}, 0, 0.0)
    for number in range(1, wanted.rounds + 1):
        # Counted from the whole network, so that rounding does not add up.
        left = {
            name: _filters(model, name) * (1 - part) ** (number / wanted.rounds) / _filters(last.model, name)
            for name, part in parts.items()
        }
        shares = {name: max(0.0, 1 - part) for name, part in left.items()}
        kept = strongest(last.model, shares, norm=wanted.norm, spare=wanted.spare)
        smaller = cut(last.model, kept, name=f"{model.name}_round_{number}")
        last = fit(smaller, x, labels, folder, loss=loss, settings=settings, progress=progress)
    return last


def _filters(model: Any, name: str) -> int:
    return int(model.get_layer(name).output.shape[-1])
