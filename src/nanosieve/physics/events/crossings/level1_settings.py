"""Thresholds, scales and resolutions of the Level-1 triggers, by detector."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CALORIMETER_TRIGGERS", "MUON_TRIGGERS", "CalorimeterTrigger", "MuonTrigger"]


class CalorimeterTrigger(NamedTuple):
    """Thresholds and scales of one experiment; GeV. The scales were fitted, see ``validation/rates``.

    Attributes:
        step: least significant bit of a cell.
        noise: standard deviation per cell and layer.
        jet_seed, jet_threshold: seed cell and lowest jet handed on.
        jet_donut: subtract the strips around a jet.
        jet_gain: GeV; in |η| < 1.4, 1.4–3.0 and above, jets become pT + gain (1 − exp(−pT / 35 GeV)).
        jet_scale: factor on a corrected jet.
        saturation: highest energy of a cell and layer.
        saturated_met: whether missing energy is at its maximum where a cell is saturated.
        eg_seed, eg_threshold, eg_scale: the same of electron and photon candidates.
        eg_hadronic: largest hadronic over electromagnetic energy of 3 × 3 cells.
        eg_core: smallest part of the electromagnetic 3 × 5 cells in the candidate.
        tau_seed, tau_threshold, tau_scale: the same of tau candidates.
        sum_threshold: lowest cell that counts for missing energy in |η| < 2.5, 2.5–3.0 and above.
        met_scale: factor on missing transverse energy.
        ht_jet, ht_eta: lowest jet and largest |η| that count for HT.
        hadronic_scale: response to hadrons relative to electrons.
    """

    step: float = 0.5
    noise: float = 0.18
    jet_seed: float = 4.0
    jet_threshold: float = 8.0
    jet_donut: bool = True
    jet_gain: tuple[float, float, float] = (13.5, 10.8, 8.0)
    jet_scale: float = 1.004
    saturation: float = 127.5
    saturated_met: bool = True
    eg_seed: float = 2.0
    eg_threshold: float = 5.0
    eg_scale: float = 0.982
    eg_hadronic: float = 0.2
    eg_core: float = 0.8
    tau_seed: float = 4.0
    tau_threshold: float = 10.0
    tau_scale: float = 0.84
    sum_threshold: tuple[float, float, float] = (1.5, 3.0, 5.0)
    met_scale: float = 1.044
    ht_jet: float = 30.0
    ht_eta: float = 2.5
    hadronic_scale: float = 1.0


CALORIMETER_TRIGGERS = {
    "cms": CalorimeterTrigger(),
    "atlas": CalorimeterTrigger(
        step=1.5,
        jet_gain=(-5.0, -5.0, -5.0),
        jet_scale=0.844,
        eg_scale=0.804,
        eg_hadronic=0.1,
        tau_scale=0.685,
        sum_threshold=(3.0, 6.0, 9.0),
        met_scale=0.789,
        hadronic_scale=0.75,
        saturated_met=False,
    ),
}
"""By detector."""


class MuonTrigger(NamedTuple):
    """The muon trigger of one experiment.

    Attributes:
        eta_max: acceptance.
        efficiency: that a muon in it becomes a candidate.
        lowest_pt, lowest_p: GeV; what a muon needs to get through the calorimeter.
        scale: median of measured over true transverse momentum.
        resolution: standard deviation of its logarithm in |η| < 0.8, 0.8–1.2 and above.
        tail: fraction of candidates in the tail.
        tail_slope: mean of the additional logarithm in the tail.
        highest_pt: GeV; where the measurement saturates.
        step: GeV, least significant bit.
    """

    eta_max: float = 2.4
    efficiency: float = 0.95
    lowest_pt: float = 3.0
    lowest_p: float = 5.0
    scale: float = 1.15
    resolution: tuple[float, float, float] = (0.18, 0.22, 0.25)
    tail: float = 0.022
    tail_slope: float = 0.8
    highest_pt: float = 255.0
    step: float = 0.5


MUON_TRIGGERS = {
    "cms": MuonTrigger(),
    "atlas": MuonTrigger(
        efficiency=0.85, lowest_pt=3.5, scale=1.1, resolution=(0.30, 0.36, 0.42), tail=0.059, tail_slope=0.9
    ),
}
"""By detector."""
