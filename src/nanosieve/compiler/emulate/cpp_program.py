"""Running the C++ of a network: the system's compiler makes a program that codes are streamed through."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._toolchain import compiler_path, first_complaint, run_compiler
from nanosieve.compiler.emulate.cpp import header_name, to_cpp
from nanosieve.compiler.emulate.cpp_ports import Port, input_ports, output_ports
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.graph.fixed import Integers
from nanosieve.errors import InputFileError, SampleError, ToolError, UnknownNameError

__all__ = ["CppProgram", "build_cpp", "emulate_cpp"]

FLAGS = ("-std=c++17", "-O2")
CHUNK = 1 << 24
"""Bytes that are streamed at a time."""


@dataclass(frozen=True)
class CppProgram:
    """A compiled program of one or more networks.

    Attributes:
        path: the executable file.
        graphs: by their C++ names, in the order of the program.
    """

    path: Path
    graphs: Mapping[str, Graph]

    def codes(self, codes: Mapping[str, Integers], name: str | None = None) -> dict[str, Integers]:
        """The outputs for integer codes, as `nanosieve.compiler.graph.interpret` gives them.

        Args:
            codes: input name → int64 array (events, *shape).
            name: the C++ name of the network; default the first.

        Raises:
            SampleError: a shape does not fit, or the C++ refuses an event.
            UnknownNameError: an input or network is missing or unknown.
            ToolError: the program ends before its time.
        """
        return self._run("codes", codes, np.dtype(np.int64), name)

    def numbers(
        self, values: Mapping[str, NDArray[Any]], name: str | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """The outputs as numbers for real `values`; arguments and errors as for `codes`."""
        return self._run("numbers", values, np.dtype(np.float64), name)

    def _run(
        self, mode: str, given: Mapping[str, NDArray[Any]], dtype: np.dtype[Any], name: str | None
    ) -> dict[str, NDArray[Any]]:
        name = next(iter(self.graphs)) if name is None else name
        if name not in self.graphs:
            raise UnknownNameError.among("network", name, self.graphs)
        inputs, outputs = input_ports(self.graphs[name]), output_ports(self.graphs[name])
        table = _table(inputs, given, dtype)
        width = sum(port.type.size for port in outputs)
        rows = max(1, CHUNK // (8 * max(width + table.shape[1], 1)))
        index = str(list(self.graphs).index(name))
        parts = [np.zeros((0, width), dtype)]
        for start in range(0, len(table), rows):
            chunk = table[start : start + rows]
            answer = self._stream([mode, index, str(len(chunk))], chunk.tobytes(), start)
            parts.append(np.frombuffer(answer, dtype).reshape(len(chunk), width))
        columns = np.split(np.concatenate(parts), np.cumsum([p.type.size for p in outputs])[:-1], axis=1)
        return {
            port.name: column.reshape(len(table), *port.type.shape)
            for port, column in zip(outputs, columns, strict=True)
        }

    def _stream(self, arguments: Sequence[str], data: bytes, start: int) -> bytes:
        done = subprocess.run([str(self.path), *arguments], input=data, capture_output=True)
        if done.returncode == REFUSED:
            event, _, reason = done.stderr.decode().partition(" ")
            message = f"the C++ refuses event {start + int(event)}: {reason.strip()}; see its input types"
            raise SampleError(message)
        if done.returncode:
            complaint = first_complaint(done.stderr.decode(errors="replace"), "error")
            message = f"the C++ of the network ends with status {done.returncode}: {complaint}"
            raise ToolError(message)
        return done.stdout


def emulate_cpp(
    graph: Graph, codes: Mapping[str, Integers], header: str | Path | None = None
) -> dict[str, Integers]:
    """The outputs of the C++ of `graph` for integer codes: writes, compiles and runs it.

    Args:
        graph: any graph.
        codes: input name → int64 array (events, *shape).
        header: the file that `write_cpp` made; default: it is written anew.

    Raises:
        InputFileError: `header` does not exist.
        MissingDependencyError: there is no C++ compiler.
        SampleError: a shape does not fit or a code lies outside its type.
        ToolError: the C++ does not compile.
        UnknownNameError: an input is missing or unknown.
    """
    name = header_name(graph) if header is None else Path(header).stem
    sources = None if header is None else {name: _read(Path(header))}
    with build_cpp({name: graph}, sources) as program:
        return program.codes(codes)


@contextmanager
def build_cpp(
    graphs: Mapping[str, Graph], sources: Mapping[str, str] | None = None, *, flags: Sequence[str] = FLAGS
) -> Iterator[CppProgram]:
    """A program of the C++ of `graphs`, which lives as long as the context.

    Args:
        graphs: by their C++ names, which are identifiers.
        sources: the C++ of each; default: it is written anew.
        flags: of the compiler.

    Raises:
        MissingDependencyError: there is no C++ compiler.
        ToolError: the C++ does not compile.
    """
    compiler = compiler_path("the C++ of a network")
    sources = sources or {name: to_cpp(graph, name) for name, graph in graphs.items()}
    with tempfile.TemporaryDirectory(prefix="nanosieve-cpp-") as folder:
        place = Path(folder)
        for name, text in sources.items():
            (place / f"{name}.hpp").write_text(text, encoding="utf-8")
        (place / "driver.cpp").write_text(_driver(graphs), encoding="utf-8")
        run_compiler([compiler, *flags, "driver.cpp", "-o", "program"], place, what="the C++ of the network")
        yield CppProgram(place / "program", graphs)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the C++ header {str(path)!r} cannot be read: {error}; compile the network again"
        raise InputFileError(message) from error


def _table(ports: Sequence[Port], given: Mapping[str, NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """All inputs side by side, one row an event."""
    known = [port.name for port in ports]
    for name in given:
        if name not in known:
            raise UnknownNameError.among("input", name, known)
    columns = []
    for port in ports:
        if port.name not in given:
            message = f"the input {port.name!r} of the graph is missing"
            raise SampleError(message)
        array = np.asarray(given[port.name])
        if array.ndim == 0 or array.shape[1:] != port.type.shape or len(array) != len(given[known[0]]):
            wanted = ", ".join(map(str, ("events", *port.type.shape)))
            message = f"input {port.name!r} takes an array ({wanted}), not {array.shape}"
            raise SampleError(message)
        columns.append(array.reshape(len(array), port.type.size).astype(dtype))
    return np.concatenate(columns, axis=1)


def _driver(graphs: Mapping[str, Graph]) -> str:
    """The program: ``program codes|numbers INDEX EVENTS``, 64-bit words in and out, row by row."""
    includes = "".join(f'#include "{name}.hpp"\n' for name in graphs)
    cases = ""
    for index, (name, graph) in enumerate(graphs.items()):
        reads = " && ".join(
            [f"read(in.{port.member})" for port in input_ports(graph) if port.type.size] or ["true"]
        )
        writes = " && ".join(
            [f"write(out.{port.member})" for port in output_ports(graph) if port.type.size] or ["true"]
        )
        for mode, prefix in (("codes", ""), ("numbers", "Real")):
            cases += (
                _CASE.replace("@NAME@", name)
                .replace("@PREFIX@", prefix)
                .replace("@KEY@", f"{mode} {index}")
                .replace("@READS@", reads)
                .replace("@WRITES@", writes)
            )
    return _DRIVER.replace("@INCLUDES@", includes).replace("@CASES@", cases)


REFUSED = 3
"""Exit status of the program when an event is refused."""

_CASE = """\
    if (key == "@KEY@") {
        namespace network = nanosieve::@NAME@;
        for (long event = 0; event < events; ++event) {
            network::@PREFIX@Inputs in;
            network::@PREFIX@Outputs out;
            if (!(@READS@)) return 2;
            const network::Status status = fits ? network::evaluate(in, out) : network::Status::out_of_range;
            if (status != network::Status::ok) {
                std::fprintf(stderr, "%ld %s", event, network::message(status));
                return 3;
            }
            if (!(@WRITES@)) return 2;
        }
        return 0;
    }
"""

_DRIVER = """\
@INCLUDES@
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>

template <class T> using Word = std::conditional_t<std::is_integral<T>::value, std::int64_t, double>;

static bool fits = true;  // into the integers of the ports

template <class T, std::size_t N> bool read(std::array<T, N>& port) {
    for (T& element : port) {
        Word<T> word;
        if (std::fread(&word, sizeof word, 1, stdin) != 1) return false;
        element = static_cast<T>(word);
        if (std::is_integral<T>::value) fits = fits && element == word;
    }
    return true;
}
template <class T, std::size_t N> bool write(const std::array<T, N>& port) {
    for (const T& element : port) {
        const Word<T> word = element;
        if (std::fwrite(&word, sizeof word, 1, stdout) != 1) return false;
    }
    return true;
}

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const std::string key = std::string(arguments[1]) + " " + arguments[2];
    const long events = std::strtol(arguments[3], nullptr, 10);
@CASES@    return 2;
}
"""
