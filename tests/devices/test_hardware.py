from __future__ import annotations

from importlib import resources

import pytest

from nanosieve.devices import (
    KINDS,
    Band,
    Origin,
    Trust,
    devices,
    find_hardware,
    hardware,
    infrastructure,
    parse_hardware,
)
from nanosieve.errors import InputFileError, UnknownNameError
from nanosieve.figure import Provenance

CATALOGUE = (resources.files("nanosieve.devices") / "hardware.yaml").read_text("utf-8")


def test_every_price_and_power_is_a_positive_band_with_its_source() -> None:
    for thing in hardware():
        for band in thing.numbers.values():
            assert 0 < band.low <= band.high
            assert band.origin.source
        assert thing.price.low < thing.price.high, thing.name
        assert (thing.price.unit, thing.power.unit) == ("USD", "W")


def test_only_what_was_read_is_published() -> None:
    for thing in hardware():
        for band in thing.numbers.values():
            published = band.origin.trust is Trust.PUBLISHED
            assert (band.figure.provenance is Provenance.PUBLISHED) == published
        assert thing.price.origin.trust is not Trust.PUBLISHED  # no price was confirmed by a quote
    power = find_hardware("t4").power.figure
    assert (power.value, power.provenance) == (70, Provenance.PUBLISHED)
    assert find_hardware("l4").power.figure.source == "recalled: vendor data sheet"


def test_every_fpga_of_the_device_catalogue_has_a_price() -> None:
    for device in devices():
        for name in (device.name, *device.aliases):
            assert find_hardware(name).name == device.name
        assert find_hardware(device.name).kind == {"chip": "fpga", "card": "fpga-card"}[device.kind]


def test_composed_servers_cost_what_their_parts_do() -> None:
    plain = find_hardware("dual-epyc")
    for name, card, count in (("cms-run3-node", "t4", 2), ("cms-phase2-test-node", "l40s", 4)):
        node, part = find_hardware(name), find_hardware(card)
        assert node.holds[card] == count
        assert node.price.low == plain.price.low + count * part.price.low
        assert node.price.high == pytest.approx(plain.price.high + count * part.price.high, rel=0.01)
        assert node.power.low == plain.power.low + count * part.power.low


def test_no_hardware_draws_more_idle_than_it_can_at_most() -> None:
    everywhere = infrastructure()
    for state in (everywhere.busy, everywhere.idle):
        assert set(state) == set(KINDS)
        assert all(band.high <= 1 for band in state.values())
    assert everywhere.pue.low >= 1


def test_the_middle_of_a_band_is_a_factor_from_both_edges() -> None:
    band = Band(800.0, 2500.0, "USD", Origin(Trust.RECALLED, "market"))
    assert band.middle / band.low == pytest.approx(band.high / band.middle)
    assert band.figure.interval == (800.0, 2500.0)
    assert Band(70.0, 70.0, "W", band.origin).figure.interval is None


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown device 'l40'; nearest: .*l40s"):
        find_hardware("l40")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: [2000, 7900]", "value: [7900, 2000]", r"epyc-7763\.numbers\.price\.value: .* does not rise"),
        (
            "value: [2000, 7900]",
            "value: [0, 7900]",
            r"epyc-7763\.numbers\.price\.value: 0 is not a positive number",
        ),
        ("value: 280", "value: .inf", r"epyc-7763\.numbers\.power\.value"),
        ("      cores:", "      coers:", r"epyc-7763: .*unknown number 'coers'; nearest: cores"),
        ("      power: {value: 280", "      int8: {value: 280", r"epyc-7763: .*power missing"),
        ("aliases: [nvidia-t4]", "aliases: [l4]", r"'l4' stands for two pieces of hardware"),
        ("t4: 2}", "t5: 2}", r"cms-run3-node holds 't5'"),
        ("  busy:\n    cpu:", "  busy:\n    cqu:", r"busy needs one part"),
        ("trust: recalled", "trust: guessed", r"trust: Input should be"),
        ("hardware:", "hardware: [", r"is not YAML"),
    ],
)
def test_a_broken_catalogue_names_the_entry(old: str, new: str, message: str) -> None:
    assert old in CATALOGUE
    with pytest.raises(InputFileError, match=rf"^hardware catalogue 'mine\.yaml'.*{message}"):
        parse_hardware(CATALOGUE.replace(old, new, 1), "mine.yaml")
