"""Device profiles on disk: those that come with the package and a user's own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from nanosieve._yaml import SUFFIXES, parse_yaml, validated, yaml_text
from nanosieve.errors import InputFileError, UnknownNameError
from nanosieve.farm.measurement.profile_schema import DeviceProfile, Point
from nanosieve.farm.measurement.timing import Measured

__all__ = ["known_profiles", "load_profile", "profile_text", "times_of_profile"]

_NEEDS = "name, date, machine, versions, method and networks"
_HEADER = """\
# How long networks take on one machine: times in s of a call of so many events, throughputs in events/s.
# Points that were not measured say why.
"""


@cache
def known_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with the package."""
    folder = resources.files("nanosieve.farm.measurement") / "profiles"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_profile(name: str | Path) -> DeviceProfile:
    """The profile that comes with the package under `name`, or the one in the YAML file of that path.

    Raises:
        UnknownNameError: no such profile; an unknown key in it.
        InputFileError: the file is missing, too large or not YAML.
        SettingsError: the file breaks the schema. The message names file, line and key.
    """
    if str(name) in known_profiles():
        file = resources.files("nanosieve.farm.measurement") / "profiles" / f"{name}.yaml"
        text = file.read_text("utf-8")
    elif Path(name).suffix in SUFFIXES:
        text = yaml_text(name, kind="device profile")
    else:
        raise UnknownNameError.among("device profile", str(name), known_profiles())
    document = parse_yaml(text, str(name), kind="device profile", needs=_NEEDS)
    return validated(DeviceProfile, document)


def profile_text(profile: DeviceProfile) -> str:
    """The YAML of a profile, a point on each line."""
    content = profile.model_dump(mode="json", exclude_defaults=True)
    content = {"format": profile.format, **content}
    text = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=100_000, default_flow_style=None
    )
    return _HEADER + text


def times_of_profile(profile: DeviceProfile, network: str, *, batch: int = 1) -> list[Measured]:
    """The service times of a network as `workload_text` takes them, for each kind of device that has one.

    A CPU is one thread; a GPU has its transfers included and float32.

    Args:
        profile: of a machine.
        network: in it.
        batch: events of a call, on CPU and GPU.

    Raises:
        UnknownNameError: no such network.
        InputFileError: nothing of it was measured with that batch.
    """
    if network not in profile.networks:
        raise UnknownNameError.among("network", network, profile.networks)
    found = []
    for point in profile.networks[network].points:
        alike = point.batch == batch and point.precision == "fp32"
        if point.not_measured or point.time is None or point.trust is None:
            continue
        source = f"device profile {profile.name}, {point.on}, {point.engine}"
        if point.cycles is not None and point.clock_mhz is not None:
            interval, latency = point.cycles
            clock = point.clock_mhz * 1e6
            found.append(
                Measured("fpga", interval / clock, {}, point.trust, source, (interval, latency, clock))
            )
        elif alike and (point.threads == 1 if point.device == "cpu" else point.transfers == "included"):
            quantiles = {float(p): value for p, value in point.quantiles.items()}
            calls = f"{source}; {point.calls} calls of {batch} events"
            found.append(Measured(point.device, point.time / batch, quantiles, point.trust, calls))
    first = {each.device: each for each in reversed(found)}
    if not first:
        message = (
            f"device profile {profile.name!r} has no time of {network!r} with {batch} events in a call; "
            f"it has {_batches(profile.networks[network].points)}"
        )
        raise InputFileError(message)
    return [first[device] for device in ("cpu", "gpu", "fpga") if device in first]


def _batches(points: tuple[Point, ...]) -> str:
    batches = sorted({point.batch for point in points if point.batch is not None and not point.not_measured})
    return ", ".join(map(str, batches)) or "none"
