"""The bench around a design: a Verilog wrapper with fixed port names and the C++ program that drives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nanosieve.compiler.verification.folder import Bus, DesignFolder, Layer

__all__ = ["TOP", "Bench"]

TOP = "nanosieve_bench"
"""Name of the wrapper module, and prefix of the C++ classes."""


@dataclass(frozen=True)
class Bench:
    """A design with the wires of its layers brought out beside its outputs."""

    design: DesignFolder

    @property
    def observed(self) -> tuple[Bus | Layer, ...]:
        """What the output words hold: every output bus, then every layer."""
        return (*self.design.outputs, *self.design.layers)

    def wrapper(self) -> str:
        """Verilog of module `TOP`: ``in_0 …`` are the inputs, ``out_0 …`` what is observed."""
        inputs, outputs = self.design.inputs, self.design.outputs
        ports = ["input clk", "input reset", "input valid_in", "output valid_out"]
        ports += [f"input [{bus.width - 1}:0] in_{n}" for n, bus in enumerate(inputs)]
        ports += [f"output [{seen.width - 1}:0] out_{n}" for n, seen in enumerate(self.observed)]
        pins = [f".{name}({name})" for name in ("clk", "reset", "valid_in", "valid_out")]
        pins += [f".{bus.bus}(in_{n})" for n, bus in enumerate(inputs)]
        pins += [f".{bus.bus}(out_{n})" for n, bus in enumerate(outputs)]
        probes = [
            f"  assign out_{n} = dut.{layer.signal};\n"
            for n, layer in enumerate(self.design.layers, start=len(outputs))
        ]
        return (
            f"module {TOP}({', '.join(ports)});\n"
            f"  {self.design.name} dut({', '.join(pins)});\n{''.join(probes)}endmodule\n"
        )

    def driver(self) -> str:
        """The C++ program: reads a record per cycle, writes a record per observed cycle (see `_DRIVER`)."""
        inputs = self._transfers(self.design.inputs, "load(top.in_{n}, in + {at});")
        outputs = self._transfers(self.observed, "store(top.out_{n}, out + {at});")
        return (
            _DRIVER.replace("@TOP@", TOP)
            .replace("@IN_WORDS@", str(word_count(self.design.inputs)))
            .replace("@OUT_WORDS@", str(word_count(self.observed)))
            .replace("@LOAD@", inputs)
            .replace("@STORE@", outputs)
        )

    @staticmethod
    def _transfers(buses: Sequence[Bus | Layer], template: str) -> str:
        lines, at = [], 0
        for n, bus in enumerate(buses):
            lines.append(template.format(n=n, at=at))
            at += word_count((bus,))
        return "\n            ".join(lines)


def word_count(buses: Sequence[Bus | Layer]) -> int:
    """32-bit words of all buses, each starting at a word of its own."""
    return sum(max(1, -(-bus.width // 32)) for bus in buses)


_DRIVER = """\
// Usage: program STIMULUS RESPONSE CYCLES EVERY
// STIMULUS: per cycle one word (bit 0 valid, bit 1 reset) and the input words.
// RESPONSE: per observed cycle its number, valid_out and the output words, seen before the rising edge;
// observed are the cycles after the first with valid_out, or all of them if EVERY is 1.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include "V@TOP@.h"
#include "verilated.h"

template <class Port> void load(Port& port, const uint32_t* words) {
    port = words[0];
    if (sizeof(Port) > 4) port |= static_cast<Port>(static_cast<uint64_t>(words[1]) << 32);
}
template <std::size_t N> void load(VlWide<N>& port, const uint32_t* words) {
    for (std::size_t n = 0; n < N; ++n) port[n] = words[n];
}
template <class Port> void store(const Port& port, uint32_t* words) {
    words[0] = static_cast<uint32_t>(port);
    if (sizeof(Port) > 4) words[1] = static_cast<uint32_t>(static_cast<uint64_t>(port) >> 32);
}
template <std::size_t N> void store(const VlWide<N>& port, uint32_t* words) {
    for (std::size_t n = 0; n < N; ++n) words[n] = port[n];
}

int main(int, char** arguments) {
    std::FILE* stimulus = std::fopen(arguments[1], "rb");
    std::FILE* response = std::fopen(arguments[2], "wb");
    const unsigned long cycles = std::strtoul(arguments[3], nullptr, 10);
    const bool every = arguments[4][0] == '1';
    if (!stimulus || !response) return 2;
    VerilatedContext context;
    context.randReset(2);  // registers wake up with random bits
    context.randSeed(1);
    V@TOP@ top{&context};
    uint32_t in_record[1 + @IN_WORDS@], out_record[2 + @OUT_WORDS@];
    uint32_t *in = in_record + 1, *out = out_record + 2;
    for (unsigned long cycle = 0; cycle < cycles; ++cycle) {
        if (std::fread(in_record, sizeof in_record, 1, stimulus) != 1) return 3;
        top.valid_in = in_record[0] & 1;
        top.reset = in_record[0] >> 1 & 1;
            @LOAD@
        top.clk = 0;
        top.eval();
        if (cycle > 0 && (every || top.valid_out)) {
            out_record[0] = static_cast<uint32_t>(cycle);
            out_record[1] = top.valid_out;
            @STORE@
            if (std::fwrite(out_record, sizeof out_record, 1, response) != 1) return 4;
        }
        top.clk = 1;
        top.eval();
        if (cycle % 1000 == 999) {
            std::printf("%lu\\n", cycle + 1);
            std::fflush(stdout);
        }
    }
    top.final();
    return std::fclose(response) == 0 ? 0 : 4;
}
"""
