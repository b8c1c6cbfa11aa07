"""Tensors of the protocol, and what is wrong with a request."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nanosieve.errors import SampleError, UnknownNameError
from nanosieve.farm.service import DATATYPES, Tensor, check_request
from nanosieve.farm.service.tensors import datatype_of, from_bytes, from_numbers

INPUTS = (Tensor("a", "FP32", (2,)), Tensor("b", "INT16", ()))
OUTPUTS = (Tensor("y", "FP64", (1,)),)


def right(number: int = 3) -> dict[str, np.ndarray]:
    return {"a": np.zeros((number, 2), np.float32), "b": np.zeros(number, np.int16)}


@given(
    st.sampled_from(sorted(DATATYPES)).flatmap(
        lambda name: st.tuples(st.just(name), arrays(DATATYPES[name], st.tuples(*[st.integers(0, 4)] * 2)))
    )
)
def test_raw_contents_come_back_as_they_were(case):
    name, array = case
    found = from_bytes("x", name, array.shape, array.tobytes())
    assert found.tobytes() == array.tobytes()
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert datatype_of(found) == name


def test_the_byte_order_of_the_protocol_is_little():
    assert from_bytes("x", "UINT32", [1], struct.pack("<I", 258))[0] == 258
    assert datatype_of(np.zeros(1, ">f4")) == "FP32"


@pytest.mark.parametrize(
    ("shape", "content", "words"),
    [
        ([2], b"1234567", "7 bytes for the shape .* takes 8"),
        ([-1], b"", "whole numbers of zero or more"),
        ([2**50], b"", "whole numbers of zero or more"),
    ],
)
def test_raw_contents_of_another_size(shape, content, words):
    with pytest.raises(SampleError, match=words):
        from_bytes("x", "FP32", shape, content)


def test_types_that_are_not_served():
    with pytest.raises(SampleError, match="'BYTES' is not served; known: BOOL"):
        from_bytes("x", "BYTES", [1], b"")
    with pytest.raises(SampleError, match="no data type for complex128"):
        datatype_of(np.zeros(1, complex))


@pytest.mark.parametrize(
    ("datatype", "numbers"),
    [("FP32", [1.5, 2.5]), ("FP64", [[1], [2]]), ("INT8", [-128, 127]), ("BOOL", [True, False])],
)
def test_numbers_flat_or_nested(datatype, numbers):
    found = from_numbers("x", datatype, [2], numbers)
    assert found.dtype == DATATYPES[datatype]
    assert found.tolist() == np.ravel(numbers).tolist()


@pytest.mark.parametrize(
    ("datatype", "numbers"),
    [
        ("INT8", [200, 1]),
        ("INT8", [1.5, 1]),
        ("UINT8", [-1, 1]),
        ("FP32", ["a", "b"]),
        ("FP32", [None, 1.0]),
        ("FP32", [[1], [1, 2]]),
        ("BOOL", [2, 0]),
        ("INT64", [2**70, 1]),
        ("FP32", [{}, []]),
        ("FP32", [1.0]),
        ("FP32", {"a": 1}),
    ],
)
def test_data_that_are_no_numbers_of_that_type(datatype, numbers):
    with pytest.raises(SampleError, match=r"^input 'x'"):
        from_numbers("x", datatype, [2], numbers)


def test_a_request_that_fits():
    assert check_request(INPUTS, OUTPUTS, right(), ["y"], 3) == 3


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"a": np.zeros((3, 2))}, "input 'a' is FP64; send FP32"),
        ({"a": np.zeros((3, 3), np.float32)}, r"the shape \[3, 3\]; send \[-1, 2\]"),
        ({"a": np.float32(1)}, r"the shape \[\]"),
        ({"b": np.zeros(2, np.int16)}, "'b' has 2 events, the inputs before it have 3"),
    ],
)
def test_a_request_that_does_not(changed, words):
    with pytest.raises(SampleError, match=words):
        check_request(INPUTS, OUTPUTS, right() | changed, [], 10)


def test_names_and_numbers_of_events():
    with pytest.raises(UnknownNameError, match="unknown input 'c'"):
        check_request(INPUTS, OUTPUTS, right() | {"c": np.zeros(3)}, [], 10)
    with pytest.raises(UnknownNameError, match="unknown output 'z'"):
        check_request(INPUTS, OUTPUTS, right(), ["z"], 10)
    with pytest.raises(SampleError, match="input 'b' is missing"):
        check_request(INPUTS, OUTPUTS, {"a": right()["a"]}, [], 10)
    for number in (0, 11):
        with pytest.raises(SampleError, match=f"a request of {number} events; send 1 to 10"):
            check_request(INPUTS, OUTPUTS, right(number), [], 10)
