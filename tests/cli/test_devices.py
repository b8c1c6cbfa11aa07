import json

import pytest

from nanosieve.cli import main
from nanosieve.devices import devices


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


def test_the_table_lists_every_device_and_its_trust(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "devices")
    assert code == 0
    for device in devices():
        assert device.name in out
    assert "1,182,240" in out
    assert "~1,728,000" in out
    assert "=1,303,680" in out
    assert "usable: LUT 70 %, FF 50 %, DSP 80 %" in out


def test_json_carries_the_source_of_every_number(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "devices", "VU9P", "u55c", "--json")
    document = json.loads(out)["devices"]
    assert code == 0
    assert list(document) == ["xcvu9p", "alveo-u55c"]
    assert document["xcvu9p"]["resources"]["lut"] == {
        "value": 1182240,
        "error": None,
        "unit": "LUT",
        "provenance": "published",
        "source": "PolyArch/dsagen2, VU9P resource totals",
    }
    assert document["alveo-u55c"]["resources"]["dsp"]["provenance"] == "estimated"


def test_an_unknown_device_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "devices", "xcvu8p")
    assert (code, out) == (1, "")
    assert err.startswith("error: unknown device 'xcvu8p'; nearest: xcvu9p")
    assert err.count("\n") == 1
