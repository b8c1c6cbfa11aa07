"""Tiny event files with known content: Z → μμ as LHE, a hand-made collision as HepMC."""

import gzip
from pathlib import Path

import numpy as np

Z_MASS = 91.19


def _row(code, status, mothers, colours, momentum, mass):
    numbers = " ".join(f"{value:.10e}" for value in (*momentum, mass))
    return f" {code} {status} {mothers[0]} {mothers[1]} {colours[0]} {colours[1]} {numbers} 0. 9."


def z_to_muons(weight, draw, process=1):
    """One event u ū → Z → μ⁻μ⁺ in the text of LHE."""
    rapidity = draw.uniform(-1.5, 1.5)
    energy, momentum = Z_MASS * np.cosh(rapidity), Z_MASS * np.sinh(rapidity)
    cosine, phi = draw.uniform(-1, 1), draw.uniform(-np.pi, np.pi)
    sine = np.sqrt(1 - cosine**2)
    muons = []
    for sign in (1, -1):
        e, z = Z_MASS / 2, sign * Z_MASS / 2 * cosine
        boosted = (
            z * np.cosh(rapidity) + e * np.sinh(rapidity),
            e * np.cosh(rapidity) + z * np.sinh(rapidity),
        )
        muons.append((*(sign * Z_MASS / 2 * sine * f(phi) for f in (np.cos, np.sin)), *boosted))
    up, down = (energy + momentum) / 2, (energy - momentum) / 2
    rows = [
        _row(2, -1, (0, 0), (101, 0), (0, 0, up, up), 0),
        _row(-2, -1, (0, 0), (0, 101), (0, 0, -down, down), 0),
        _row(23, 2, (1, 2), (0, 0), (0, 0, momentum, energy), Z_MASS),
        _row(13, 1, (3, 3), (0, 0), muons[0], 0),
        _row(-13, 1, (3, 3), (0, 0), muons[1], 0),
    ]
    head = f" 5 {process} {weight:.8e} {Z_MASS} 7.8e-03 0.118"
    return "\n".join(["<event>", head, *rows, "</event>"])


def lhe_text(events=20, strategy=3, weights=None, section=12.5, energy=13_000.0, largest=2.0):
    """A whole Les Houches event file."""
    draw = np.random.default_rng(1)
    beam = f"{energy / 2:.6e}"
    lines = [
        '<LesHouchesEvents version="1.0">',
        "<header>\n<!-- Z to muons -->\n</header>",
        f"<init>\n 2212 2212 {beam} {beam} 0 0 0 0 {strategy} 1\n {section} 0.25 {largest} 1\n</init>",
    ]
    for n in range(events):
        lines.append(z_to_muons(1.0 if weights is None else weights[n], draw))
    return "\n".join([*lines, "</LesHouchesEvents>\n"])


def write_lhe(path: Path, **options):
    """Write `lhe_text`, compressed where the name ends in .gz."""
    data = lhe_text(**options).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def hepmc_event(pyhepmc, number, section=(40.0, 2.0), scale=33.0, weight=2.0, energy=13_000.0, units="GEV"):
    """A muon of 30 + `number` GeV, a neutrino of 5 GeV, and a B that is written twice and decays to pions."""
    unit = {"GEV": 1.0, "MEV": 1000.0}[units]
    event = pyhepmc.GenEvent(getattr(pyhepmc.Units, units), pyhepmc.Units.MM)
    event.event_number = number

    def particle(x, y, z, e, code, status):
        return pyhepmc.GenParticle((x * unit, y * unit, z * unit, e * unit), code, status)

    def vertex(incoming, outgoing, place=(0, 0, 0, 0)):
        point = pyhepmc.GenVertex(place)
        for p in incoming:
            point.add_particle_in(p)
        for p in outgoing:
            point.add_particle_out(p)
        event.add_vertex(point)

    beams = [particle(0, 0, s * energy / 2, energy / 2, 2212, 4) for s in (1, -1)]
    pt = 30.0 + number
    muon = particle(0, -pt, 10, float(np.hypot(pt, 10)), 13, 1)
    copies = [particle(20, 0, 0, 20.7, 511, 2) for _ in range(2)]
    vertex(beams, [copies[0], muon, particle(3, 4, 0, 5, -14, 1)])
    vertex(copies[:1], copies[1:])
    vertex(copies[1:], [particle(15, 0, 0, 15.1, 211, 1), particle(5, 0, 0, 5.6, -211, 1)], (1, 2, 3, 4))
    if section is not None:
        stated = pyhepmc.GenCrossSection()
        event.cross_section = stated
        stated.set_cross_section(section[0] + number, section[1], number + 1, number + 1)
    event.weights = [weight]
    if scale is not None:
        event.attributes["event_scale"] = scale
    return event


def write_hepmc(path: Path, pyhepmc, events=10, version=3, **options):
    """Write events numbered from 0, compressed where the name ends in .gz."""
    pyhepmc.Setup.print_warnings = False  # HepMC 2 is announced as outdated
    with pyhepmc.open(path, "w", format=f"hepmc{version}") as file:
        for n in range(events):
            file.write(hepmc_event(pyhepmc, n, **options))
    return path


def write_recipe(folder: Path, **fields):
    """A recipe of these fields beside the event file."""
    path = folder / "mine.yaml"
    rows = {"name": "mine", "title": "mine", **fields}
    path.write_text("".join(f"{key}: {value}\n" for key, value in rows.items()))
    return path
