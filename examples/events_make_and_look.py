"""Make a small sample of Z → ℓℓ, find the Z in it, and give the trigger its 19 objects.

Run: python examples/events_make_and_look.py [EVENTS]
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import awkward as ak
import numpy as np

from nanosieve.physics.events import make_sample, objects, read_sample


def dimuon_mass(events: ak.Array) -> np.ndarray:
    """Invariant mass of the two leading muons, GeV; muons are massless here."""
    two = events[ak.num(events.Muon_pt) >= 2]
    pt, eta, phi = two.Muon_pt, two.Muon_eta, two.Muon_phi
    cosh = np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])
    return np.sqrt(2 * pt[:, 0] * pt[:, 1] * ak.to_numpy(cosh))


def main(number: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "z.parquet"
        make_sample("z_ll", number, path)
        sample = read_sample(path)
    print(f"z_ll after the lepton filter: {sample.processes['z_ll'].filtered_cross_section}")
    print(f"median mass of muon pairs: {np.median(dimuon_mass(sample.events)):.1f} GeV")
    print(f"trigger input: {objects(sample.events).shape}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
