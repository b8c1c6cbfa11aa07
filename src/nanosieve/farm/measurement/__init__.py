"""Service times of a network on what is there: this CPU, a GPU if there is one, and a compiled design."""

from nanosieve.farm.measurement.design import time_of_design
from nanosieve.farm.measurement.onnx import times_of_onnx
from nanosieve.farm.measurement.timing import Measured
from nanosieve.farm.measurement.workload import workload_text

__all__ = ["Measured", "time_of_design", "times_of_onnx", "workload_text"]
