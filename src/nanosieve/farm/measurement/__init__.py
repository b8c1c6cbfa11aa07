"""Service times of a network on what is there: this CPU, a GPU if there is one, and a compiled design."""

from nanosieve.farm.measurement.design import time_of_design
from nanosieve.farm.measurement.measure import BATCHES, Subject, measure_networks
from nanosieve.farm.measurement.onnx import times_of_onnx
from nanosieve.farm.measurement.profile import known_profiles, load_profile, profile_text, times_of_profile
from nanosieve.farm.measurement.profile_schema import DeviceProfile, Machine, NetworkTimes, Point
from nanosieve.farm.measurement.table import COLUMNS, Cell, published_cells, table_cells
from nanosieve.farm.measurement.timing import Measured
from nanosieve.farm.measurement.workload import workload_text

__all__ = [
    "BATCHES",
    "COLUMNS",
    "Cell",
    "DeviceProfile",
    "Machine",
    "Measured",
    "NetworkTimes",
    "Point",
    "Subject",
    "known_profiles",
    "load_profile",
    "measure_networks",
    "profile_text",
    "published_cells",
    "table_cells",
    "time_of_design",
    "times_of_onnx",
    "times_of_profile",
    "workload_text",
]
