"""The bench around a design: a Verilog wrapper with fixed port names and the C++ program that drives it."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.verification.bits import words
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

    @property
    def write_port(self) -> tuple[tuple[str, int], ...]:
        """Its pins that are driven, and their bits."""
        port = self.design.weights
        return (("valid", 1), ("address", port.address_bits), ("data", port.data_bits)) if port else ()

    @property
    def input_masks(self) -> tuple[int, ...]:
        """The bits that each word has which enters: input buses, then address and data of weights."""
        widths = [bus.width for bus in self.design.inputs] + [bits for _, bits in self.write_port[1:]]
        return tuple((1 << min(32, width - 32 * n)) - 1 for width in widths for n in range(words(width)))

    def wrapper(self) -> str:
        """Verilog of module `TOP`: ``in_0 …`` are the inputs, ``out_0 …`` what is observed."""
        inputs, outputs = self.design.inputs, self.design.outputs
        ports = ["input clk", "input reset", "input valid_in", "output valid_out"]
        ports += [f"input [{bus.width - 1}:0] in_{n}" for n, bus in enumerate(inputs)]
        ports += [f"output [{seen.width - 1}:0] out_{n}" for n, seen in enumerate(self.observed)]
        pins = [f".{name}({name})" for name in ("clk", "reset", "valid_in", "valid_out")]
        if self.design.weights:
            ports += [f"input [{bits - 1}:0] weights_{name}" for name, bits in self.write_port]
            pins += [f".weights_{name}(weights_{name})" for name, _ in self.write_port]
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
        """The C++ program: reads a record per cycle, writes what is wanted of each (see `_DRIVER`)."""
        loads, at = [], 0
        for n, bus in enumerate(self.design.inputs):
            loads.append(f"load(top.in_{n}, in + {at});")
            at += words(bus.width)
        if self.design.weights:
            loads.append("top.weights_valid = control >> 2 & 1;")
            loads += [f"top.weights_{name} = in[{at + n}];" for n, name in enumerate(("address", "data"))]
            at += 2
        masks = ", ".join(f"{mask}u" for mask in self.input_masks)
        stores = [
            f"case {n}: store(top.out_{n}, out); return {words(seen.width)};"
            for n, seen in enumerate(self.observed)
        ]
        return (
            _DRIVER.replace("@TOP@", TOP)
            .replace("@IN_WORDS@", str(at))
            .replace("@MASKS@", masks)
            .replace("@OUT_WORDS@", str(max(words(seen.width) for seen in self.observed)))
            .replace("@LOAD@", "\n        ".join(loads))
            .replace("@STORE@", "\n        ".join(stores))
        )


_DRIVER = """\
// Usage: program CONTROL STIMULUS WANTED RESPONSE VALID CYCLES SEED
// CONTROL: a byte per cycle: bit 0 valid, bit 1 reset, bit 2 a word of weights, bit 3 words enter.
// STIMULUS: for each cycle with bit 3 the input words, and address and data of a word of weights, where the
// design takes them; in the other cycles all bits are random.
// WANTED: pairs of words, a cycle and the number of an output, in the order of the cycles.
// RESPONSE: for every pair the words of that output, seen before the rising edge.
// VALID: the cycles after the first in which valid_out is high.
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
static std::size_t look(const V@TOP@& top, uint32_t number, uint32_t* out) {
    switch (number) {
        @STORE@
    }
    return 0;
}

// Sebastiano Vigna's splitmix64
static uint64_t seed;
static uint64_t noise() {
    uint64_t x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

int main(int, char** arguments) {
    std::FILE* controls = std::fopen(arguments[1], "rb");
    std::FILE* stimulus = std::fopen(arguments[2], "rb");
    std::FILE* wanted = std::fopen(arguments[3], "rb");
    std::FILE* response = std::fopen(arguments[4], "wb");
    std::FILE* valid = std::fopen(arguments[5], "wb");
    const unsigned long cycles = std::strtoul(arguments[6], nullptr, 10);
    seed = std::strtoull(arguments[7], nullptr, 10);
    if (!controls || !stimulus || !wanted || !response || !valid) return 2;
    VerilatedContext context;
    context.randReset(2);  // registers wake up with random bits
    context.randSeed(1);
    V@TOP@ top{&context};
    static const uint32_t mask[] = {@MASKS@};
    uint32_t in[@IN_WORDS@], out[@OUT_WORDS@], next[2];
    bool more = std::fread(next, sizeof next, 1, wanted) == 1;
    for (uint32_t cycle = 0; cycle < cycles; ++cycle) {
        const int control = std::fgetc(controls);
        if (control < 0) return 3;
        if (control >> 3 & 1) {
            if (std::fread(in, sizeof in, 1, stimulus) != 1) return 3;
        } else {
            for (std::size_t n = 0; n < @IN_WORDS@; ++n) in[n] = static_cast<uint32_t>(noise()) & mask[n];
        }
        top.valid_in = control & 1;
        top.reset = control >> 1 & 1;
        @LOAD@
        top.clk = 0;
        top.eval();
        for (; more && next[0] == cycle; more = std::fread(next, sizeof next, 1, wanted) == 1) {
            const std::size_t size = look(top, next[1], out);
            if (std::fwrite(out, sizeof *out, size, response) != size) return 4;
        }
        if (cycle > 0 && top.valid_out && std::fwrite(&cycle, sizeof cycle, 1, valid) != 1) return 4;
        top.clk = 1;
        top.eval();
        if (cycle % 1000 == 999) {
            std::printf("%lu\\n", static_cast<unsigned long>(cycle) + 1);
            std::fflush(stdout);
        }
    }
    top.final();
    return std::fclose(response) == 0 && std::fclose(valid) == 0 ? 0 : 4;
}
"""
