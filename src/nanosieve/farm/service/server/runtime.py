"""The runtime that MLServer loads, lists and asks: arrays go in and out of it without becoming lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlserver import MLModel, ModelSettings
from mlserver.errors import InferenceError, MLServerError
from mlserver.settings import ModelParameters
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataTensor,
    Parameters,
    ResponseOutput,
    TensorData,
)
from prometheus_client import Gauge, Histogram

from nanosieve.errors import NanosieveError
from nanosieve.farm.service.batching import Batcher, Full
from nanosieve.farm.service.models import Model, Versioned
from nanosieve.farm.service.settings import ServiceSettings
from nanosieve.farm.service.tensors import Arrays, Tensor, check_request

__all__ = ["ArrayModel", "model_settings"]

WAITING = Gauge("nanosieve_waiting_events", "events that wait for a model", ["model", "version"])
BATCH = Histogram(
    "nanosieve_batch_events",
    "events computed together",
    ["model", "version"],
    buckets=[4**n for n in range(8)],
)
TOO_MANY = 429
"""Status of a request that is turned away; gRPC says RESOURCE_EXHAUSTED."""


def model_settings(entry: Versioned, versions: list[str], settings: ServiceSettings) -> ModelSettings:
    """A loaded model as MLServer takes it."""
    model = entry.model
    return ModelSettings(
        name=model.name,
        implementation=ArrayModel,
        platform=model.platform,
        versions=versions,
        inputs=[_metadata(tensor, model.batch) for tensor in model.inputs],
        outputs=[_metadata(tensor, model.batch) for tensor in model.outputs],
        parameters=ModelParameters(version=entry.version, extra={"model": model, "settings": settings}),
    )


def _metadata(tensor: Tensor, batch: int | None) -> MetadataTensor:
    return MetadataTensor(name=tensor.name, datatype=tensor.datatype, shape=[batch or -1, *tensor.shape])


class ArrayModel(MLModel):  # type: ignore[misc]  # MLServer ships no types
    """One version of a model. Tensors of requests and answers are NumPy arrays, in ``data.root``."""

    async def load(self) -> bool:
        """Make the model ready: one call, so that the first client does not wait for memory and caches."""
        extra = self.settings.parameters.extra
        self.model: Model = extra["model"]
        settings: ServiceSettings = extra["settings"]
        batch = self.model.batch
        self.most = batch or settings.most_events
        self.batcher = Batcher(
            self.model, most=self.most, waiting=settings.most_waiting, workers=settings.workers
        )
        labels = (self.name, self.version)
        WAITING.labels(*labels).set_function(lambda: self.batcher.depth)
        self._batches = BATCH.labels(*labels)
        zeros = {t.name: np.zeros((batch or 1, *t.shape), t.dtype) for t in self.model.inputs}
        self.model(zeros)
        return True

    async def unload(self) -> bool:
        """Give the threads back."""
        self.batcher.close()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The outputs of a request whose tensors are arrays.

        Raises:
            InferenceError: the model cannot take the request.
            MLServerError: too many events wait.
        """
        arrays: Arrays = {each.name: each.data.root for each in payload.inputs}
        wanted = [each.name for each in payload.outputs or ()]
        try:
            events = check_request(self.model.inputs, self.model.outputs, arrays, wanted, self.most)
            if self.model.batch not in (None, events):
                message = f"a request of {events} events; this model takes {self.model.batch}"
                raise InferenceError(message)
            answer = await self.batcher(arrays, events)
        except NanosieveError as error:
            raise InferenceError(str(error)) from error
        if isinstance(answer, Full):
            message = f"{self.batcher.depth} events wait for model {self.name!r}; try again later"
            raise MLServerError(message, TOO_MANY)
        self._batches.observe(answer.batch)
        outputs = [
            ResponseOutput.model_construct(
                name=tensor.name,
                shape=list(answer.outputs[tensor.name].shape),
                datatype=tensor.datatype,
                data=TensorData.model_construct(root=answer.outputs[tensor.name]),
            )
            for tensor in self.model.outputs
            if not wanted or tensor.name in wanted
        ]
        said: dict[str, Any] = {
            "queue_ns": int(answer.queue * 1e9),
            "compute_ns": int(answer.compute * 1e9),
            "batch_events": answer.batch,
            **self.model.parameters(events),
        }
        return InferenceResponse.model_construct(
            model_name=self.name,
            model_version=self.version,
            parameters=Parameters.model_construct(**said),
            outputs=outputs,
        )
