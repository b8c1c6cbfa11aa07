"""Names that Verilog accepts for the names that a user gave."""

from __future__ import annotations

import re

from nanosieve._names import UniqueNames, plain

__all__ = ["Names", "identifier"]

_KEYWORDS = """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
    begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
    clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
    default defparam design disable dist do edge else end endcase endchecker endclass endclocking
    endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
    endproperty endsequence endspecify endtable endtask enum event eventually expect export extends
    extern final first_match for force foreach forever fork forkjoin function generate genvar global
    highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
    initial inout input inside instance int integer interconnect interface intersect join join_any
    join_none large let liblist library local localparam logic longint macromodule matches medium
    modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
    output package packed parameter pmos posedge primitive priority program property protected pull0
    pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
    rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
    rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
    showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
    super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
    timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
    unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order
    wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
_PORTS = "clk reset valid_in valid_out busy start capture in out constants constants_words nanosieve_delay"
_TAKEN = frozenset(f"{_KEYWORDS} {_PORTS}".split())
"""The words of SystemVerilog (IEEE 1800-2017), which tools read ``.v`` files as, and our own ports."""

_INTERNAL = re.compile(
    r"n\d+(_s\d+)?|a\d+(_[dc]\d+)?|p\d+|(line|cycle|select|load|table|arrive|slot)_?\d.*|(arrive|slot)_.*|u_.*|nanosieve_.*|weights(_.*)?"
)
"""How the wires inside a module and the instances and the library modules are named."""


def identifier(name: str) -> str:
    """A Verilog identifier for the user's `name`, without double underscores, which are for our own names.

    >>> identifier("block/dense-1"), identifier("2nd"), identifier("out"), identifier("n1")
    ('block_dense_1', 'l_2nd', 'l_out', 'l_n1')
    """
    text = plain(name)
    taken = text[0].isdigit() or text in _TAKEN or _INTERNAL.fullmatch(text)
    return f"l_{text}" if taken else text


class Names(UniqueNames):
    """Identifiers that differ."""

    def __init__(self) -> None:
        super().__init__(identifier)
