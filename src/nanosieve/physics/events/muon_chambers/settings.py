"""Every number of the two muon detectors, with its unit and where it comes from; *assumed* means ours.

Both are a sector of a barrel in an air-core toroid, as in ATLAS: planes at right angles to the radius; x is
the radius in the middle of the sector, y runs along the field and z along the beams. Metres, GeV, radians.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError

__all__ = ["DriftTubes", "Setting", "StripPlanes", "settings_table"]

Floats = NDArray[np.float64]
Value = TypeVar("Value")
ASSUMED = "assumed"
ATLAS = "ATLAS detector, JINST 3 (2008) S08003, recalled"
MDT = "arXiv:1604.00236"
L0 = "ATLAS public results ATL-COM-DAQ-2019-189"
TOY = "DOI 10.1140/epjc/s10052-022-10521-8"


def _own(default: Value, unit: str, source: str = ASSUMED) -> Value:
    made: Value = field(default=default, metadata={"unit": unit, "source": source})
    return made


@dataclass(frozen=True)
class Setting:
    """One number of a detector.

    Attributes:
        name: of the field.
        value, unit: what it is.
        source: where it was read, or ``assumed``.
    """

    name: str
    value: Any
    unit: str
    source: str


@dataclass(frozen=True)
class _Barrel:
    """What both detectors share.

    Attributes:
        field: toroidal, uniform between the two radii of the toroid.
        toroid_inner, toroid_outer: its edges.
        calorimeter_radius: tracks that turn back into the calorimeter end there.
        sectors: around the beams; an image shows one of them.
        station_thickness: material of one station in radiation lengths.
        pileup: mean number of collisions in a crossing; noise of the cavern is proportional to it.
    """

    field: float = _own(0.5, "T", TOY)
    toroid_inner: float = _own(4.7, "m", ATLAS)
    toroid_outer: float = _own(10.05, "m", ATLAS)
    calorimeter_radius: float = _own(4.25, "m", ATLAS)
    sectors: int = _own(16, "", ATLAS)
    station_thickness: float = _own(0.3, "X0")
    pileup: float = _own(60.0, "")

    def __post_init__(self) -> None:
        name = type(self).__name__
        for one in fields(self):
            value = np.asarray(getattr(self, one.name), dtype=np.float64)
            if not np.isfinite(value).all() or (value < 0).any():
                message = f"{name}: {one.name} is {getattr(self, one.name)}; give 0 or more, and finite"
                raise SettingsError(message)
            if one.metadata["unit"] == "probability" and (value > 1).any():
                message = f"{name}: {one.name} is {getattr(self, one.name)}; a probability is 0 to 1"
                raise SettingsError(message)
        if not self.calorimeter_radius < self.toroid_inner < self.toroid_outer:
            message = (
                f"{name}: calorimeter and toroid have the radii {self.calorimeter_radius}, "
                f"{self.toroid_inner}, {self.toroid_outer} m; they have to rise"
            )
            raise SettingsError(message)
        if self.sectors < 4:
            message = (
                f"{name}: {self.sectors} sectors; give 4 or more, so that planes can be tangent to circles"
            )
            raise SettingsError(message)

    @property
    def half_opening(self) -> float:
        """Of a sector, radians."""
        return float(np.pi / self.sectors)

    def facts(self) -> dict[str, Any]:
        """All settings by name, as JSON has them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


@dataclass(frozen=True)
class DriftTubes(_Barrel):
    """Monitored drift tubes: one half (z > 0) of a sector, 20 layers in three stations, 333 tubes in each.

    Two multilayers of four layers form the inner station, two of three layers each of the others; layers are
    shifted by half a tube against each other. 333 tubes span the 10 m to the end of the barrel.

    Attributes:
        stations: radius of their middle.
        multilayers: layers of a multilayer, by station.
        spacers: gap between the two multilayers, by station.
        pitch: from wire to wire along z; layers are √3/2 of it apart.
        tube_radius: inside the wall.
        tubes: in a layer.
        efficiency: that a tube answers to a track that crosses its gas.
        delta_ray: that an electron knocked out of the wall fires the tube next to one that was hit.
        dead: fraction of tubes that never answer, always the same ones.
        dead_seed: which ones.
        noise: that a tube fires by itself.
        burst: mean number of coherent bursts of the electronics in an image.
        burst_tubes: that a tube fires whose card has a burst.
        card: tubes along z on one card; a card reads all layers of a multilayer.
        cavern: hits of photons and neutrons per area, time and pile-up collision, by station.
        window: time during which hits count for one event.
        cluster: that a hit of the cavern fires the next tube, too; once more with the same probability.
    """

    stations: tuple[float, ...] = _own((5.0, 7.5, 10.0), "m", ATLAS)
    multilayers: tuple[int, ...] = _own((4, 3, 3), "layers", ATLAS)
    spacers: tuple[float, ...] = _own((0.17, 0.317, 0.317), "m")
    pitch: float = _own(0.030035, "m", ATLAS)
    tube_radius: float = _own(0.014585, "m", f"{MDT}: 29.970 mm less two walls of 0.4 mm")
    tubes: int = _own(333, "", "arXiv:2307.05152: 20 × 333 pixels")
    efficiency: float = _own(0.97, "probability")
    delta_ray: float = _own(0.05, "probability")
    dead: float = _own(0.01, "probability")
    dead_seed: int = _own(20, "")
    noise: float = _own(2e-4, "probability")
    burst: float = _own(0.05, "per image")
    burst_tubes: float = _own(0.5, "probability")
    card: int = _own(8, "tubes")
    cavern: tuple[float, ...] = _own((0.4, 0.15, 0.2), "Hz/cm² per collision")
    window: float = _own(1.3e-6, "s")
    cluster: float = _own(0.3, "probability")

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = {len(self.stations), len(self.multilayers), len(self.spacers), len(self.cavern)}
        if len(parts) > 1 or not self.stations:
            message = (
                "DriftTubes: stations, multilayers, spacers and cavern have different lengths; give one each"
            )
            raise SettingsError(message)
        if (
            self.tubes < 1
            or self.card < 1
            or min(self.multilayers) < 1
            or not 0 < 2 * self.tube_radius <= self.pitch
        ):
            message = (
                f"DriftTubes: {self.tubes} tubes of radius {self.tube_radius} m, {self.pitch} m apart, "
                f"{self.card} on a card; accepted: 1 tube or more, 1 layer or more, diameters up to the pitch"
            )
            raise SettingsError(message)
        if (np.diff(self.radii()) <= 0).any():
            message = "DriftTubes: the layers of the stations overlap; move the stations apart"
            raise SettingsError(message)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and tubes of an image: 20 × 333."""
        return 2 * sum(self.multilayers), self.tubes

    def station(self) -> NDArray[np.int64]:
        """(layers,) number of the station of each layer."""
        return np.repeat(np.arange(len(self.stations)), 2 * np.array(self.multilayers))

    def multilayer(self) -> NDArray[np.int64]:
        """(layers,) number of the multilayer of each layer."""
        return np.repeat(np.arange(2 * len(self.stations)), np.repeat(self.multilayers, 2))

    def radii(self) -> Floats:
        """(layers,) distance of each layer from the beams in metres."""
        step = self.pitch * np.sqrt(0.75)
        found = []
        for middle, layers, spacer in zip(self.stations, self.multilayers, self.spacers, strict=True):
            outside = spacer / 2 + step * (np.arange(layers) + 0.5)
            found += [middle - outside[::-1], middle + outside]
        return np.concatenate(found).astype(np.float64)

    def first_wire(self) -> Floats:
        """(layers,) z of the wire of tube 0 in metres."""
        return np.asarray(self.pitch * (0.5 + 0.5 * (np.arange(self.shape[0]) % 2)), np.float64)

    def cavern_occupancy(self) -> Floats:
        """(layers,) mean number of cavern clusters in a tube at this pile-up."""
        length = 2 * self.radii() * np.tan(self.half_opening)
        square_centimetres = 1e4 * length * self.pitch
        rate = np.array(self.cavern)[self.station()] * self.pileup * square_centimetres
        occupancy: Floats = rate * self.window
        return occupancy


@dataclass(frozen=True)
class StripPlanes(_Barrel):
    """Resistive-plate chambers of a sector: nine layers of 384 strips, bins of η as seen from the origin.

    Attributes:
        radii: of the layers, three in the inner, four in the middle and two in the outer station.
        stations: number of the station of each layer.
        strips: in a layer.
        eta_max: the strips share out -eta_max to eta_max.
        efficiency: that a layer answers to a muon.
        cluster: that a hit fires the strip next to it, too, on the nearer side; twice with its square.
        noise: that a strip fires by itself.
        cavern: hits per area, time and pile-up collision.
        window: time during which hits count for one event.
        energy_loss: of a muon before the chambers; 0 in the published toy.
    """

    radii: tuple[float, ...] = _own((4.65, 4.70, 4.75, 6.80, 6.84, 7.48, 7.52, 9.84, 9.88), "m")
    stations: tuple[int, ...] = _own((0, 0, 0, 1, 1, 1, 1, 2, 2), "", f"{L0}: 3, 4 and 2 layers")
    strips: int = _own(384, "", f"{L0}: 384 bins of η")
    eta_max: float = _own(1.05, "", ATLAS)
    efficiency: float = _own(0.95, "probability")
    cluster: float = _own(0.3, "probability")
    noise: float = _own(1e-3, "probability")
    cavern: float = _own(0.5, "Hz/cm² per collision")
    window: float = _own(25e-9, "s", "one bunch crossing")
    energy_loss: float = _own(0.0, "GeV", f"toy without calorimeter, as {TOY}")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.radii) != len(self.stations) or len(self.radii) < 1 or (np.diff(self.radii) <= 0).any():
            message = "StripPlanes: give rising radii and the station of each layer"
            raise SettingsError(message)
        if self.strips < 1 or self.eta_max <= 0:
            message = (
                f"StripPlanes: {self.strips} strips up to |η| = {self.eta_max}; give 1 or more, and above 0"
            )
            raise SettingsError(message)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and strips of an image: 9 × 384."""
        return len(self.radii), self.strips

    def place_of(self, eta: Floats) -> Floats:
        """Place of a pseudorapidity among the strips; its integer part is the strip, if there is one."""
        place: Floats = self.strips * (eta + self.eta_max) / (2 * self.eta_max)
        return place

    def eta_of(self, strip: Floats) -> Floats:
        """The inverse of `place_of`; the middle of strip n is at n + 0.5."""
        eta: Floats = 2 * self.eta_max * strip / self.strips - self.eta_max
        return eta

    def occupancy(self) -> Floats:
        """(layers, strips) mean number of noise and cavern hits in a strip at this pile-up."""
        edges = np.sinh(self.eta_of(np.arange(self.strips + 1.0)))
        radii = np.array(self.radii)[:, None]
        area = 1e4 * 2 * radii * np.tan(self.half_opening) * radii * np.diff(edges)[None, :]
        hits: Floats = self.noise + self.cavern * self.pileup * area * self.window
        return hits


def settings_table(detector: DriftTubes | StripPlanes) -> tuple[Setting, ...]:
    """All numbers of a detector with unit and source, for a report.

    >>> [one.name for one in settings_table(DriftTubes()) if one.source.startswith("arXiv:2307.05152")]
    ['tubes']
    """
    return tuple(
        Setting(one.name, getattr(detector, one.name), one.metadata["unit"], one.metadata["source"])
        for one in fields(detector)
    )
