"""Software twins of the graph, bit for bit: the emulator for whole samples, and C++ for an experiment."""

from nanosieve.compiler.emulate.cpp import to_cpp, write_cpp
from nanosieve.compiler.emulate.cpp_program import CppProgram, build_cpp, emulate_cpp
from nanosieve.compiler.emulate.emulator import Emulator

__all__ = ["CppProgram", "Emulator", "build_cpp", "emulate_cpp", "to_cpp", "write_cpp"]
