"""What the networks run on: the catalogue of FPGAs and FPGA cards, each number with its source and trust."""

from nanosieve.devices.catalogue import devices, find_device, read_catalogue
from nanosieve.devices.device import RESOURCES, UNITS, Device, Origin, Trust

__all__ = ["RESOURCES", "UNITS", "Device", "Origin", "Trust", "devices", "find_device", "read_catalogue"]
