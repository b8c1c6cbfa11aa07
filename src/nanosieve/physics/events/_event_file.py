"""The event file that a recipe names, and the Pythia settings that go with one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError

__all__ = ["MATCHING", "EventFile", "makes_hard_processes"]

_PROCESSES = (
    "SoftQCD:", "HardQCD:", "PromptPhoton:", "WeakSingleBoson:", "WeakDoubleBoson:", "WeakBosonExchange:",
    "WeakBosonAndParton:", "PhotonCollision:", "PhotonParton:", "Charmonium:", "Bottomonium:", "Onia:",
    "Top:", "FourthBottom:", "FourthTop:", "FourthPair:", "HiggsSM:", "HiggsBSM:", "SUSY:", "NewGaugeBoson:",
    "LeftRightSymmmetry:", "LeptoQuark:", "ExcitedFermion:", "ContactInteractions:", "HiddenValley:",
    "ExtraDimensionsG*:", "ExtraDimensionsLED:", "ExtraDimensionsUnpart:", "DM:", "SecondHard:",
)  # fmt: skip
"""Groups of Pythia settings whose flags switch on hard processes, the few of `_NO_PROCESS` excepted."""
_NO_PROCESS = (":fsr", ":fragment", ":forcemasssplit", ":running", ":dokinmix", ":sharedtomany")
MATCHING = ("Merging:", "JetMatching:", "POWHEG:")
_FILE_SUFFIXES = {"lhe": (".lhe", ".gz"), "hepmc": (".hepmc", ".hepmc2", ".hepmc3", ".gz")}


class EventFile(BaseModel):
    """A file of events that another program has made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    """Of the file as it lies on disk, hexadecimal."""
    path: Annotated[Path, Field(exclude=True)]
    """Not part of what a sample says of its recipe: the same content gives the same sample anywhere."""

    @classmethod
    def at(cls, path: Path, kind: Literal["lhe", "hepmc"]) -> EventFile:
        """Look at the file.

        Raises:
            InputFileError: missing, a folder, another suffix, or unreadable.
        """
        title = {"lhe": "LHE file", "hepmc": "HepMC file"}[kind]
        file = existing_file(path, kind=title, suffixes=_FILE_SUFFIXES[kind])
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            message = f"{title} {str(path)!r} cannot be read: {error.strerror}; check its permissions"
            raise InputFileError(message) from error
        return cls(name=file.name, sha256=digest, path=file.resolve())


def makes_hard_processes(line: str) -> bool:
    """Whether the Pythia setting ``Key = value`` switches on hard processes or shapes their phase space."""
    key, _, value = (part.strip() for part in line.partition("="))
    if key.startswith("PhaseSpace:"):
        return True
    on = value.lower() in ("on", "yes", "true", "1", "ok")
    return on and key.startswith(_PROCESSES) and not key.lower().endswith(_NO_PROCESS)
