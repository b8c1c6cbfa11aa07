"""Event displays of the muon chambers: what was hit, and what has been there in truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError
from nanosieve.physics.events.muon_chambers import (
    Backgrounds,
    DriftTubes,
    FragmentPattern,
    LongLivedGun,
    StripPlanes,
    fragments_of,
)
from nanosieve.physics.events.muon_chambers.decays import gun_decays
from nanosieve.physics.events.muon_chambers.drift_tube_hits import drift_tube_images
from nanosieve.physics.events.muon_chambers.simulation import decay_tracks, strip_tracks
from nanosieve.physics.events.muon_chambers.strip_hits import strip_images
from nanosieve.physics.events.muon_chambers.tracks import Tracks, crossings, paths
from nanosieve.report.style import (
    BACKGROUND,
    INK,
    PALETTE,
    Drawing,
    Key,
    Margins,
    headline,
    panel,
    write_picture,
)

__all__ = ["DecayEvent", "StripEvent", "decay_display", "decay_examples", "strip_display", "strip_example"]

WIDE = (560.0, 230.0)
FIRE, TRUE, SEED = PALETTE[0], PALETTE[2], PALETTE[1]
_MARGINS = Margins(left=46, right=18, bottom=38, top=24)
OUTERMOST = 10.6
"""m; where displays end."""


@dataclass(frozen=True)
class DecayEvent:
    """One image of drift tubes with its truth.

    Attributes:
        title: what it is.
        image: (layers, tubes) of 0 and 1.
        tracks: true particles.
        decay: radius and z of the decay in metres; none for backgrounds.
    """

    title: str
    image: NDArray[Any]
    tracks: Tracks
    decay: tuple[float, float] | None = None


@dataclass(frozen=True)
class StripEvent:
    """One image of resistive plates with its muon.

    Attributes:
        title: what it is.
        image: (layers, strips) of 0 and 1.
        tracks: the muon.
        pt, eta: of it at the origin; GeV.
    """

    title: str
    image: NDArray[Any]
    tracks: Tracks
    pt: float
    eta: float
    pattern: FragmentPattern = field(default_factory=FragmentPattern)


def decay_examples(
    detector: DriftTubes | None = None,
    *,
    multiplicities: Sequence[int] = (2, 6, 10),
    seed: int = 3,
    candidates: int = 60,
) -> list[DecayEvent]:
    """A decay with each number of tracks, a muon, a jet and noise, simulated for a display.

    Of some candidates the one is taken of which most tracks reach the outer station, so that there is
    something to see.

    Args:
        multiplicities: charged particles of the decays.
        candidates: decays to choose from.
    """
    detector, backgrounds = detector or DriftTubes(), Backgrounds()
    draw = np.random.default_rng(seed)
    shown = []
    for number in multiplicities:
        gun = LongLivedGun(radius=(4.6, 7.0), tracks=(number, number))
        found = gun_decays(candidates, gun, detector.half_opening, len(detector.stations), draw)
        images, _ = drift_tube_images(found.tracks, candidates, detector, draw)
        best = _farthest(found.tracks, candidates, detector)
        title = f"Long-lived particle → {number} tracks, L_r = {found.radius[best]:.1f} m"
        place = (float(found.radius[best]), float(found.z[best]))
        shown.append(DecayEvent(title, images[best], found.tracks[found.tracks.image == best], place))
    for label, title in (
        ("muon", "Muon of the collision, {pt:.0f} GeV"),
        ("punch-through", "Jet that leaves the calorimeter, {tracks} tracks"),
        ("noise", "Noise and cavern only"),
    ):
        found = decay_tracks(label, 8, detector, LongLivedGun(), backgrounds, None, seed, draw)
        images, _ = drift_tube_images(found.tracks, 8, detector, draw)
        best = _farthest(found.tracks, 8, detector)
        words = title.format(pt=found.pt[best], tracks=found.number[best])
        shown.append(DecayEvent(words, images[best], found.tracks[found.tracks.image == best]))
    return shown


def _farthest(tracks: Tracks, number: int, detector: DriftTubes) -> int:
    """The image with most tracks in the outer station."""
    last = detector.radii()[-1:]
    met = crossings(tracks, last, np.array([-1]), detector)
    seen = (met.z > 0) & (met.z < detector.tubes * detector.pitch)
    return int(np.bincount(tracks.image[met.track[seen]], minlength=number).argmax())


def strip_example(
    pt: float = 6.0, eta: float = 0.42, detector: StripPlanes | None = None, *, seed: int = 2
) -> StripEvent:
    """A muon of `pt` GeV in the resistive plates, simulated for a display."""
    detector = detector or StripPlanes()
    draw = np.random.default_rng(seed)
    tracks = strip_tracks(np.array([pt]), np.array([eta]), np.array([0.0]), detector, draw)
    image = strip_images(tracks, 1, detector, draw)[0].astype(np.uint8)
    return StripEvent(f"Muon of {pt:g} GeV at η = {eta:g}", image, tracks, pt, eta)


def decay_display(
    events: Sequence[DecayEvent], detector: DriftTubes | None = None, *, path: str | Path | None = None
) -> Drawing:
    """One panel for each event: hit tubes where they are, true tracks, and the point of the decay.

    Args:
        path: also write all panels below each other to this ``.png`` or ``.svg``.

    Raises:
        SampleError: no event, or an image of another shape than the detector has.
    """
    detector = detector or DriftTubes()
    wrong = next((event.image.shape for event in events if event.image.shape != detector.shape), None)
    if not events or wrong is not None:
        message = f"{len(events)} events with an image of {wrong}; give events of {detector.shape}"
        raise SampleError(message)
    draws = [_decay_panel(event, detector) for event in events]
    if path is not None:
        write_picture(path, [(draw, WIDE) for draw in draws], margins=_MARGINS)
    panels = tuple(
        panel(draw, label=event.title, size=WIDE, margins=_MARGINS)
        for draw, event in zip(draws, events, strict=True)
    )
    key = (
        Key("hit tube", FIRE, "marker"),
        Key("true track", TRUE, "line"),
        Key("decay", INK, "marker"),
        Key("drift tubes", BACKGROUND, "box"),
    )
    return Drawing(panels, key=key)


def _decay_panel(event: DecayEvent, detector: DriftTubes) -> Callable[[Any], None]:
    radii, first = detector.radii(), detector.first_wire()
    layer, tube = np.nonzero(event.image)
    lines = paths(event.tracks, detector, to=OUTERMOST, points=160)

    def draw(axes: Any) -> None:
        length = detector.tubes * detector.pitch
        for number in range(len(detector.stations)):
            own = radii[detector.station() == number]
            axes.axhspan(own[0] - 0.02, own[-1] + 0.02, color=BACKGROUND, alpha=0.18, linewidth=0)
        axes.axhline(detector.calorimeter_radius, color=BACKGROUND, linewidth=1.0)
        axes.axhspan(3.9, detector.calorimeter_radius, color=BACKGROUND, alpha=0.4, linewidth=0)
        axes.text(length - 0.1, 4.07, "calorimeter", ha="right", va="center", fontsize=8.5)
        for line in lines:
            axes.plot(line[:, 1], line[:, 0], color=TRUE, linewidth=0.9, alpha=0.8, label="_")
        axes.scatter(
            first[layer] + tube * detector.pitch, radii[layer], s=3.2, marker="s", color=FIRE, linewidths=0
        )
        if event.decay is not None:
            axes.plot(event.decay[1], event.decay[0], marker="*", markersize=11, color=INK, linestyle="none")
        _legend(axes, event.decay is not None, bool(lines))
        axes.set_xlim(0, length + 0.1)
        axes.set_ylim(3.9, OUTERMOST)
        axes.set_xlabel("Along the beams, z [m]")
        axes.set_ylabel("Radius [m]")
        headline(axes, event.title)

    return draw


def _legend(axes: Any, decay: bool, tracks: bool) -> None:
    entries = [axes.scatter([], [], s=9, marker="s", color=FIRE, label="hit tube")]
    if tracks:
        entries += axes.plot([], [], color=TRUE, linewidth=1.2, label="true track")
    if decay:
        entries += axes.plot([], [], marker="*", markersize=9, color=INK, linestyle="none", label="decay")
    axes.legend(
        handles=entries, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8.5, frameon=False,
        borderaxespad=0.1, columnspacing=1.0, handletextpad=0.3,
    )  # fmt: skip


def strip_display(
    event: StripEvent, detector: StripPlanes | None = None, *, path: str | Path | None = None
) -> Drawing:
    """Two panels: the whole image with the fragment framed, and the fragment, strip by strip.

    Args:
        path: also write both below each other to this ``.png`` or ``.svg``.

    Raises:
        SampleError: an image of another shape than the detector has.
    """
    detector = detector or StripPlanes()
    cut = fragments_of(event.image[None].astype(np.uint8), detector, event.pattern)
    first, width = int(cut.first[0]), event.pattern.width
    way = paths(event.tracks, detector, to=detector.radii[-1] + 0.05, points=200)[0]
    seen = detector.place_of(np.arcsinh(way[1:, 1] / way[1:, 0]))
    rows = np.interp(way[1:, 0], detector.radii, np.arange(len(detector.radii)) + 0.5)
    on = way[1:, 0] >= detector.radii[0] - 0.02

    def whole(axes: Any) -> None:
        _pixels(axes, event.image, 0, detector)
        axes.plot(seen[on], rows[on], color=TRUE, linewidth=1.0)
        axes.add_patch(_frame(first, width, len(detector.radii)))
        axes.set_xlim(0, detector.strips)
        axes.set_xlabel(f"Strip (η from −{detector.eta_max:g} to {detector.eta_max:g})")
        headline(axes, event.title, f"fragment: strips {first} to {first + width - 1}")

    def close(axes: Any) -> None:
        _pixels(axes, cut.images[0], first, detector)
        axes.plot(seen[on], rows[on], color=TRUE, linewidth=1.4)
        axes.set_xlim(first, first + width)
        axes.set_xticks(np.arange(first, first + width + 1, 2))
        axes.grid(axis="both", linewidth=0.4)
        low, high = detector.eta_of(np.array([first, first + width], dtype=np.float64))
        axes.set_xlabel(f"Strip; η from {low:.3f} to {high:.3f}")
        headline(axes, "Its fragment, 9 × 16", f"seed: {int(cut.height[0])} pivot layers")

    size = (WIDE[0], 200.0)
    if path is not None:
        write_picture(path, [(whole, size), (close, size)], margins=_MARGINS)
    panels = tuple(
        panel(draw, label=label, size=size, margins=_MARGINS)
        for draw, label in ((whole, event.title), (close, f"fragment of {event.title}"))
    )
    key = (Key("hit strip", FIRE, "box"), Key("true track", TRUE, "line"), Key("fragment", SEED, "line"))
    return Drawing(panels, key=key)


def _pixels(axes: Any, image: NDArray[Any], first: int, detector: StripPlanes) -> None:
    layer, strip = np.nonzero(image)
    wide = 1.0 if image.shape[1] < 64 else 2.4  # a pixel of 384 would be too thin to see
    axes.barh(layer + 0.5, wide, left=first + strip + 0.5 - wide / 2, height=0.9, color=FIRE, linewidth=0)
    for number in range(max(detector.stations)):
        axes.axhline(detector.stations.count(number) + _below(detector, number), color=INK, linewidth=0.6)
    axes.set_ylim(0, len(detector.radii))
    axes.set_yticks(np.arange(len(detector.radii)) + 0.5, [str(n) for n in range(len(detector.radii))])
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set_ylabel("Layer")


def _below(detector: StripPlanes, station: int) -> int:
    return sum(one < station for one in detector.stations)


def _frame(first: int, width: int, layers: int) -> Any:
    patches = require("matplotlib.patches", extra="report", purpose="the report")
    return patches.Rectangle((first, 0), width, layers, fill=False, edgecolor=SEED, linewidth=1.6)
