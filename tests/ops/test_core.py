"""Arrays themselves: conversion, dtype, choice, bits, complex numbers."""

import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import backends, dtypes, ops
from cornu.backends import spec
from cornu.backends.spec import TensorSpec
from cornu.errors import ArgumentError, DTypeError, ShapeError
from tests.ops.cases import Case, table

X = np.array([[1.7, -1.7, 0.0], [300.0, -3.0, 0.4]])
WHOLE = np.array([[1, -1, 0], [300, -3, 7]])
KINDS = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "bfloat16", "float32"]
EVERY = [*KINDS, "complex64"]

CASES = [
    Case("where", np.array([[True], [False]]), X, 0.5, like=np.where),
    Case("where", X > 0, X, WHOLE, like=np.where, dtype="float32"),
    Case("where", X, X, -X, like=np.where),
    Case("where", True, 1, 2, expected=np.array(1)),
    Case("where", [True, False], [1, 2], 0.5, expected=np.array([1, 0.5])),
    Case("where", X > 0, 1.0, 0.0, like=np.where, dtype="float32"),
    Case("where", X > 0, X.astype(np.float16), 1.5, like=np.where),
    Case("where", X > 0, X.astype(ml_dtypes.bfloat16), 1.5, like=np.where),
    Case("where", X > 0, True, np.array(False), like=np.where),
    Case("where", X > 0, np.nan, WHOLE, like=np.where, dtype="float32"),
    Case("select", [X > 1, X < -1], [X, X * 10], 7.0, like=np.select),
    Case("select", [X > 1, X > 0], [1, 2], expected=np.select([X > 1, X > 0], [1, 2])),
    Case("select", [WHOLE > 1], [WHOLE], 0.5, like=np.select, dtype="float32"),
    Case("clip", X, -1.0, 1.0, like=np.clip),
    Case("clip", WHOLE, -1, 2, like=np.clip),
    Case("clip", WHOLE, 0.5, 2.5, like=np.clip, dtype="float32"),
    Case("clip", X, np.array([0.0, -1.0, 0.1]), 1.0, like=np.clip),
    Case("clip", np.array([True, False]), 0, 1, expected=np.array([1, 0])),
    Case("clip", np.array([np.nan, 5.0]), 0, 1, like=np.clip),
    Case("clip", X.astype(ml_dtypes.bfloat16), -1.5, 1.5, like=np.clip),
    Case("clip", np.array([7], np.uint32), 0, 5, like=np.clip),
    Case("copy", X, expected=X),
    Case("stop_gradient", X, expected=X),
    Case("convert_to_tensor", X, expected=X),
    Case("convert_to_tensor", [1, 2], expected=np.array([1, 2])),
    Case("convert_to_tensor", [1.5], expected=np.array([1.5])),
    Case("convert_to_tensor", True, expected=np.array(True)),
    Case("convert_to_tensor", [[1, 2.5]], expected=np.array([[1, 2.5]])),
    Case("convert_to_tensor", 3, expected=np.array(3)),
    Case("view", np.array([1.0, -2.0]), "int32", expected=np.float32([1, -2]).view(np.int32)),
    Case("view", np.array([[1, 2]]), "int8", expected=np.int32([[1, 2]]).view(np.int8)),
    Case("view", np.array([1, 2, 3, 4], np.int16), "int32", expected=np.int16([1, 2, 3, 4]).view(np.int32)),
    Case("view", X, expected=X),
    Case("view", np.array([1.0, 2.5]), "uint8", expected=np.float32([1, 2.5]).view(np.uint8)),
    Case("view_as_complex", X[:, :2], expected=np.array([1.7 - 1.7j, 300 - 3j]), dtype="complex64"),
    Case("view_as_real", np.array([1 + 2j, -3j]), expected=np.array([[1.0, 2], [0, -3]]), dtype="float32"),
    Case("polar", np.array([2.0, 1.0]), np.array([0.0, np.pi / 2]), expected=np.array([2, 1j]), dtype="complex64"),
    Case("polar", 2.0, np.array([np.pi]), expected=np.array([-2 + 0j]), dtype="complex64"),
    Case("saturate_cast", np.array([-5.0, 300.0, np.nan, 7.9, -np.inf]), "uint8", expected=np.array([0, 255, 0, 7, 0], np.uint8)),
    Case("saturate_cast", WHOLE, "int8", expected=np.array([[1, -1, 0], [127, -3, 7]], np.int8)),
    Case("saturate_cast", WHOLE, "float32", expected=WHOLE * 1.0),
    Case("saturate_cast", np.array([1e6, -1e6, np.nan]), "float16", expected=np.array([65504.0, -65504.0, np.nan]), dtype="float16"),
    Case("saturate_cast", np.array([3e9, -3e9, 1.5]), "int32", expected=np.array([2**31 - 1, -(2**31), 1])),
    Case("saturate_cast", np.array([True]), "int8", expected=np.array([1], np.int8)),
    Case("saturate_cast", np.array([200], np.uint8), "int8", expected=np.array([127], np.int8)),
    Case("saturate_cast", np.array([-3], np.int8), "uint32", expected=np.array([0], np.uint32)),
]


@table(CASES)
def test_array(case, backend):
    case.check()


@pytest.mark.parametrize("kind", EVERY)
def test_cast_to_every_dtype(kind, backend):
    small = np.array([[1.7, 0.0], [7.2, 0.4]], np.float32)
    for source in (small, small.astype(np.int32), small > 0):
        result = ops.cast(source, kind)
        assert ops.dtype(result) == kind
        np.testing.assert_array_equal(ops.convert_to_numpy(result), source.astype(dtypes.numpy_dtype(kind)))
        with backends.use_backend(spec):
            assert str(ops.cast(TensorSpec(source.shape, source.dtype), kind)) == f"TensorSpec((2, 2), {kind})"


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind, backend):
    x = np.array([[0, 1], [1, 0]]).astype(dtypes.numpy_dtype(kind))
    tensor = ops.convert_to_tensor(x)
    assert ops.dtype(tensor) == kind
    assert ops.is_tensor(tensor)
    back = ops.convert_to_numpy(tensor)
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back, x)


def test_what_is_an_array(backend):
    assert ops.is_tensor(ops.ones(2))
    assert not ops.is_tensor([1.0])
    assert not ops.is_tensor(1.0)
    assert ops.is_tensor(np.ones(2)) == (backend == "numpy")
    assert ops.dtype(np.ones(2, np.float16)) == "float16"
    assert ops.dtype(ops.convert_to_tensor(1.0)) == "float32"


def test_arrays_inside_a_list(backend):
    x = ops.convert_to_tensor([1.0, 2.0])
    for joined in (ops.convert_to_tensor([x, x]), ops.stack([x, [3.0, 4.0]])):
        assert tuple(joined.shape) == (2, 2)
        assert ops.convert_to_numpy(joined)[0].tolist() == [1.0, 2.0]


def on_a_boundary(size):
    """Ones of float32 that begin on a boundary of 64 bytes, where XLA would take the memory itself for its array."""
    memory = np.empty(4 * size + 64, np.uint8)
    x = memory[-memory.ctypes.data % 64 :][: 4 * size].view(np.float32)
    x[:] = 1.0
    return x


@pytest.mark.parametrize("size", [2, 3000])
def test_a_tensor_and_a_copy_have_their_own_memory(size, backend):
    for _ in range(20):
        x = on_a_boundary(size)
        tensor = ops.convert_to_tensor(x)
        copied = ops.copy(tensor)
        variable = cornu.Variable(x)
        x[0] = 9.0
        assert ops.convert_to_numpy(copied)[0] == 1.0
        assert variable.numpy()[0] == 1.0
        assert ops.convert_to_numpy(tensor)[0] == (9.0 if backend == "numpy" else 1.0)  # arrays of NumPy are tensors as they stand


REFUSED = [
    (lambda: ops.convert_to_tensor([1], sparse=True), ArgumentError, "dense"),
    (lambda: ops.cast([1], "flaot32"), DTypeError, "float32"),
    (lambda: ops.view(np.ones((3,), np.int8), "int16"), ShapeError, r"\(3,\) of int8 as int16"),
    (lambda: ops.view_as_complex(X), ShapeError, r"\(2, 3\)"),
    (lambda: ops.view_as_real(X), DTypeError, "complex"),
    (lambda: ops.select([], []), ArgumentError, "0 and 0"),
    (lambda: ops.where(X > 0, X, np.ones((4,), np.float32)), ShapeError, r"\(2, 3\) and \(2, 3\) and \(4,\)"),
    (lambda: ops.clip(X, np.ones((4,), np.float32), 1.0), ShapeError, r"\(2, 3\) and \(4,\)"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_converted(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
