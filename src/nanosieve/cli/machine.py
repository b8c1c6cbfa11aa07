"""``nanosieve machine``: luminosity, pile-up, rare processes and data volumes of a collider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from nanosieve._files import output_folder
from nanosieve.cli._options import by_name
from nanosieve.cli._terminal import echo_json, show_table
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.units import magnitude

if TYPE_CHECKING:
    from nanosieve.physics.data_volumes import DataVolume, LiveTime
    from nanosieve.physics.machine import Beam, Collisions
    from nanosieve.physics.rarity import Process, Rarity

__all__ = ["command"]

_LUMINOSITY, _SCHEME, _ENERGY = 2e34, "lhc-2544-48b", 13.0  # cm⁻² s⁻¹, TeV

_TITLES = {
    "luminosity": "luminosity",
    "pileup": "pile-up",
    "bunches": "colliding bunches",
    "sigma_inelastic": "inelastic cross section",
    "slot_rate": "bunch slots, filled or not",
    "crossing_rate": "filled crossings",
    "interaction_rate": "inelastic collisions",
}


@click.command("machine", short_help="luminosity, pile-up, rare processes and data volumes")
@click.option("--luminosity", metavar="L", help="Instantaneous luminosity [default: 2e34 /cm2/s].")
@click.option("--pileup", metavar="MU", help="Inelastic collisions per filled crossing, instead of it.")
@click.option(
    "--beam",
    "beam_text",
    metavar="BEAM",
    help="Beams that make the luminosity: lhc-design, or with other values, 'design, beta_star=0.3 m'.",
)
@click.option("--bunches", type=int, help="Colliding bunches [default: those of the scheme or the beams].")
@click.option(
    "--scheme",
    metavar="NAME",
    help="Filling scheme: lhc-2544-48b, lhc-2748, hl-lhc-2760, uniform-N [default: lhc-2544-48b].",
)
@click.option("--energy", metavar="E", help="Of the two protons together [default: 13 TeV].")
@click.option("--sigma-inelastic", default="80 mb", show_default=True, help="What pile-up is defined with.")
@click.option("--process", "names", metavar="NAME", multiple=True, help="A process; again for others.")
@click.option(
    "--cross-section", "own", metavar="NAME=VALUE", multiple=True, help="A process of your own, LQ='5.8 fb'."
)
@click.option("--event-size", default="2 MB", show_default=True, help="Of one event, at every level.")
@click.option("--level1-rate", default="100 kHz", show_default=True, help="Accepted by Level-1.")
@click.option("--hlt-rate", default="1 kHz", show_default=True, help="Accepted by the high-level trigger.")
@click.option("--live-time", metavar="T", help="Time with collisions in a year, instead of the next two.")
@click.option("--days", type=float, help="Days of proton collisions in a year [default: 200].")
@click.option("--duty", type=float, help="Part of them in which data are taken [default: 0.5].")
@click.option("--compare", type=click.Path(path_type=Path), help="Your own YAML file of data volumes.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for data_volumes.png and .svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with the provenance of every number.")
def command(
    luminosity: str | None,
    pileup: str | None,
    beam_text: str | None,
    bunches: int | None,
    scheme: str | None,
    energy: str | None,
    sigma_inelastic: str,
    names: tuple[str, ...],
    own: tuple[str, ...],
    event_size: str,
    level1_rate: str,
    hlt_rate: str,
    live_time: str | None,
    days: float | None,
    duty: float | None,
    compare: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Numbers around a trigger: from luminosity or pile-up to rates, rare processes and data volumes.

    Plain numbers are in cm⁻² s⁻¹ (--luminosity), mb (--sigma-inelastic) and s (--live-time).
    A pile-up quoted with 69.2 mb needs --sigma-inelastic '69.2 mb': 15 % in luminosity.
    ~ marks a value that was quoted from memory and not verified.

    \b
    Example:
      nanosieve machine
      nanosieve machine --pileup 200 --scheme hl-lhc-2760 --energy 14TeV --event-size 7.4MB
      nanosieve machine --beam 'design, beta_star=0.3 m' --cross-section LQ='5.8 fb'
      nanosieve machine --luminosity 7.5e34 --bunches 2760 --live-time 1e7s --out out/machine
    """
    from nanosieve.physics.data_volumes import data_volumes, read_references, references
    from nanosieve.physics.machine import find_beam
    from nanosieve.physics.rarity import rarity

    beam = None if beam_text is None else find_beam(beam_text)
    bunches = _bunches(bunches, scheme, beam)
    made = _collisions(bunches, luminosity, pileup, sigma_inelastic, beam)
    total = _energy(energy, beam)
    needles = [rarity(process, made) for process in _processes(names, own, total)]
    year = _year(live_time, days, duty)
    volumes = data_volumes(
        made, event_size=event_size, level1_rate=level1_rate, hlt_rate=hlt_rate, live_time=year
    )
    others = references() if compare is None else read_references(compare)
    if as_json:
        echo_json(_document(made, beam, needles, volumes, year, total))
    else:
        _show(made, beam, needles, volumes, year, f"{total:g} TeV", event_size)
    if out is not None:
        from nanosieve.report.data_volumes import write_data_volume_chart

        conditions = f"{event_size} per event, {bunches} bunches"
        png, svg = write_data_volume_chart(
            output_folder(out), volumes, others, live_time=year, conditions=conditions
        )
        click.echo(f"figure written to {png} and {svg.name}", err=as_json)


def _plain(text: str) -> str | float:
    """A number where the user wrote no unit, which is then the one in the help."""
    try:
        return float(text)
    except ValueError:
        return text


def _bunches(bunches: int | None, scheme: str | None, beam: Beam | None) -> int:
    """Colliding bunches; option, scheme and beams must not contradict each other."""
    from nanosieve.physics.machine import find_scheme

    said = {}
    if bunches is not None:
        said["--bunches"] = bunches
    if scheme is not None:
        said[f"--scheme {scheme}"] = find_scheme(scheme).bunches
    if beam is not None:
        said["--beam"] = beam.bunches
    if len(set(said.values())) > 1:
        words = " and ".join(f"{option} ({number})" for option, number in said.items())
        message = f"numbers of bunches contradict each other: {words}; give one, or 'design, bunches=2544'"
        raise SettingsError(message)
    return next(iter(said.values())) if said else find_scheme(_SCHEME).bunches


def _collisions(
    bunches: int, luminosity: str | None, pileup: str | None, sigma_inelastic: str, beam: Beam | None
) -> Collisions:
    from nanosieve.physics.machine import collisions

    given = None if luminosity is None else _plain(luminosity)
    sigma = _plain(sigma_inelastic)
    if beam is not None:
        if given is not None:
            said = collisions(bunches, luminosity=given).luminosity
            if abs(said / beam.luminosity - 1) > 0.01:
                message = (
                    f"--luminosity {said:.4g} and --beam contradict each other: these beams make "
                    f"{beam.luminosity:.4g} /cm2/s; leave one out"
                )
                raise SettingsError(message)
        given = beam.luminosity
    elif given is None and pileup is None:
        given = _LUMINOSITY
    mu = None if pileup is None else _plain(pileup)
    return collisions(bunches, luminosity=given, pileup=mu, sigma_inelastic=sigma)


def _energy(energy: str | None, beam: Beam | None) -> float:
    """Centre-of-mass energy in TeV."""
    from nanosieve.physics._quantity import positive

    of_beams = None if beam is None else 2 * magnitude(beam.energy, "TeV", name="beam: energy")
    if energy is None:
        return _ENERGY if of_beams is None else of_beams
    total = positive(_plain(energy), "TeV", name="--energy", example="13 TeV")
    if of_beams is not None and abs(total / of_beams - 1) > 0.01:
        message = (
            f"--energy {energy} and --beam contradict each other: two beams of {of_beams / 2:g} TeV "
            f"collide at {of_beams:g} TeV; leave --energy out or write --beam 'design, "
            f"energy={total / 2:g} TeV'"
        )
        raise SettingsError(message)
    return total


def _processes(names: tuple[str, ...], own: tuple[str, ...], total: float) -> list[Process]:
    """Those that were asked for; without a wish, all that are tabulated at this energy."""
    from nanosieve.physics.rarity import find_process, own_process, processes

    energy = f"{total:g} TeV"
    chosen = [find_process(name, energy) for name in names]
    chosen += [own_process(name, _plain(text)) for name, text in by_name("--cross-section", own).items()]
    return chosen or list(processes(energy))


def _year(live_time: str | None, days: float | None, duty: float | None) -> LiveTime:
    from nanosieve.physics.data_volumes import LiveTime

    if live_time is not None:
        if days is not None or duty is not None:
            message = "--live-time replaces --days and --duty; give either the one or the others"
            raise SettingsError(message)
        return LiveTime.from_seconds(_plain(live_time))
    usual = LiveTime()
    return LiveTime(usual.days if days is None else days, usual.duty if duty is None else duty)


def _show(
    made: Collisions,
    beam: Beam | None,
    needles: Sequence[Rarity],
    volumes: Sequence[DataVolume],
    year: LiveTime,
    energy: str,
    event_size: str,
) -> None:
    figures = made.figures()
    show_table(f"Collisions at {energy} (estimated)", ["quantity", "value", "unit"], [
        [title, figures[name].number(), figures[name].unit] for name, title in _TITLES.items()
    ])  # fmt: skip
    if beam is not None:
        click.echo(
            f"~ beams from values recalled, not verified: σ* {beam.beam_size:.3g} µm, "
            f"geometric factor {beam.geometric_factor:.3g} (estimated)"
        )
    if needles:
        columns = ["process", "σ [pb]", "events / h", "collisions / event", "crossings / event"]
        show_table("Needles in the haystack (estimated from the cross section)", columns, [
            [
                escape(needle.process.name),
                _cross_section(needle.process),
                _rounded(needle.per_hour),
                _rounded(needle.interactions),
                _rounded(needle.crossings),
            ]
            for needle in needles
        ])  # fmt: skip
    else:
        click.echo(f"no cross section is tabulated at {energy}; give --cross-section NAME='50 pb'")
    columns = ["stage", "rate [kHz]", "data rate [TB/s]", "volume [EB/year]"]
    show_table(f"Data volumes with {event_size} per event (estimated)", columns, [
        [volume.name, volume.rate.number(), volume.flow.number(), volume.volume.number()]
        for volume in volumes
    ])  # fmt: skip
    click.echo(f"live time: {year} (assumed)")
    marks = {needle.process.cross_section.provenance for needle in needles}
    if any(not needle.process.verified for needle in needles):
        click.echo("~ recalled, not verified")
    if marks:
        click.echo(
            "cross sections: p published, s simulated, e estimated or your own; --json names the source"
        )


def _rounded(figure: Figure) -> str:
    """Three digits, as many as the estimate is worth."""
    large = 1e3 <= figure.value < 1e7  # what is larger is shown with a power of ten
    return replace(figure, value=float(f"{figure.value:.3g}")).number() if large else figure.number()


def _cross_section(process: Process) -> str:
    mark = str(process.cross_section.provenance)[0]
    return f"{'' if process.verified else '~'}{process.cross_section.number()} {mark}"


def _document(
    made: Collisions,
    beam: Beam | None,
    needles: Sequence[Rarity],
    volumes: Sequence[DataVolume],
    year: LiveTime,
    energy: float,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "energy_tev": energy,
        "collisions": {name: figure.to_dict() for name, figure in made.figures().items()},
        "processes": {
            needle.process.name: {
                "title": needle.process.title,
                "cross_section": needle.process.cross_section.to_dict(),
                "verified": needle.process.verified,
                "rate": needle.rate.to_dict(),
                "per_hour": needle.per_hour.to_dict(),
                "interactions_per_event": needle.interactions.to_dict(),
                "crossings_per_event": needle.crossings.to_dict(),
            }
            for needle in needles
        },
        "live_time": year.seconds.to_dict(),
        "data_volumes": {
            volume.name: {
                "rate": volume.rate.to_dict(),
                "data_rate": volume.flow.to_dict(),
                "volume": volume.volume.to_dict(),
            }
            for volume in volumes
        },
    }
    if beam is not None:
        document["beam"] = {
            "beam_size": Figure(beam.beam_size, "µm", Provenance.ESTIMATED).to_dict(),
            "geometric_factor": Figure(beam.geometric_factor, "", Provenance.ESTIMATED).to_dict(),
        }
    return document
