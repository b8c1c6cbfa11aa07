"""The bench around a design with AXI4-Stream interfaces: sources and sinks that stall at random."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.hardware.integration.axis import axis_name
from nanosieve.compiler.hardware.integration.interface import Interface
from nanosieve.compiler.verification.bench import TOP, Bench

__all__ = ["StreamBench"]


@dataclass(frozen=True)
class StreamBench(Bench):
    """A design behind its AXI4-Stream wrapper.

    Attributes:
        interface: of the design.
        verilog: of the AXI4-Stream wrapper.
    """

    interface: Interface
    verilog: str

    def wrapper(self) -> str:
        """Verilog of module `TOP` with ports ``s0_tdata …`` and ``m0_tdata …``, and the wrapper."""
        ports, pins = ["input aclk", "input aresetn", "output framing_error"], []
        for side, buses in (("s", self.interface.inputs), ("m", self.interface.outputs)):
            there, back = ("input", "output") if side == "s" else ("output", "input")
            for n, bus in enumerate(buses):
                ports += [f"{there} [{8 * bus.bytes - 1}:0] {side}{n}_tdata"]
                ports += [f"{there} {side}{n}_{signal}" for signal in ("tvalid", "tlast")]
                ports += [f"{back} {side}{n}_tready"]
                pins += [
                    f".{side}_axis_{bus.bus}_{signal}({side}{n}_{signal})"
                    for signal in ("tdata", "tvalid", "tlast", "tready")
                ]
        pins += [f".{signal}({signal})" for signal in ("aclk", "aresetn", "framing_error")]
        return (
            f"module {TOP}({', '.join(ports)});\n"
            f"  {axis_name(self.interface)} dut({', '.join(pins)});\nendmodule\n{self.verilog}"
        )

    def driver(self) -> str:
        """The C++ program; see `_DRIVER`."""
        loads, looks, stores, readies = [], [], [], []
        for n in range(len(self.interface.inputs)):
            loads.append(
                f"top.s{n}_tvalid = sources[{n}].offers; top.s{n}_tlast = sources[{n}].last(); "
                f"load(top.s{n}_tdata, sources[{n}].data());"
            )
            looks.append(f"sources[{n}].taken = top.s{n}_tready;")
        for n in range(len(self.interface.outputs)):
            readies.append(f"top.m{n}_tready = sinks[{n}].ready;")
            stores.append(
                f"sinks[{n}].valid = top.m{n}_tvalid; sinks[{n}].last = top.m{n}_tlast; "
                f"store(top.m{n}_tdata, sinks[{n}].now.data());"
            )
        streams = [*self.interface.inputs, *self.interface.outputs]
        return (
            _DRIVER.replace("@TOP@", TOP)
            .replace("@SOURCES@", str(len(self.interface.inputs)))
            .replace("@SINKS@", str(len(self.interface.outputs)))
            .replace("@WORDS@", ", ".join(str(-(-bus.bytes // 4)) for bus in streams))
            .replace("@BEATS@", ", ".join(str(bus.beats) for bus in streams))
            .replace("@DRIVE@", "\n        ".join([*loads, *readies]))
            .replace("@LOOK@", "\n        ".join([*looks, *stores]))
        )


_DRIVER = """\
// Usage: program STIMULUS RESPONSE EVENTS SEED SOURCE SINK LONG PATIENCE RESET
// STIMULUS: stream by stream, beat by beat, the words of all events.
// RESPONSE: per beat the number of the output, the cycle, tlast, and the words.
// SOURCE, SINK: chance in 1000 that a stall begins after a beat; one in (8 × beats of the bus) is LONG.
// PATIENCE: cycles in which no beat moves, neither in nor out, after which the program gives up.
// RESET: cycle of a reset, after which all events are sent again; 0 for none.
// It ends with 10 if a stream breaks the protocol, 11 after a reset that left a beat on an output, 12 if
// framing_error rises; else with 0, whether all beats came or not.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "V@TOP@.h"
#include "verilated.h"

using Words = std::vector<uint32_t>;
static const int word_counts[] = {@WORDS@}, beat_counts[] = {@BEATS@};

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

static uint64_t state;
static uint32_t random_below(uint32_t limit) {  // xorshift
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return static_cast<uint32_t>((state >> 16) % limit);
}
struct Stall {
    uint32_t chance, longest, beats, left = 0;
    bool free() { return left == 0 || left-- == 0; }
    void after_beat() {
        if (random_below(1000) < chance) left = random_below(8 * beats) ? 1 + random_below(4) : longest;
    }
};
struct Source {
    Words words;
    std::size_t width, beats, at = 0;
    Stall stall;
    Words noise;
    bool offers = false, taken = false;
    const uint32_t* data() {
        if (offers) return &words[at * width];
        for (auto& word : noise) word = random_below(1u << 31) << 1;
        return noise.data();
    }
    bool last() const { return offers ? at % beats == beats - 1 : random_below(2); }
    void prepare() { offers = offers || (at * width < words.size() && stall.free()); }
    void clock() {
        if (!offers || !taken) return;
        offers = false;
        ++at;
        stall.after_beat();
    }
};
struct Sink {
    Stall stall;
    bool ready = false, valid = false, last = false, was_held = false, was_last = false;
    Words now, held;
    void prepare() { ready = stall.free(); }
};

int main(int, char** arguments) {
    std::FILE* stimulus = std::fopen(arguments[1], "rb");
    std::FILE* response = std::fopen(arguments[2], "wb");
    if (!stimulus || !response) return 2;
    auto number = [&](int n) { return static_cast<uint32_t>(std::strtoul(arguments[n], nullptr, 10)); };
    const std::size_t events = number(3);
    state = 0x9e3779b97f4a7c15u ^ (uint64_t(number(4)) << 20);
    const uint32_t longest = number(7), patience = number(8), reset_at = number(9);
    std::vector<Source> sources(@SOURCES@);
    std::vector<Sink> sinks(@SINKS@);
    for (std::size_t n = 0; n < sources.size(); ++n) {
        auto& source = sources[n];
        source.width = word_counts[n];
        source.beats = beat_counts[n];
        source.stall = {number(5), longest, static_cast<uint32_t>(source.beats)};
        source.noise.resize(source.width);
        source.words.resize(events * source.beats * source.width);
        const std::size_t size = source.words.size();
        if (std::fread(source.words.data(), 4, size, stimulus) != size) return 3;
    }
    std::size_t due = 0;
    for (std::size_t n = 0; n < sinks.size(); ++n) {
        const std::size_t stream = sources.size() + n;
        sinks[n].stall = {number(6), longest, static_cast<uint32_t>(beat_counts[stream])};
        sinks[n].now.resize(word_counts[stream]);
        due += events * beat_counts[stream];
    }
    VerilatedContext context;
    context.randReset(2);  // registers wake up with random bits
    context.randSeed(1);
    V@TOP@ top{&context};
    std::size_t seen = 0;
    uint32_t quiet = 0;
    // after the last beat some cycles more, for beats that nobody expects
    for (uint32_t cycle = 0; cycle <= reset_at || quiet < (seen < due ? patience : longest); ++cycle) {
        ++quiet;
        const uint32_t since = reset_at && cycle >= reset_at ? cycle - reset_at : cycle;
        const bool reset = since < 3;
        if (since == 0) {
            for (auto& source : sources) source.at = source.offers = 0;
            seen = quiet = 0;
        }
        for (auto& source : sources) if (!reset) source.prepare();
        for (auto& sink : sinks) sink.prepare();
        top.aresetn = !reset;
        @DRIVE@
        top.aclk = 0;
        top.eval();
        @LOOK@
        if (!reset && top.framing_error) return 12;
        for (std::size_t n = 0; n < sinks.size(); ++n) {
            auto& sink = sinks[n];
            if (reset) {
                if (since == 2 && sink.valid) return 11;
                sink.was_held = false;
                continue;
            }
            const bool same = sink.valid && sink.last == sink.was_last && sink.now == sink.held;
            if (sink.was_held && !same) return 10;
            sink.was_held = sink.valid && !sink.ready;
            sink.was_last = sink.last;
            sink.held = sink.now;
            if (sink.valid && sink.ready) {
                const uint32_t head[] = {static_cast<uint32_t>(n), cycle, sink.last};
                std::fwrite(head, sizeof head, 1, response);
                std::fwrite(sink.now.data(), 4, sink.now.size(), response);
                sink.stall.after_beat();
                ++seen;
                quiet = 0;
            }
        }
        for (auto& source : sources) {
            if (reset) continue;
            if (source.offers && source.taken) quiet = 0;
            source.clock();
        }
        top.aclk = 1;
        top.eval();
    }
    top.final();
    return std::fclose(response) == 0 ? 0 : 4;
}
"""
