"""What is written beside a design: AXI4-Stream, VHDL and vendor scripts, checked with the tools there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from helpers.behavioural_core import Core
from helpers.designs import hand_design
from nanosieve.compiler.hardware.integration import write_integration
from nanosieve.compiler.hardware.integration.axis import axis_verilog, events_in_flight
from nanosieve.compiler.hardware.integration.interface import Interface
from nanosieve.compiler.hardware.integration.vhdl import vhdl_component, vhdl_name, vhdl_shim, vhdl_template
from nanosieve.compiler.verification.verilator import verilator_root
from nanosieve.errors import UnknownNameError

CORE = Core(9, 3, ((11, 1), (5, 3)), ((13, 2), (8, 3)))
ODD_NAMES = ("signal", "Signal_", "CLK", "a__b")
"""A keyword, one that is the same to VHDL but for the end, a port of ours in capitals, two underscores."""


def manifest_of(core: Core, folder: Path, buses: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    manifest: dict[str, Any] = core.write(folder, **changes)
    for bus, name in zip([*manifest["inputs"], *manifest["outputs"]], buses, strict=False):
        bus["bus"] = name
    (folder / "design.json").write_text(json.dumps(manifest))
    return manifest


def written(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for kind in ("axi", "vhdl", "vendor")
        for path in (folder / kind).rglob("*")
    }


class TestInterface:
    def test_a_bus_without_beats_has_one(self, tmp_path: Path) -> None:
        interface = Interface.of(json.loads((hand_design(tmp_path / "d") / "design.json").read_text()))
        assert [(bus.name, bus.width, bus.bytes, bus.beats) for bus in interface.inputs] == [
            ("a", 8, 1, 1),
            ("b", 72, 9, 1),
        ]
        assert interface.files == ("rtl/hand.v", "rtl/hand_add.v")
        assert interface.inputs[0].elements[1].type == "ufixed<2,2>"

    @pytest.mark.parametrize(
        ("latency", "interval", "beats", "events"),
        [(1, 1, 1, 5), (9, 3, 3, 5), (9, 4, 3, 4), (2, 50, 1, 2), (300, 7, 5, 44)],
    )
    def test_events_in_flight(
        self, latency: int, interval: int, beats: int, events: int, tmp_path: Path
    ) -> None:
        manifest = CORE.write(tmp_path) | {"latency_cycles": latency, "interval_cycles": interval}
        manifest["outputs"] = [Core._bus("y", 8, beats)]
        assert events_in_flight(Interface.of(manifest)) == events

    def test_a_module_of_the_design_keeps_its_name(self, tmp_path: Path) -> None:
        manifest = CORE.write(tmp_path)
        manifest["modules"] |= {"Core_Axis": {"file": "rtl/a.v"}, "core_axis_queue": {"file": "rtl/q.v"}}
        text = axis_verilog(Interface.of(manifest))
        assert set(re.findall(r"^module (\w+)", text, re.MULTILINE)) == {
            "core_axis_2",
            "core_axis_gather",
            "core_axis_queue_2",
        }


class TestFiles:
    def test_what_is_asked_for(self, tmp_path: Path) -> None:
        CORE.write(tmp_path)
        write_integration(tmp_path, ["vhdl"])
        assert written(tmp_path) == {"vhdl/core_component.vhd", "vhdl/core_instance.vhd"}
        (tmp_path / "vhdl" / "mine.txt").write_text("of the user")
        write_integration(tmp_path, ["vendor"])
        vendor = {f"vendor/{name}" for name in ("clock.xdc", "vivado.tcl", "package_ip.tcl", "core_kernel.v")}
        assert written(tmp_path) == {"axi/core_axis.v", "vhdl/mine.txt"} | vendor
        write_integration(tmp_path, [])
        assert written(tmp_path) == {"vhdl/mine.txt"}
        assert not (tmp_path / "axi").exists()

    def test_an_unknown_kind(self, tmp_path: Path) -> None:
        CORE.write(tmp_path)
        with pytest.raises(UnknownNameError, match="unknown kind of integration 'axis'; nearest: axi"):
            write_integration(tmp_path, ["axis"])

    def test_verilog_without_a_warning(self, tmp_path: Path) -> None:
        """Verilator's lint, all warnings on, passes wrapper, kernel and shim of a design with odd names."""
        core = Core(9, 3, CORE.inputs, CORE.outputs, buses=ODD_NAMES)
        core.write(tmp_path)
        write_integration(tmp_path, ["vhdl", "vendor"])
        files = [*(tmp_path / "axi").glob("*.v"), *(tmp_path / "vhdl").glob("*.v")]
        files += [*(tmp_path / "vendor").glob("*.v"), tmp_path / "rtl" / "core.v"]
        assert len(files) == 4
        # the hand-written core is no model of style; widths of counters and parameters are left to the tool
        calm = ["-Wno-WIDTH", "-Wno-DECLFILENAME", "-Wno-UNUSEDSIGNAL", "-Wno-PINCONNECTEMPTY"]
        calm += ["-Wno-BLKSEQ", "-Wno-ALWCOMBORDER"]
        for top in ("core_kernel", "core_vhdl"):
            command = [str(verilator_root() / "bin" / "verilator_bin"), "--lint-only", "-Wall", *calm]
            done = subprocess.run(
                [*command, "--top-module", top, *map(str, files)],
                env={"VERILATOR_ROOT": str(verilator_root())},
                capture_output=True,
                text=True,
            )
            assert (done.returncode, done.stderr) == (0, "")


def parsed_by_vsg(text: str) -> list[str]:
    """Parse with the VHDL parser of VSG and give the component declarations back."""
    vhdl_file = pytest.importorskip("vsg.vhdlFile")
    tokens = vhdl_file.vhdlFile(text.splitlines()).lAllObjects
    return [
        token.value
        for token in tokens
        if type(token).__module__.startswith("vsg.token.component_declaration")
    ]


def refuses(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except Exception:  # noqa: BLE001  # VSG raises what it happens to stumble over
        return True
    return False


class TestVhdl:
    def test_plain_names(self, tmp_path: Path) -> None:
        interface = Interface.of(CORE.write(tmp_path))
        assert vhdl_shim(interface) is None
        text = vhdl_component(interface)
        assert "component core is" in text
        assert "in_1 : in std_logic_vector(4 downto 0);" in text
        assert "y_1 : out std_logic_vector(7 downto 0)\n" in text
        rows = [line.split(maxsplit=3) for line in text.splitlines() if re.match(r"--\s+\d", line)]
        assert len(rows) == 1 + 3 + 2 + 3
        assert "--         2     2  4 downto 0        ufixed<5,2>     ufixed(1 downto -3)" in text

    def test_names_that_vhdl_refuses(self, tmp_path: Path) -> None:
        interface = Interface.of(manifest_of(CORE, tmp_path, ODD_NAMES))
        assert vhdl_name(interface) == "core_vhdl"
        shim, text = vhdl_shim(interface), vhdl_component(interface)
        assert shim is not None
        pins = dict(re.findall(r"\.(\w+)\((\w+)\)", shim))
        assert pins["signal"] == "signal_p"
        assert pins["Signal_"] == "Signal_p_2" or pins["Signal_"].lower() != pins["signal"].lower()
        names = [name.lower() for name in pins.values()]
        assert len(set(names)) == len(names) == 8
        for verilog, vhdl in pins.items():
            assert re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*", vhdl)
            assert re.search(rf"^ +{vhdl} : (in|out) std_logic", text, re.MULTILINE)
            if verilog in ODD_NAMES:
                assert f"port {vhdl} ({verilog} in Verilog)" in text

    @pytest.mark.parametrize("name", ["entity", "Signal", "x_", "a__b"])
    def test_a_design_that_vhdl_cannot_name(self, name: str, tmp_path: Path) -> None:
        manifest = manifest_of(Core(9, 3, name=name), tmp_path)
        interface = Interface.of(manifest)
        assert re.fullmatch(r"([a-z]_?)+_vhdl", vhdl_name(interface).lower())
        assert f"  {name} u_design (" in (vhdl_shim(interface) or "")

    def test_a_port_does_not_hide_what_is_needed(self, tmp_path: Path) -> None:
        buses = ("std_logic", "CORE", "work", "u_design")
        interface = Interface.of(manifest_of(CORE, tmp_path, buses))
        text = vhdl_template(interface).lower()
        declared = set(re.findall(r"^ +(\w+) : (?:in|out) ", text, re.MULTILINE))
        assert declared.isdisjoint({"std_logic", "work", "u_design", "core", "core_vhdl"})
        assert len(declared) == 8

    @pytest.mark.parametrize("buses", [(), ODD_NAMES], ids=["plain", "odd"])
    def test_a_parser_accepts_it(self, buses: tuple[str, ...], tmp_path: Path) -> None:
        interface = Interface.of(manifest_of(CORE, tmp_path, buses))
        text = vhdl_component(interface)
        assert vhdl_name(interface) in parsed_by_vsg(text)
        template = vhdl_template(interface)
        assert not refuses(parsed_by_vsg, template)
        assert refuses(parsed_by_vsg, template.replace("port map", "port"))
        for sound, broken in (("downto 0);", "downto 0;"), ("end component", "end")):
            assert refuses(parsed_by_vsg, text.replace(sound, broken)), sound

    @pytest.mark.skipif(shutil.which("ghdl") is None, reason="needs GHDL")
    @pytest.mark.parametrize("standard", ["93", "08"])
    @pytest.mark.parametrize(
        "buses", [(), ODD_NAMES, ("std_logic", "CORE", "work", "u_design")], ids=["plain", "odd", "hiding"]
    )
    def test_ghdl_analyses_it(self, buses: tuple[str, ...], standard: str, tmp_path: Path) -> None:
        manifest_of(CORE, tmp_path, buses)
        write_integration(tmp_path, ["vhdl"])
        (component,), (instance,) = (tmp_path.glob(f"vhdl/*_{end}.vhd") for end in ("component", "instance"))
        for path in (component, instance):
            done = subprocess.run(
                ["ghdl", "-a", f"--std={standard}", str(path)], cwd=tmp_path, capture_output=True, text=True
            )
            assert (done.returncode, done.stderr) == (0, "")
        instance.write_text(instance.read_text().replace("valid_in => valid_in", "valid_in => valid_input"))
        done = subprocess.run(
            ["ghdl", "-a", f"--std={standard}", str(instance)], cwd=tmp_path, capture_output=True
        )
        assert done.returncode != 0


class TestVendorScripts:
    """No vendor tool is at hand: the scripts run in a Tcl interpreter in which its commands are recorded."""

    def run(self, script: Path, *arguments: str) -> tuple[list[list[str]], Callable[[str], Any]]:
        tkinter = pytest.importorskip("tkinter")
        try:
            tcl = tkinter.Tcl()
        except tkinter.TclError:
            pytest.skip("Tcl does not start")
        tcl.eval(
            "proc unknown {args} { lappend ::calls $args; return [lindex $args 0] }; proc puts {args} {}"
        )
        tcl.setvar("argc", len(arguments))
        tcl.call("set", "argv", arguments)
        tcl.call("source", str(script))
        calls = [[str(word) for word in tcl.splitlist(call)] for call in tcl.splitlist(tcl.getvar("calls"))]
        return calls, lambda name: tcl.splitlist(tcl.getvar(name))

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "a folder with [brackets] and $dollars"
        CORE.write(folder)
        write_integration(folder, ["vendor"])
        return folder

    def test_vivado(self, folder: Path) -> None:
        calls, variable = self.run(folder / "vendor" / "vivado.tcl")
        assert [Path(path).resolve() for path in variable("sources")] == [folder.resolve() / "rtl" / "core.v"]
        order = ["create_project", "read_verilog", "read_xdc", "synth_design", "place_design", "route_design"]
        at = [next(n for n, call in enumerate(calls) if call[0] == command) for command in order]
        assert all(first < second for first, second in pairwise(at))
        synth = calls[at[3]]
        assert synth[synth.index("-top") + 1] == "core"
        assert synth[synth.index("-part") + 1] == "xcvu9p-flgb2104-2l-e"
        constraints = next(call for call in calls if call[0] == "read_xdc")[-1]
        assert "-period 5.000" in Path(constraints).read_text()
        assert (folder / "vendor" / "reports").is_dir()

    def test_package(self, folder: Path) -> None:
        calls, variable = self.run(folder / "vendor" / "package_ip.tcl", "xcu55c-other")
        files = [Path(path) for path in variable("sources")]
        assert all(path.is_file() for path in files)
        assert {path.name for path in files} == {"core.v", "core_axis.v", "core_kernel.v"}
        streams = [call[2] for call in calls if call[:2] == ["ipx::associate_bus_interfaces", "-busif"]]
        ports = re.findall(
            r"(\w+)_tvalid,?$", (folder / "vendor" / "core_kernel.v").read_text(), re.MULTILINE
        )
        assert streams == ports == ["s_axis_in_0", "s_axis_in_1", "m_axis_y_0", "m_axis_y_1"]
        assert next(call for call in calls if call[0] == "create_project")[-1] == "xcu55c-other"
        assert calls[-2][0] == "package_xo"

    def test_the_part_must_be_known(self, tmp_path: Path) -> None:
        CORE.write(tmp_path, device="xcku115")
        write_integration(tmp_path, ["vendor"])
        tkinter = pytest.importorskip("tkinter")
        with pytest.raises(tkinter.TclError, match="which xcku115\\? give its full part"):
            self.run(tmp_path / "vendor" / "vivado.tcl")
        calls, _ = self.run(tmp_path / "vendor" / "vivado.tcl", "xcku115-flvb2104-2-e")
        assert calls[0] == ["create_project", "-in_memory", "-part", "xcku115-flvb2104-2-e"]

    def test_they_say_that_they_are_untested(self, folder: Path) -> None:
        for path in (folder / "vendor").iterdir():
            first = path.read_text().splitlines()[0]
            assert first.lstrip("/# ") == "untested here: no vendor tool was available"

    def test_a_broken_script_is_noticed(self, folder: Path) -> None:
        script = folder / "vendor" / "package_ip.tcl"
        script.write_text(script.read_text().replace("foreach stream {", "foreach stream {{"))
        tkinter = pytest.importorskip("tkinter")
        with pytest.raises(tkinter.TclError):
            self.run(script)
