"""Project scripts for vendor tools. None of them has run: this package is made without vendor tools."""

from __future__ import annotations

from nanosieve.compiler.hardware.integration.axis import axis_name
from nanosieve.compiler.hardware.integration.interface import Interface
from nanosieve.devices import find_device
from nanosieve.errors import UnknownNameError

__all__ = ["clock_constraints", "kernel_name", "kernel_verilog", "package_script", "vivado_script"]

_UNTESTED = "# untested here: no vendor tool was available"


def part_number(device: str) -> str:
    """The full part number of a device, or an empty text where the catalogue knows none."""
    try:
        found = find_device(device)
    except UnknownNameError:  # a design folder may name a device of another catalogue
        return ""
    return device if device.lower().startswith(f"{found.name}-") else found.part


def clock_constraints(interface: Interface) -> str:
    """``clock.xdc``: the clock of the budget, on whichever clock port the top module has."""
    return (
        f"{_UNTESTED}\n"
        f"create_clock -name clk -period {interface.period_ns:.3f} [get_ports -quiet {{clk aclk ap_clk}}]\n"
    )


def vivado_script(interface: Interface) -> str:
    """``vivado.tcl``: synthesis, placement and routing of the design out of context, with reports."""
    return "\n".join(
        [
            _UNTESTED,
            f"# Synthesis, placement and routing of {interface.name}, out of context.",
            "# Run: vivado -mode batch -source vivado.tcl [-tclargs PART]",
            *_preamble(interface, interface.files),
            "set reports [file join $here reports]",
            "file mkdir $reports",
            "create_project -in_memory -part $part",
            "read_verilog $sources",
            "read_xdc -mode out_of_context [file join $here clock.xdc]",
            f"synth_design -top {interface.name} -part $part -mode out_of_context",
            "write_checkpoint -force [file join $reports synthesised.dcp]",
            "report_utilization -hierarchical -file [file join $reports utilization_synthesised.txt]",
            "opt_design",
            "place_design",
            "phys_opt_design",
            "route_design",
            "write_checkpoint -force [file join $reports routed.dcp]",
            "report_utilization -hierarchical -file [file join $reports utilization_routed.txt]",
            "report_timing_summary -max_paths 10 -file [file join $reports timing.txt]",
            "report_power -file [file join $reports power.txt]",
            "set slack [get_property SLACK [get_timing_paths -max_paths 1 -setup]]",
            f'puts "slack of the slowest path at {interface.period_ns:.3f} ns: $slack ns"',
            "",
        ]
    )


def kernel_name(interface: Interface) -> str:
    """Name of the module with the port names of a Vitis kernel."""
    return interface.unused(f"{interface.name}_kernel")


def kernel_verilog(interface: Interface) -> str:
    """The AXI4-Stream wrapper with the clock and reset names that Vitis asks for, and no other ports."""
    streams = [("s", bus) for bus in interface.inputs] + [("m", bus) for bus in interface.outputs]
    ports, pins = ["input  wire ap_clk", "input  wire ap_rst_n"], [".aclk(ap_clk)", ".aresetn(ap_rst_n)"]
    for side, bus in streams:
        there, back = ("input ", "output") if side == "s" else ("output", "input ")
        stream = f"{side}_axis_{bus.bus}"
        ports += [f"{there} wire [{8 * bus.bytes - 1}:0] {stream}_tdata"]
        ports += [f"{there} wire {stream}_tvalid", f"{back} wire {stream}_tready"]
        ports += [f"{there} wire {stream}_tlast"]
        pins += [
            f".{stream}_{signal}({stream}_{signal})" for signal in ("tdata", "tvalid", "tready", "tlast")
        ]
    return "\n".join(
        [
            "// untested here: no vendor tool was available",
            f"// {kernel_name(interface)}: {axis_name(interface)} as a free-running Vitis kernel.",
            f"module {kernel_name(interface)} (",
            ",\n".join(f"  {port}" for port in ports),
            ");",
            f"  {axis_name(interface)} wrapper (",
            ",\n".join(f"    {pin}" for pin in [*pins, ".framing_error()"]),
            "  );",
            "endmodule",
            "",
        ]
    )


def package_script(interface: Interface) -> str:
    """``package_ip.tcl``: the AXI4-Stream wrapper as an IP, and as a Vitis kernel (``.xo``)."""
    kernel = kernel_name(interface)
    files = (*interface.files, f"axi/{axis_name(interface)}.v", f"vendor/{kernel}.v")
    streams = [f"s_axis_{bus.bus}" for bus in interface.inputs]
    streams += [f"m_axis_{bus.bus}" for bus in interface.outputs]
    return "\n".join(
        [
            _UNTESTED,
            f"# {interface.name} behind AXI4-Stream, as an IP and as a free-running Vitis kernel.",
            "# Run: vivado -mode batch -source package_ip.tcl [-tclargs PART]",
            *_preamble(interface, files),
            "set ip [file join $here ip]",
            f"create_project -force {kernel} [file join $here build] -part $part",
            "add_files -norecurse $sources",
            f"set_property top {kernel} [current_fileset]",
            "update_compile_order -fileset sources_1",
            "ipx::package_project -root_dir $ip -vendor nanosieve -library trigger -taxonomy /UserIP "
            "-import_files -set_current true",
            "set core [ipx::current_core]",
            "ipx::infer_bus_interface ap_clk xilinx.com:signal:clock_rtl:1.0 $core",
            "ipx::infer_bus_interface ap_rst_n xilinx.com:signal:reset_rtl:1.0 $core",
            f"foreach stream {{{' '.join(streams)}}} {{",
            "  ipx::associate_bus_interfaces -busif $stream -clock ap_clk $core",
            "}",
            "ipx::associate_bus_interfaces -clock ap_clk -reset ap_rst_n $core",
            "set_property sdx_kernel true $core",
            "set_property sdx_kernel_type rtl $core",
            "ipx::create_xgui_files $core",
            "ipx::update_checksums $core",
            "ipx::check_integrity $core",
            "ipx::save_core $core",
            f"package_xo -force -xo_path [file join $here {kernel}.xo] -kernel_name {kernel} "
            "-ctrl_protocol ap_ctrl_none -ip_directory $ip",
            "close_project",
            "",
        ]
    )


def _preamble(interface: Interface, files: tuple[str, ...]) -> list[str]:
    """The part, from the command line or the catalogue, and the source files."""
    return [
        f'set part "{part_number(interface.device)}"',
        "if {[info exists argc] && $argc > 0} { set part [lindex $argv 0] }",
        f'if {{$part eq ""}} {{ error "which {interface.device}? give its full part: -tclargs PART" }}',
        "set here [file dirname [file normalize [info script]]]",
        "set sources [list \\",
        *(f"  [file join $here .. {' '.join(file.split('/'))}] \\" for file in files),
        "]",
    ]
