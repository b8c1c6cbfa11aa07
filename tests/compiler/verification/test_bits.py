import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.compiler.verification.bits import pack, unpack, words
from nanosieve.compiler.verification.folder import Element


def _element(lsb: int, width: int, signed: bool) -> Element:
    low, high = (-(1 << width >> 1), max((1 << width >> 1) - 1, 0)) if signed else (0, (1 << width) - 1)
    return Element(lsb=lsb, width=width, signed=signed, exponent=0, low=low, high=high)


@st.composite
def buses(draw: st.DrawFn) -> tuple[list[Element], list[list[int]]]:
    elements, lsb = [], draw(st.integers(0, 40))
    for _ in range(draw(st.integers(1, 6))):
        width = draw(st.integers(1, 62))
        elements.append(_element(lsb, width, draw(st.booleans())))
        lsb += width + draw(st.integers(0, 3))
    rows = draw(st.lists(st.tuples(*(st.integers(e.low, e.high) for e in elements)), min_size=1, max_size=4))
    return elements, [list(row) for row in rows]


@given(buses())
def test_every_element_lies_at_its_bits_and_comes_back(bus: tuple[list[Element], list[list[int]]]) -> None:
    elements, rows = bus
    packed = pack(np.array(rows), elements)
    assert packed.shape == (len(rows), words(elements))
    for row, line in zip(rows, packed, strict=True):
        expected = sum((code & ((1 << e.width) - 1)) << e.lsb for code, e in zip(row, elements, strict=True))
        assert int.from_bytes(line.astype("<u4").tobytes(), "little") == expected
    assert unpack(packed, elements).tolist() == rows


def test_bits_above_the_width_are_dropped() -> None:
    assert pack(np.array([[0x1FF, 1]]), [_element(0, 8, False), _element(8, 1, False)]).tolist() == [[0x1FF]]
