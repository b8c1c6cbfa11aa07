"""Names that C++ accepts for the names that a user gave."""

from __future__ import annotations

from nanosieve._names import UniqueNames, plain

__all__ = ["comment", "identifier", "port_names"]

_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t
    class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue
    decltype default delete do double dynamic_cast else enum explicit export extern false float for friend
    goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
    protected public register reinterpret_cast requires return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename union
    unsigned using virtual void volatile wchar_t while xor xor_eq
"""
_MACROS = """
    BUFSIZ DOMAIN EOF ERANGE FALSE FILENAME_MAX HUGE_VAL I INFINITY M_PI NAN NULL OVERFLOW Q_EMIT RAND_MAX
    SIGINT TRUE UNDERFLOW assert complex emit errno foreach i386 linux major max min minor offsetof setjmp
    signals slots stderr stdin stdout unix
"""
_OURS = """
    Inputs Outputs RealInputs RealOutputs Status Workspace decode detail encode evaluate input message
    nanosieve output std
"""
_TAKEN = frozenset(f"{_KEYWORDS} {_MACROS} {_OURS}".split())
"""The words of C++ up to C++20, macros that headers of C, POSIX and Qt define, and our own names."""


def identifier(name: str) -> str:
    """A C++ identifier for the user's `name`, by the rule of the Verilog identifiers.

    >>> identifier("block/dense-1"), identifier("2nd"), identifier("class")
    ('block_dense_1', 'l_2nd', 'l_class')
    """
    text = plain(name)
    return f"l_{text}" if text[0].isdigit() or text in _TAKEN else text


def port_names(names: list[str]) -> dict[str, str]:
    """The user's name → identifier, all different."""
    unique = UniqueNames(identifier)
    return {name: unique.new(name) for name in names}


def comment(text: str) -> str:
    """`text` for a ``//`` comment: nothing that ends the line, continues it or changes its direction."""
    return "".join(c if c.isprintable() and c != "\\" else "?" for c in text)
