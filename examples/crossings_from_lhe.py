"""Write Z → μμ as a Les Houches event file, and make bunch crossings with pile-up of it.

Run: python examples/crossings_from_lhe.py [EVENTS]
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pythia8mc

from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample

RECIPE = """
name: z_from_a_file
title: "Z → μμ"
lhe: z.lhe
cross_section: {section:.1f} pb
"""


def write_lhe(path: Path, number: int) -> float:
    """Any generator does; here it is Pythia, without showers. Returns the cross section in pb."""
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Print:quiet = on",
        "Beams:eCM = 13000",
        "WeakSingleBoson:ffbar2gmZ = on",
        "PhaseSpace:mHatMin = 60",
        "23:onMode = off",
        "23:onIfAny = 13",
        "PartonLevel:all = off",
        "HadronLevel:all = off",
    ):
        pythia.readString(setting)
    pythia.init()
    writer = pythia8mc.LHAupFromPYTHIA8(pythia.process, pythia.infoPython())
    writer.openLHEF(str(path))
    writer.setInit()
    writer.initLHEF()
    for _ in range(number):
        pythia.next()
        writer.setEvent()
        writer.eventLHEF()
    writer.closeLHEF()
    return pythia.infoPython().sigmaGen() * 1e9


def main(number: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        section = write_lhe(folder / "z.lhe", number)
        (folder / "recipe.yaml").write_text(RECIPE.format(section=section))
        out = folder / "z.parquet"
        make_trigger_sample(str(folder / "recipe.yaml"), number, out, pileup=10.0, pool=200)
        sample = open_trigger_sample(out)
        muons = np.concatenate([block.collections["L1Mu"].counts for block in sample.blocks(["L1Mu"])])
    print(f"cross section: {sample.processes['z_from_a_file'].figures()['cross_section']}")
    print(f"crossings with two Level-1 muons: {(muons >= 2).sum()} of {len(sample)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
