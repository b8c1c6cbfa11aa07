"""Ways to make a network smaller, and the workshop that carries them out on one network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve._names import plain as ascii_name
from nanosieve.compiler.frontends import Calibration, load_model
from nanosieve.compiler.graph import Fixed, Graph
from nanosieve.errors import SettingsError
from nanosieve.networks.compress.fit import fit
from nanosieve.networks.compress.plain import plain, scores_of
from nanosieve.networks.compress.quantised import Widths, quantised
from nanosieve.networks.model_file import save_model
from nanosieve.networks.pruning import PruningSchedule, keep_pruned
from nanosieve.networks.settings import TrainingSettings
from nanosieve.progress import Progress, silent

__all__ = ["Recipe", "Workshop"]


@dataclass(frozen=True)
class Recipe:
    """One way to make a network smaller; see `after_training`, `aware` and `learned`.

    Attributes:
        how: when the bits are chosen.
        bits: of weights and values.
        sparsity: part of the weights that is pruned first.
        price: see `TrainingSettings.bits_price`.
        precision: of a network quantised after training; default ``fixed<bits>``.
    """

    how: Literal["after training", "aware", "learned"]
    bits: int
    sparsity: float = 0.0
    price: float = 0.0
    precision: str = ""

    @classmethod
    def after_training(cls, bits: int, *, sparsity: float = 0.0, precision: str = "") -> Recipe:
        """Trained in floating point and rounded; binary points from a sample."""
        return cls("after training", bits, sparsity, 0.0, precision or f"fixed<{bits}>")

    @classmethod
    def aware(cls, bits: int, *, sparsity: float = 0.0) -> Recipe:
        """Trained on with `bits` bits everywhere, so that the weights get used to them."""
        return cls("aware", bits, sparsity)

    @classmethod
    def learned(cls, price: float, *, bits: int = 8, sparsity: float = 0.0) -> Recipe:
        """Trained on with a width for each weight that starts at `bits` and costs `price` (HGQ).

        Raises:
            SettingsError: a price that is not positive.
        """
        if not price > 0:
            message = f"price {price!r} of a bit; accepted: a positive number, such as 1e-6"
            raise SettingsError(message)
        return cls("learned", bits, sparsity, price)

    @property
    def title(self) -> str:
        """For tables: e.g. ``6 bits aware, 50 % pruned``."""
        if self.how == "learned":
            what = f"learned bits, price {self.price:.2g}"
        elif self.how == "aware":
            what = "ternary weights, 2 bits" if self.bits == 2 else f"{self.bits} bits aware"
        else:
            what = f"{self.precision} after training"
        return f"{what}, {100 * self.sparsity:.0f} % pruned" if self.sparsity else what

    @property
    def name(self) -> str:
        """For files: letters, digits and underscores."""
        parts = {
            "after training": f"after_{self.precision}",
            "aware": f"aware_{self.bits}",
            "learned": f"learned_{self.price:.2e}_{self.bits}",
        }
        pruned = f"_pruned_{100 * self.sparsity:g}" if self.sparsity else ""
        return ascii_name(parts[self.how] + pruned)


@dataclass(frozen=True)
class Workshop:
    """A trained float network and what it is trained on further.

    Attributes:
        model: a built Keras model of one input and one output.
        x, labels: training events and the numbers of their classes.
        folder: of everything that is made; what is there already is used again.
        pruning: how weights are pruned; its `final` is that of each recipe.
        pruned_training: how a network is trained while it is pruned.
        aware_training: how a quantised network is trained on.
        port: type of the input; by default 8 bits with the range of the sample.
        progress: told after every epoch.
    """

    model: Any
    x: NDArray[Any]
    labels: NDArray[Any]
    folder: str | Path
    pruning: PruningSchedule = field(default_factory=PruningSchedule)
    pruned_training: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=10))
    aware_training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=10, learning_rate=2e-3)
    )
    port: Fixed | None = None
    progress: Progress = silent

    def pruned(self, sparsity: float) -> Any:
        """The float network with a part of its weights zero; at 0 the network itself.

        Raises:
            SampleError, SettingsError, OutputError: as `fit`.
        """
        if not sparsity:
            return scores_of(self.model)
        model = scores_of(self.model, name=f"pruned_{round(100 * sparsity)}")
        initial = min(self.pruning.initial, sparsity)
        schedule = replace(self.pruning, final=sparsity, initial=initial)
        return self._fit(model, self.pruned_training, schedule)

    def make(self, recipe: Recipe) -> Path:
        """The model file of a recipe, trained where it needs it.

        Raises:
            UnsupportedLayerError: a layer that cannot be quantised in this way.
            SampleError, SettingsError, OutputError: as `fit`.
        """
        base, path = self.pruned(recipe.sparsity), self.path(recipe)
        if recipe.how == "after training":
            output_folder(self.folder)
            return save_model(plain(base, name=path.stem), path)
        learned = recipe.how == "learned"
        widths = Widths(recipe.bits, learned, self.port)
        model = quantised(base, self.x, widths, name=recipe.name)
        if recipe.sparsity:
            keep_pruned(model)
        training = replace(self.aware_training, bits_price=recipe.price)
        self._fit(model, training, None)
        return path

    def path(self, recipe: Recipe) -> Path:
        """Where the model file of a recipe is; networks quantised after training share the float one."""
        float_file = f"float_{round(100 * recipe.sparsity)}"
        return Path(self.folder) / f"{float_file if recipe.how == 'after training' else recipe.name}.keras"

    def graph(self, recipe: Recipe) -> Graph:
        """The fixed-point graph of a recipe.

        Raises:
            NanosieveError: as `make` and `nanosieve.load`.
        """
        path = self.make(recipe)
        if recipe.how != "after training":
            return load_model(path)
        precision: str | dict[str, str] = recipe.precision
        if self.port is not None:
            precision = {"default": recipe.precision, self.input: str(self.port)}
        return load_model(path, Calibration(np.asarray(self.x[:1000]), precision))

    @property
    def input(self) -> str:
        """Name of the network's input."""
        return str(self.model.inputs[0]._keras_history.operation.name)

    def _fit(self, model: Any, training: TrainingSettings, pruning: PruningSchedule | None) -> Any:
        return fit(
            model,
            self.x,
            self.labels,
            self.folder,
            settings=training,
            pruning=pruning,
            progress=self.progress,
        ).model
