"""High-level trigger objects of the collision of interest: leptons, photons, taus, jets, b-tags, missing pT.

Every object is made of what `nanosieve.physics.events.reconstruction` measures. Real electrons, photons and
taus pass an identification with the efficiencies of `HighLevelTrigger`; what fakes them is taken from the
collision itself, so that its isolation and its spectrum are those of jets: charged hadrons for electrons,
photon pairs of neutral mesons for photons, narrow jets for taus. Only the probability that a fake passes is a
number of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, close_pairs, concatenate
from nanosieve.physics.events._jets import cluster_jets
from nanosieve.physics.events.crossings.collisions import Collisions
from nanosieve.physics.events.detector import Detector, smeared
from nanosieve.physics.events.recipe import LeptonFilter
from nanosieve.physics.events.reconstruction import Measured, charge, measure

__all__ = ["HighLevel", "HighLevelTrigger", "Selected", "high_level"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

WINDOW = LeptonFilter(electron_eta=2.47, muon_eta=2.5, isolated=False)
LEPTON_CONE, TAU_ISOLATION = 0.3, 0.15
PHOTON_CLUSTER = 0.1
FAKE_PT, PHOTON_PT, TAU_PT, JET_PT, LARGE_JET_PT = 5.0, 5.0, 15.0, 15.0, 100.0
"""GeV; lowest objects kept."""
MOST_OBJECTS = 12
BOOST_PT, BOOST_ISOLATION, BOOST_SHARE = 10.0, 0.3, 0.2
JET_RADIUS, MET_JET_PT = 0.4, 20.0
UNDERLYING_EVENT = 4.0
"""GeV per unit of η and φ that the collision of interest leaves itself, and that belongs to its jets."""
DENSITY_BANDS, DENSITY_TILES = np.array([0.0, 1.3, 2.5, 3.2, 5.0]), 8
"""Edges in |η| and number in φ of the tiles that tell the density of pile-up."""


@dataclass(frozen=True)
class HighLevelTrigger:
    """Identification and pile-up terms. Four numbers: very loose, loose, medium, tight.

    Attributes:
        electron: efficiency of a reconstructed electron.
        hadron_as_electron: probability of a charged hadron.
        photon: efficiency of a single photon.
        pair_as_photon: probability of a cluster that holds several photons of one meson or jet.
        tau, jet_as_tau: efficiency of a hadronic tau, and probability of a jet, that is narrow and has 1 to 3
            tracks.
        bottom, charm, light: probabilities of a jet at the working points 40, 60 and 70 %.
        jet_pileup, met_pileup: standard deviation per √μ that pile-up adds to a jet and to each component of
            missing pT where it is not overlaid, GeV.
    """

    electron: tuple[float, float, float, float] = (0.98, 0.95, 0.91, 0.83)
    hadron_as_electron: tuple[float, float, float, float] = (0.02, 0.008, 0.004, 0.0015)
    photon: tuple[float, float, float, float] = (0.99, 0.97, 0.94, 0.88)
    pair_as_photon: tuple[float, float, float, float] = (0.9, 0.7, 0.4, 0.15)
    tau: float = 0.7
    jet_as_tau: float = 0.25
    bottom: tuple[float, float, float] = (0.40, 0.60, 0.70)
    charm: tuple[float, float, float] = (0.01, 0.04, 0.09)
    light: tuple[float, float, float] = (0.0004, 0.0015, 0.004)
    jet_pileup: float = 0.7
    met_pileup: float = 2.0


@dataclass(frozen=True)
class Selected:
    """Objects with what the trigger knows of them, in order of event and falling pT.

    Attributes:
        extra: name → array of the same length, e.g. ``iso``, ``quality``, ``btag``, ``charge``.
    """

    objects: Objects
    extra: dict[str, NDArray[np.float64] | Integers]

    def ordered(self) -> Selected:
        """In order, at most `MOST_OBJECTS` of each event."""
        order = np.lexsort((-self.objects.pt, self.objects.event))
        event = self.objects.event[order]
        first = np.searchsorted(event, event, side="left")
        order = order[np.arange(len(event)) - first < MOST_OBJECTS]
        return Selected(self.objects[order], {name: values[order] for name, values in self.extra.items()})


@dataclass(frozen=True)
class HighLevel:
    """The objects of N collisions.

    Attributes:
        met: (N, 2) missing pT, x and y, in GeV.
        ht: (N,) GeV.
        weights: (N,) of the sampling of fake electrons (see `_fake_qualities`).
    """

    muons: Selected
    electrons: Selected
    photons: Selected
    taus: Selected
    jets: Selected
    large_jets: Selected
    met: Floats
    ht: Floats
    weights: Floats


def high_level(
    collisions: Collisions,
    detector: Detector,
    trigger: HighLevelTrigger,
    draw: np.random.Generator,
    *,
    pileup: float = 0.0,
    others: Objects | None = None,
) -> HighLevel:
    """Measure and select.

    Args:
        pileup: mean number of collisions whose remains are added as noise.
        others: particles of other collisions that are measured along instead; jets are corrected for the
            density that they leave.
    """
    events = len(collisions)
    particles = collisions.particles
    if others is not None:
        particles = concatenate(particles, others)
        particles = particles[np.argsort(particles.event, kind="stable")]
    measured = measure(particles, detector, WINDOW, draw)
    tracks = measured.tracks.in_order()
    clustered = measured.clustered
    jets = cluster_jets(clustered, events, radius=JET_RADIUS, pt=JET_PT - 5.0)
    pt = jets.pt + trigger.jet_pileup * np.sqrt(pileup) * draw.standard_normal(len(jets))
    if others is not None:
        density = _density(clustered, events)[jets.event, _band(jets.eta)] - UNDERLYING_EVENT
        pt -= np.pi * JET_RADIUS**2 * np.maximum(density, 0.0)
    jets = jets.with_pt(pt)[pt > JET_PT].in_order()
    electrons, weights = _electrons(measured, tracks, events, trigger, draw)
    met = _missing(jets, tracks, events)
    met += trigger.met_pileup * np.sqrt(pileup) * draw.standard_normal(met.shape)
    central = jets[(np.abs(jets.eta) < 2.8) & (jets.pt > 30)]
    large = cluster_jets(jets, events, radius=1.0, pt=LARGE_JET_PT) if len(jets) else jets
    isolation = _isolation(measured.muons, tracks, LEPTON_CONE)
    return HighLevel(
        Selected(measured.muons, {"charge": charge(measured.muons.code), "iso": isolation}).ordered(),
        electrons,
        _photons(measured, tracks, detector, trigger, draw),
        _taus(jets, tracks, measured, collisions.flavour, trigger, draw),
        _tagged(jets, collisions.flavour, trigger, draw),
        Selected(large, {"mass": large.mass}).ordered(),
        met,
        np.bincount(central.event, central.pt, minlength=events).astype(np.float64),
        weights,
    )


def _missing(jets: Objects, tracks: Objects, events: int) -> Floats:
    """(N, 2) missing pT: what balances jets and, outside them, the tracks of the vertex.

    Electrons and muons are jets, too, or part of one.
    """
    hard = jets[jets.pt > MET_JET_PT]
    inside, _ = close_pairs(tracks, hard, JET_RADIUS)
    soft = tracks[~np.isin(np.arange(len(tracks)), inside)]
    everything = concatenate(hard, soft)
    axes = (np.cos(everything.phi), np.sin(everything.phi))
    sums = [np.bincount(everything.event, everything.pt * axis, minlength=events) for axis in axes]
    result: Floats = -np.stack(sums, axis=1).astype(np.float64)
    return result


def _band(eta: Floats) -> NDArray[np.int64]:
    return np.searchsorted(DENSITY_BANDS[1:-1], np.abs(eta))


def _density(flow: Objects, events: int) -> Floats:
    """(N, bands) transverse momentum per unit of η and φ: the median of tiles of one band in |η| (GeV)."""
    bands = len(DENSITY_BANDS) - 1
    tile = np.floor((flow.phi + np.pi) / (2 * np.pi) * DENSITY_TILES).astype(np.int64) % DENSITY_TILES
    band, side = _band(flow.eta), (flow.eta > 0).astype(np.int64)
    place = ((flow.event * bands + band) * 2 + side) * DENSITY_TILES + tile
    total = np.bincount(place, flow.pt, minlength=events * bands * 2 * DENSITY_TILES)
    area = np.diff(DENSITY_BANDS) * 2 * np.pi / DENSITY_TILES
    result: Floats = np.median(total.reshape(events, bands, -1), axis=2) / area
    return result


def _isolation(leptons: Objects, tracks: Objects, cone: float, own: float = 0.0) -> Floats:
    """Summed pT of tracks above 1 GeV in the cone, but not within `own`, over the pT of the lepton."""
    around = tracks[tracks.pt > 1.0]
    lepton, track = close_pairs(leptons, around, cone)
    total = np.bincount(lepton, around.pt[track], minlength=len(leptons))
    if own:
        lepton, track = close_pairs(leptons, around, own)
        total -= np.bincount(lepton, around.pt[track], minlength=len(leptons))
    result: Floats = np.maximum(total, 0.0) / np.maximum(leptons.pt, 1e-9)
    return result


def _quality(probabilities: tuple[float, ...], number: int, draw: np.random.Generator) -> Integers:
    """The tightest of nested selections that is passed, -1 for none."""
    passed = draw.random(number)[:, None] < np.array(probabilities)
    result: Integers = (passed.sum(axis=1) - 1).astype(np.int32)
    return result


def _fake_qualities(
    hadrons: Objects,
    isolation: Floats,
    probabilities: tuple[float, float, float, float],
    events: int,
    draw: np.random.Generator,
) -> tuple[Integers, Floats]:
    """The identification that hadrons (in order) pass as electrons, and the weights (N,) of the events.

    A fake is rare, and isolated ones make the rate. In a part `BOOST_SHARE` of the events with an isolated
    hadron the hardest one is a fake, of any quality alike; events weigh the ratio of the true probability of
    the outcome to the one it was drawn with, which leaves every rate as it is.
    """
    quality = _quality(probabilities, len(hadrons), draw)
    candidates = np.flatnonzero((isolation < BOOST_ISOLATION) & (hadrons.pt > BOOST_PT))
    _, first = np.unique(hadrons.event[candidates], return_index=True)
    chosen = candidates[first]
    boosted = draw.random(len(chosen)) < BOOST_SHARE
    value = np.where(boosted, draw.integers(0, len(probabilities), len(chosen)), quality[chosen])
    quality[chosen] = value
    true = -np.diff([1.0, *probabilities, 0.0])
    drawn = (1 - BOOST_SHARE) * true
    drawn[1:] += BOOST_SHARE / len(probabilities)
    weights = np.ones(events)
    weights[hadrons.event[chosen]] = (true / drawn)[value + 1]
    return quality, weights


def _electrons(
    measured: Measured, tracks: Objects, events: int, trigger: HighLevelTrigger, draw: np.random.Generator
) -> tuple[Selected, Floats]:
    real = measured.electrons
    hadrons = tracks[(tracks.pt > FAKE_PT) & (np.abs(tracks.eta) < WINDOW.electron_eta)]
    fake_isolation = _isolation(hadrons, tracks, LEPTON_CONE, own=1e-6)
    fake_quality, weights = _fake_qualities(hadrons, fake_isolation, trigger.hadron_as_electron, events, draw)
    real_quality = _quality(trigger.electron, len(real), draw)
    both = concatenate(real, hadrons)
    quality = np.concatenate([real_quality, fake_quality])
    kept = quality >= 0
    isolation = np.concatenate([_isolation(real, tracks, LEPTON_CONE), fake_isolation])
    fake_charge = np.sign(hadrons.code).astype(np.int32)
    charges = np.concatenate([charge(real.code), fake_charge])
    extra = {"charge": charges[kept], "iso": isolation[kept], "quality": quality[kept]}
    return Selected(both[kept], extra).ordered(), weights


def _photons(
    measured: Measured,
    tracks: Objects,
    detector: Detector,
    trigger: HighLevelTrigger,
    draw: np.random.Generator,
) -> Selected:
    """Clusters around the hardest photons; electrons count as photons, too."""
    photons = measured.photons.in_order()
    inside = np.abs(photons.eta) < WINDOW.electron_eta
    seeds = photons[inside & (photons.pt > 0.5 * PHOTON_PT)]
    seed, other = close_pairs(seeds, seeds, PHOTON_CLUSTER)
    absorbed = np.unique(
        other[(seeds.pt[other] < seeds.pt[seed]) | ((seeds.pt[other] == seeds.pt[seed]) & (other > seed))]
    )
    seeds = seeds[~np.isin(np.arange(len(seeds)), absorbed)]
    seed, photon = close_pairs(seeds, photons, PHOTON_CLUSTER)
    total = np.bincount(seed, photons.pt[photon], minlength=len(seeds)).astype(np.float64)
    single = seeds.pt > 0.95 * total
    energy = total * np.cosh(seeds.eta)
    pt = smeared(energy, detector.ecal_resolution(energy, seeds.eta), draw) / np.cosh(seeds.eta)
    quality = np.where(
        single,
        _quality(trigger.photon, len(seeds), draw),
        _quality(trigger.pair_as_photon, len(seeds), draw),
    ).astype(np.int32)
    electrons = measured.electrons
    quality = np.concatenate([quality, _quality(trigger.photon, len(electrons), draw)]).astype(np.int32)
    both = concatenate(seeds.with_pt(pt), electrons)
    isolation = np.concatenate(
        [_isolation(seeds.with_pt(pt), tracks, LEPTON_CONE), _isolation(electrons, tracks, LEPTON_CONE)]
    )
    kept = (quality >= 0) & (both.pt > PHOTON_PT)
    return Selected(both[kept], {"iso": isolation[kept], "quality": quality[kept]}).ordered()


def _taus(
    jets: Objects,
    tracks: Objects,
    measured: Measured,
    flavour: Objects,
    trigger: HighLevelTrigger,
    draw: np.random.Generator,
) -> Selected:
    """Narrow jets with one to three tracks within ΔR < 0.2 of their axis; electrons and muons are no taus."""
    candidates = jets[(jets.pt > TAU_PT) & (np.abs(jets.eta) < 2.5)]
    leptons = concatenate(measured.electrons, measured.muons).in_order()
    near, _ = close_pairs(candidates, leptons, 0.2)
    candidates = candidates[~np.isin(np.arange(len(candidates)), near)]
    hard = tracks[tracks.pt > 1.0]
    jet, track = close_pairs(candidates, hard, 0.2)
    number = np.bincount(jet, minlength=len(candidates))
    charges = np.bincount(jet, np.sign(hard.code[track]), minlength=len(candidates))
    jet, track = close_pairs(candidates, hard, 0.4)
    within = np.bincount(jet, hard.pt[track], minlength=len(candidates))
    jet, track = close_pairs(candidates, hard, 0.2)
    core = np.bincount(jet, hard.pt[track], minlength=len(candidates))
    real, _ = close_pairs(candidates, flavour[flavour.code == 15].in_order(), 0.3)
    true = np.isin(np.arange(len(candidates)), real)
    passes = draw.random(len(candidates)) < np.where(true, trigger.tau, trigger.jet_as_tau)
    isolation = (within - core) / np.maximum(candidates.pt, 1e-9)
    kept = passes & (number >= 1) & (number <= 3) & (isolation < TAU_ISOLATION)
    return Selected(
        candidates[kept], {"charge": np.sign(charges).astype(np.int32)[kept], "iso": isolation[kept]}
    ).ordered()


def _tagged(
    jets: Objects, flavour: Objects, trigger: HighLevelTrigger, draw: np.random.Generator
) -> Selected:
    label = np.zeros(len(jets), dtype=np.int64)
    for code in (4, 5):
        near, _ = close_pairs(jets, flavour[flavour.code == code].in_order(), 0.3)
        label[near] = code
    rows = np.array([trigger.light, trigger.charm, trigger.bottom])[np.maximum(label - 3, 0)]
    uniform = draw.random(len(jets))[:, None] / np.where(np.abs(jets.eta) < 2.5, 1.0, 1e-9)[:, None]
    points = np.array([40, 60, 70], dtype=np.int32)
    passed = uniform < rows
    tag = np.where(passed.any(axis=1), points[np.argmax(passed, axis=1)], 0).astype(np.int32)
    return Selected(jets, {"mass": jets.mass, "btag": tag}).ordered()
