import pytest
import yaml

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.figure import Provenance
from nanosieve.report import published
from nanosieve.report.published import _tables


def test_the_hardware_table_of_the_paper():
    rows = {row.model: row for row in published("2108.03986", "anomaly-hardware")}
    vae = rows["DNN VAE PTQ 8 bit"]
    assert {name: (figure.value, figure.unit) for name, figure in vae.figures.items()} == {
        "DSP": (1, "%"),
        "LUT": (3, "%"),
        "FF": (0.5, "%"),
        "BRAM": (0.3, "%"),
        "latency": (80, "ns"),
        "interval": (5, "ns"),
    }
    assert (vae.device, vae.clock_mhz) == ("VU9P", 200.0)
    assert "HLS" in vae.stage
    assert {figure.provenance for figure in vae.figures.values()} == {Provenance.PUBLISHED}
    assert {figure.source for figure in vae.figures.values()} == {"arXiv:2108.03986 Table III"}
    assert len(rows) == 4


def test_numbers_that_were_not_read_in_the_source_are_not_given_out():
    with pytest.raises(SettingsError, match=r"row 'CNN VAE, R_z' .* is recalled, not read in the source"):
        published("2108.03986", "anomaly-performance")


def test_nothing_but_published_rows_ever_comes_out():
    for table in _tables():
        trusts = {row.trust for row in table.rows}
        if trusts == {"published"}:
            assert published(table.arxiv, table.id)
        else:
            with pytest.raises(SettingsError, match="not read in the source"):
                published(table.arxiv, table.id)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown publication '2108\.0398'; nearest: 2108\.03986"):
        published("2108.0398", "anomaly-hardware")
    with pytest.raises(UnknownNameError, match=r"unknown table .*'hardware'; nearest: anomaly-hardware"):
        published("2108.03986", "hardware")


def test_a_slip_in_the_data_file_is_caught():
    from pydantic import ValidationError

    from nanosieve.report.published import _File

    table = {
        "id": "x",
        "arxiv": "2108.03986",
        "source": "x",
        "rows": [{"model": "m", "trust": "sure", "values": {}}],
    }
    with pytest.raises(ValidationError, match="trust"):
        _File.model_validate(yaml.safe_load(yaml.safe_dump({"format": 1, "tables": [table]})))
