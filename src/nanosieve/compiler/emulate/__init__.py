"""Software twins of the graph, bit for bit."""

from nanosieve.compiler.emulate.cpp import to_cpp, write_cpp
from nanosieve.compiler.emulate.cpp_program import CppProgram, build_cpp, emulate_cpp

__all__ = ["CppProgram", "build_cpp", "emulate_cpp", "to_cpp", "write_cpp"]
