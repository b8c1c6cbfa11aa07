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
    at, size = np.zeros(len(elements), dtype=np.int64), words(elements[-1].lsb + elements[-1].width)
    packed = pack(np.array(rows), elements, at, (1, size))
    assert packed.shape == (len(rows), 1, size)
    for row, line in zip(rows, packed[:, 0], strict=True):
        expected = sum((code & ((1 << e.width) - 1)) << e.lsb for code, e in zip(row, elements, strict=True))
        assert int.from_bytes(line.astype("<u4").tobytes(), "little") == expected
    assert unpack(packed, elements, at).tolist() == rows


@given(buses(), st.data())
def test_elements_share_bits_in_other_beats(
    bus: tuple[list[Element], list[list[int]]], data: st.DataObject
) -> None:
    """Every element is there in some beats of three; a beat of another element holds what it would alone."""
    lanes, rows = bus
    beats = [data.draw(st.sets(st.integers(0, 2), min_size=1)) for _ in lanes]
    elements = [lane for lane, own in zip(lanes, beats, strict=True) for _ in own]
    times = np.array([beat for own in beats for beat in own])
    random = np.random.default_rng(len(elements))
    codes = np.stack([random.integers(e.low, e.high, len(rows), endpoint=True) for e in elements], axis=1)
    size = words(lanes[-1].lsb + lanes[-1].width)
    packed = pack(codes, elements, times, (3, size))
    assert unpack(packed, elements, times).tolist() == codes.tolist()
    for beat in range(3):
        here = np.flatnonzero(times == beat)
        alone = pack(codes[:, here], [elements[n] for n in here], np.zeros_like(here), (1, size))
        assert np.array_equal(packed[:, beat], alone[:, 0])


def test_bits_above_the_width_are_dropped() -> None:
    elements = [_element(0, 8, False), _element(8, 1, False)]
    assert pack(np.array([[0x1FF, 1]]), elements, np.zeros(2, dtype=np.int64), (1, 1)).tolist() == [[[0x1FF]]]
