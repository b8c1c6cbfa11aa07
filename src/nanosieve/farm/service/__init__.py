"""Inference as a service: KServe V2 around emulator and ONNX Runtime, and a client to load it."""

from nanosieve.farm.service.batching import Answer, Batcher
from nanosieve.farm.service.models import DesignModel, Model, OnnxModel, Versioned, load_models
from nanosieve.farm.service.settings import ServiceSettings, read_token, with_free_ports
from nanosieve.farm.service.tensors import DATATYPES, Tensor, check_request

__all__ = [
    "DATATYPES",
    "Answer",
    "Batcher",
    "DesignModel",
    "Model",
    "OnnxModel",
    "ServiceSettings",
    "Tensor",
    "Versioned",
    "check_request",
    "load_models",
    "read_token",
    "with_free_ports",
]
