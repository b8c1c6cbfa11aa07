"""How the C++ is written: names, literals, nothing twice, and what its user relies on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.cpp_graphs import EDGES, STRICT, large, odd_names
from nanosieve._toolchain import compiler_path
from nanosieve.compiler.emulate import to_cpp, write_cpp
from nanosieve.compiler.emulate.cpp_names import comment, port_names
from nanosieve.compiler.emulate.cpp_source import Source, bits_of
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Gather,
    Graph,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)


def recurrent(steps: int) -> Graph:
    """A simple recurrent layer, unrolled."""
    rng = np.random.default_rng(1)
    builder = Builder("recurrent")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (steps, 3)))
    kernel, inner = rng.integers(-60, 60, (3, 8)), rng.integers(-60, 60, (8, 8))
    table = np.round(127 * np.tanh(np.arange(-256, 256) / 64)).astype(int)[np.newaxis]
    tanh = Lookup(table, np.array([-256]), np.array([-7]))
    state = builder.constant(Constant(np.zeros(8), np.full(8, -7)), layer="rnn", part="start")
    for step in range(steps):
        at = f"t{step:03d}"
        now = builder.add(Gather(np.arange(3) + 3 * step), x, layer="rnn", part=f"{at}.x")
        fresh = builder.add(Dense(kernel, -7), now, layer="rnn", part=f"{at}.kernel")
        past = builder.add(Dense(inner, -7), state, layer="rnn", part=f"{at}.inner")
        total = builder.add(Add(), fresh, past, layer="rnn", part=f"{at}.sum")
        cut = Quantize(TensorType.of(Fixed(9, 3), (8,)), Rounding.RND, Overflow.SAT)
        cut = builder.add(cut, total, layer="rnn", part=f"{at}.cut")
        state = builder.add(tanh, cut, layer="rnn", part=f"{at}.state")
    return builder.finish({"y": state})


def test_the_steps_of_a_recurrent_layer_share_weights_and_functions() -> None:
    few, many = to_cpp(recurrent(10)), to_cpp(recurrent(100))
    assert few.count("inline constexpr std::int") == many.count("inline constexpr std::int")
    assert few.count("inline void dense_") == many.count("inline void dense_") == 3  # the first has no past
    assert few.count("inline void elements_") == many.count("inline void elements_")
    assert many.count("// ") > 600
    assert "//   rnn.t099.inner: Dense, 8 " in many
    memory = [text.split("codes16[")[1].split("]")[0] for text in (few, many)]
    assert int(memory[1]) - int(memory[0]) == 3 * 90 + 18  # of the longer input alone, to whole lines


def test_per_element_constants_become_one_number_or_one_row() -> None:
    source = Source()
    assert source.term(np.full((4, 3), 7)) == "7"
    assert source.term(np.tile([1, 2, 3], (4, 1))) == "k0[k % 3]"
    assert source.term(np.array([[1, 2, 3], [1, 2, 4]])) == "k1[k]"
    assert source.term(np.array([5, 6, 5]), care=np.array([True, False, True])) == "5"
    assert source.term(np.array([1, 2, 3])) == "k0[k]"
    assert len(source.arrays) == 2


def test_a_constant_image_of_one_bias_per_channel_takes_one_row() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(8, 8), (32, 32, 4)))
    bias = Constant(np.broadcast_to([3, 1, 4, 1], (32, 32, 4)), np.zeros((32, 32, 4)))
    y = builder.add(Add(), x, builder.constant(bias, layer="add", part="bias"), layer="add")
    assert len(to_cpp(builder.finish({"y": y}))) < 10_000


def test_values_that_are_not_needed_any_more_make_room() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(4, 4), (1000,)))
    for n in range(20):
        y = builder.add(Gather(np.roll(np.arange(1000), 7 * n + 1)), x, layer=f"roll{n}")
        x = builder.add(Relu(), y, layer=f"relu{n}")
    text = to_cpp(builder.finish({"y": x}))
    assert int(text.split("codes16[")[1].split("]")[0]) <= 3 * 1024


@pytest.mark.parametrize(("value", "bits"), [(127, 8), (128, 16), (-32769, 32), (2**31, 64), (-(2**31), 32)])
def test_the_narrowest_integer(value: int, bits: int) -> None:
    assert bits_of(value, narrowest=8) == bits
    assert bits_of(np.array([0, value])) == max(bits, 32)


def test_arithmetic_is_64_bits_wide_only_where_it_has_to_be() -> None:
    def product(bits: int) -> str:
        builder = Builder()
        x = builder.input("x", TensorType.of(Fixed(bits, bits), (4,)))
        return to_cpp(builder.finish({"y": builder.add(Multiply(), x, x, layer="product")}))

    assert "const std::int32_t v0 = x0[k] * x0[k];" in product(16)
    assert "const std::int64_t v0 = static_cast<std::int64_t>(x0[k])" in product(17)


def test_names() -> None:
    names = ["class", "a-b", "a/b", "µ", "2nd", "NULL"]
    assert list(port_names(names).values()) == ["l_class", "a_b", "a_b_2", "l", "l_2nd", "l_NULL"]
    assert comment("a\nb\\\u202e µ") == "a?b?? µ"
    assert "namespace nanosieve::l_class " in to_cpp(odd_names(), "class")
    lines = to_cpp(odd_names()).splitlines()
    assert not [line for line in lines if line.startswith("#error\\") or line.rstrip().endswith("\\")]


def test_the_file_carries_its_name(tmp_path: Path) -> None:
    path = write_cpp(EDGES["trivial"](), tmp_path / "cpp", "my net")
    assert path == tmp_path / "cpp" / "my_net.hpp"
    assert "namespace nanosieve::my_net " in path.read_text()


@pytest.mark.slow
def test_two_files_and_several_threads(tmp_path: Path) -> None:
    write_cpp(recurrent(8), tmp_path)
    write_cpp(large(), tmp_path)
    assert "static thread_local Workspace w;" in (tmp_path / "large.hpp").read_text()
    (tmp_path / "other.cpp").write_text(OTHER)
    (tmp_path / "main.cpp").write_text(MAIN)
    for flag in ("-fsanitize=thread", "-fno-exceptions"):
        command = [
            compiler_path("test"),
            *STRICT,
            "-O1",
            flag,
            "-pthread",
            "main.cpp",
            "other.cpp",
            "-o",
            "main",
        ]
        subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout == "equal\n"


OTHER = """\
#include "recurrent.hpp"
#include "large.hpp"
std::int64_t other(std::int32_t seed);
std::int64_t other(std::int32_t seed) {
    namespace small = nanosieve::recurrent;
    small::Inputs in;
    for (std::size_t k = 0; k < small::input_x::size; ++k)
        in.x[k] = (seed + static_cast<std::int32_t>(k)) % 128;
    small::Outputs out;
    small::Workspace workspace;
    if (small::evaluate(in, out, workspace) != small::Status::ok) return -1;
    nanosieve::large::RealInputs image;
    for (std::size_t k = 0; k < image.x.size(); ++k) image.x[k] = seed * 0.01 - 0.1 * static_cast<double>(k);
    nanosieve::large::RealOutputs result;
    if (nanosieve::large::evaluate(image, result) != nanosieve::large::Status::ok) return -1;
    std::int64_t sum = static_cast<std::int64_t>(result.total[0]);
    for (const std::int32_t code : out.y) sum = sum * 31 + code;
    return sum % 1000003;
}
"""

MAIN = """\
#include "recurrent.hpp"
#include <cstdio>
#include <thread>
#include <vector>
std::int64_t other(std::int32_t seed);
namespace port = nanosieve::recurrent::input_x;
static_assert(port::shape[1] == 3 && port::exponent(0) == -4 && port::low(5) == -128, "");
int main() {
    std::vector<std::int64_t> alone(64), together(64);
    for (std::size_t n = 0; n < 64; ++n) alone[n] = other(static_cast<std::int32_t>(n));
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&together, t] {
            for (std::size_t n = t; n < 64; n += 4) together[n] = other(static_cast<std::int32_t>(n));
        });
    for (std::thread& thread : threads) thread.join();
    bool differ = false;
    for (const std::int64_t value : alone) differ = differ || value != alone[0];
    std::puts(alone == together && differ ? "equal" : "different");
}
"""
