"""The requests of a load: batches of events, and the answers that are right where they are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine.checks import whole
from nanosieve.farm.service.tensors import Arrays, Tensor

__all__ = ["Work", "make_work"]

Compute = Callable[[Arrays], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Work:
    """Requests of one size, sent again and again in turn.

    Attributes:
        batch: events of a request.
        requests: their inputs.
        answers: the right outputs of each; empty where they are not known.
        sent, received: bytes of the tensors of a request and of its answer.
    """

    batch: int
    requests: tuple[Arrays, ...]
    answers: tuple[Mapping[str, NDArray[Any]], ...]
    sent: int
    received: int

    def wrong(self, number: int, outputs: Mapping[str, NDArray[Any]]) -> bool:
        """Whether the outputs of request `number` differ in any bit from the right ones."""
        if not self.answers:
            return False
        right = self.answers[number % len(self.answers)]
        return not all(
            outputs[name].shape == array.shape and np.array_equal(outputs[name], array)
            for name, array in right.items()
        )


def make_work(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    batch: int,
    *,
    different: int = 8,
    seed: int = 1,
    compute: Compute | None = None,
) -> Work:
    """Requests of normal numbers, of whole numbers for integer inputs.

    Args:
        inputs, outputs: of the model.
        batch: events of a request.
        different: requests.
        seed: of the numbers.
        compute: gives the right outputs; None if they are not known.

    Raises:
        SettingsError: no events.
    """
    whole(batch, name="batch")
    rng = np.random.default_rng(seed)
    requests: list[Arrays] = []
    for _ in range(different):
        arrays = {}
        for tensor in inputs:
            numbers = rng.standard_normal((batch, *tensor.shape), dtype=np.float32)
            numbers = numbers if tensor.dtype.kind == "f" else np.abs(numbers * 4)
            arrays[tensor.name] = numbers.astype(tensor.dtype)
        requests.append(arrays)
    answers = () if compute is None else tuple(dict(compute(arrays)) for arrays in requests)
    sent, received = (batch * sum(tensor.bytes for tensor in which) for which in (inputs, outputs))
    return Work(batch, tuple(requests), answers, sent, received)
