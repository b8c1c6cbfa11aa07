"""Keras networks as ONNX files in floating point, for the clocks of CPUs and GPUs."""

from nanosieve.networks.onnx_export.export import to_onnx

__all__ = ["to_onnx"]
