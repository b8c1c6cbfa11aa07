"""What networks and farms run on: FPGAs, CPUs, GPUs, servers, network; each number with source and trust."""

from nanosieve.devices.band import Band
from nanosieve.devices.catalogue import devices, find_device, read_catalogue
from nanosieve.devices.device import RESOURCES, UNITS, Device, Origin, Trust
from nanosieve.devices.hardware import HARDWARE_UNITS, KINDS, Hardware, Infrastructure
from nanosieve.devices.hardware_catalogue import find_hardware, hardware, infrastructure, parse_hardware

__all__ = [
    "HARDWARE_UNITS",
    "KINDS",
    "RESOURCES",
    "UNITS",
    "Band",
    "Device",
    "Hardware",
    "Infrastructure",
    "Origin",
    "Trust",
    "devices",
    "find_device",
    "find_hardware",
    "hardware",
    "infrastructure",
    "parse_hardware",
    "read_catalogue",
]
