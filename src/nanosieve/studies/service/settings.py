"""Sizes and loads of the study."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.studies.study import Size

__all__ = ["Settings", "settings_for"]


@dataclass(frozen=True)
class Settings:
    """What a size means.

    Attributes:
        batches: events of a request of the small network.
        images: the same for the large one.
        seconds: of each load.
        connections: at most, of closed and open loops.
        parts: of the rate at saturation that open loops offer.
        burst: requests that come together in the bursts.
        round_trips: s; distances of the client.
        calibration: events from which the types of the small network are checked.
        every: interval of its design.
        blocks, width, side: of the large network.
        farm_events: arrivals of a simulated farm.
    """

    batches: tuple[int, ...] = (1, 16, 256, 1024, 4096, 16_384)
    images: tuple[int, ...] = (1, 4)
    seconds: float = 2.0
    connections: int = 8
    parts: tuple[float, ...] = (0.3, 0.6, 0.8, 0.95)
    burst: int = 8
    round_trips: tuple[float, ...] = (0.0, 0.001, 0.01, 0.05)
    calibration: int = 4000
    every: str = "80 ns"
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    width: int = 64
    side: int = 224
    farm_events: int = 20_000


def settings_for(size: Size) -> Settings:
    """The full size has longer loads, more batch sizes and an open loop at more rates."""
    if size is Size.FULL:
        return Settings(
            batches=tuple(2**n for n in range(15)),
            images=(1, 2, 4, 8, 16),
            seconds=10.0,
            connections=32,
            parts=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.1),
            round_trips=(0.0, 0.001, 0.003, 0.01, 0.03, 0.05, 0.1),
            farm_events=200_000,
        )
    return Settings()
