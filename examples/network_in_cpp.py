"""Write a small network as C++ for the software of an experiment, and run it there.

Run: python examples/network_in_cpp.py
"""

import subprocess
from pathlib import Path

import numpy as np

from nanosieve.compiler.emulate import emulate_cpp, write_cpp
from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    GreaterEqual,
    Quantize,
    Relu,
    TensorType,
    decode,
    encode,
    interpret,
)
from nanosieve.errors import MissingDependencyError

PROGRAM = """\
#include <cstdio>
#include "trigger.hpp"

int main() {
    namespace trigger = nanosieve::trigger;
    trigger::RealInputs event;
    event.jets = {50.5, 30.0, 12.25, 0.0};  // GeV
    trigger::RealOutputs out;
    const trigger::Status status = trigger::evaluate(event, out);
    if (status != trigger::Status::ok) return 1;
    std::printf("score %g, accept %g\\n", out.score[0], out.accept[0]);
}
"""


def network() -> Graph:
    """Two dense layers and a threshold on four jets; a graph comes from `ns.load` as a rule."""
    rng = np.random.default_rng(1)
    builder = Builder("trigger")
    jets = builder.input("jets", TensorType.of(Fixed(12, 10, signed=False), (4,)))
    hidden = builder.add(Dense(rng.integers(-16, 16, (4, 8)), -4), jets, layer="hidden", part="product")
    hidden = builder.add(Relu(), hidden, layer="hidden", part="relu")
    hidden = builder.add(
        Quantize(TensorType.of(Fixed(8, 8, signed=False), (8,)), "RND", "SAT"), hidden, layer="hidden"
    )
    score = builder.add(Dense(rng.integers(-16, 16, (8, 1)), -4), hidden, layer="score")
    limit = builder.constant(Constant([20], [0]), layer="accept", part="limit")
    accept = builder.add(GreaterEqual(), score, limit, layer="accept")
    return builder.finish({"score": score, "accept": accept})


def main() -> None:
    graph = network()
    folder = Path("cpp")
    header = write_cpp(graph, folder)
    print(f"{header}: {len(header.read_text().splitlines())} lines")

    # The proof: the same codes through the C++ and through the graph.
    events = np.random.default_rng(2).exponential(30, (10_000, 4))
    codes = encode(graph, {"jets": events})
    try:
        found = emulate_cpp(graph, codes, header)
    except MissingDependencyError as error:
        print(error)
        return
    meant = interpret(graph, codes)
    print("equal:", all(np.array_equal(found[name], meant[name]) for name in meant))
    print(f"accepted: {meant['accept'].mean():.1%} of the events")

    # How the software of an experiment calls it.
    (folder / "main.cpp").write_text(PROGRAM)
    subprocess.run(["c++", "-std=c++17", "-O2", "main.cpp", "-o", "main"], cwd=folder, check=True)
    print("C++:  ", subprocess.run([str(folder / "main")], capture_output=True, text=True).stdout, end="")
    one = interpret(graph, encode(graph, {"jets": np.array([[50.5, 30.0, 12.25, 0.0]])}))
    score, accept = (decode(one[name], graph.types[name]).item() for name in ("score", "accept"))
    print(f"graph: score {score:g}, accept {accept:g}")


if __name__ == "__main__":
    main()
