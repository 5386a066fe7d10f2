"""Arrays made from numbers, diagonals and triangles, windows: against NumPy."""

import numpy as np
import pytest

from cornu import config, ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

X = np.arange(12.0).reshape(3, 4)
CUBE = np.arange(24).reshape(2, 3, 4)
V = np.array([1.5, -2.0, 3.0])


def floats(like):
    return lambda *args, **kwargs: like(*args, **kwargs).astype(np.float64)


CASES = [
    Case("zeros", (2, 3), like=np.zeros),
    Case("ones", (2, 3), like=np.ones),
    Case("zeros", 3, like=np.zeros),
    Case("ones", (), like=np.ones),
    Case("empty", (2, 3), like=np.zeros),
    Case("full", (2, 2), 7, like=floats(np.full)),
    Case("full", (2,), 7.5, like=np.full),
    Case("full", 2, True, like=floats(np.full)),
    Case("full", (2, 3), V, like=np.full, dtype="float32"),
    Case("full_like", X, 2, like=np.full_like),
    Case("full_like", CUBE, 2.0, like=np.full_like),
    Case("zeros_like", X, like=np.zeros_like),
    Case("ones_like", CUBE, like=np.ones_like),
    Case("empty_like", CUBE, like=np.zeros_like),
    Case("zeros_like", np.array([True]), like=np.zeros_like),
    Case("zeros_like", [1, 2], like=np.zeros_like),
    Case("arange", 5, like=np.arange),
    Case("arange", 5.0, like=np.arange),
    Case("arange", 1, 6, 2, like=np.arange),
    Case("arange", 6, 1, -2, like=np.arange),
    Case("arange", 0, 1, 0.25, like=np.arange),
    Case("arange", 5, 1, like=np.arange),
    Case("arange", 0, like=np.arange),
    Case("arange", -1.0, 1.0, 0.5, like=np.arange),
    Case("arange", np.int64(3), like=np.arange),
    Case("arange", np.float64(0.0), np.float64(2.0), like=np.arange),
    Case("linspace", 0, 1, 5, like=np.linspace),
    Case("linspace", 2.0, -3.0, 7, like=np.linspace),
    Case("linspace", 0, 1, 4, endpoint=False, like=np.linspace),
    Case("linspace", 0, 1, 1, like=np.linspace),
    Case("linspace", 0, 1, 0, like=np.linspace),
    Case("linspace", V, 2.0, 3, like=np.linspace),
    Case("linspace", V, X[:, :3], 3, axis=-1, like=np.linspace, dtype="float32"),
    Case("linspace", 0, 1, 3, retstep=True, like=np.linspace),
    Case("linspace", V, 2.0, 4, axis=1, like=np.linspace),
    Case("logspace", 0, 2, 5, like=np.logspace),
    Case("logspace", 0, 3, 4, base=2, like=np.logspace),
    Case("logspace", 0, 1, 4, endpoint=False, like=np.logspace),
    Case("geomspace", 1, 1000, 4, like=np.geomspace),
    Case("geomspace", -2.0, -32.0, 5, like=np.geomspace),
    Case("geomspace", 1, 16, 4, endpoint=False, like=np.geomspace),
    Case("geomspace", np.array([1.0, 2.0]), np.array([4.0, 32.0]), 3, axis=-1, like=np.geomspace),
    Case("meshgrid", V, np.array([1, 2]), like=np.meshgrid, dtype=("float32", "int32")),
    Case("meshgrid", V, np.array([1, 2]), indexing="ij", like=np.meshgrid, dtype=("float32", "int32")),
    Case("meshgrid", V, V[:2], V[:1], like=np.meshgrid),
    Case("meshgrid", V, like=np.meshgrid),
    Case("array", [1, 2], expected=np.array([1, 2])),
    Case("array", np.array([1.5]), expected=np.array([1.5])),
]

MATRICES = [
    Case("eye", 3, like=np.eye),
    Case("eye", 2, 4, 1, like=np.eye),
    Case("eye", 4, 2, k=-1, like=np.eye),
    Case("identity", 3, like=np.identity),
    Case("tri", 3, like=np.tri),
    Case("tri", 2, 4, 1, like=np.tri),
    Case("tri", 4, 2, -1, like=np.tri),
    *(Case(op, x, k, like=getattr(np, op)) for op in ("tril", "triu") for x in (X, CUBE) for k in (0, 1, -2)),
    Case("tril", np.ones((2, 2), np.uint16), like=np.tril),
    Case("triu", np.ones((2, 2), bool), like=np.triu),
    *(Case("diag", x, k, like=np.diag) for x in (V, X) for k in (0, 1, -2, 9)),
    Case("diag", np.array([1, 2]), like=np.diag),
    Case("diagflat", X[:2, :2], 1, like=np.diagflat),
    *(Case("diagonal", X, k, like=np.diagonal) for k in (0, 1, 3, -1, -2, 5)),
    Case("diagonal", CUBE, 1, axis1=2, axis2=0, like=np.diagonal),
    Case("diagonal", CUBE, like=np.diagonal),
    Case("trace", X, like=np.trace),
    Case("trace", CUBE, 1, axis1=1, axis2=2, like=np.trace),
    Case("trace", np.ones((3, 3), np.uint8), like=np.trace, dtype="uint32"),
    Case("trace", np.ones((3, 3), bool), like=np.trace),
    Case("vander", V, like=np.vander),
    Case("vander", np.array([2, 3]), 4, like=np.vander),
    Case("vander", V, 2, increasing=True, like=np.vander),
]

WINDOWS = [
    *(Case(op, n, like=floats(getattr(np, op))) for op in ("bartlett", "blackman", "hamming", "hanning") for n in (0, 1, 2, 5, 8)),
    *(Case("kaiser", n, beta, like=floats(np.kaiser)) for n in (1, 5, 8) for beta in (0.0, 8.6)),
]


@table(CASES)
def test_made_from_numbers(case, backend):
    case.check()


@table(MATRICES)
def test_diagonals_and_triangles(case, backend):
    case.check()


@table(WINDOWS)
def test_window(case, backend):
    case.check()


@pytest.mark.parametrize("kind", ["bool", "uint8", "int16", "int32", "float16", "bfloat16", "float32"])
def test_the_dtype_asked_for(kind, backend):
    made = [
        ops.zeros((2,), kind),
        ops.ones((2,), dtype=kind),
        ops.full((2,), 1, kind),
        ops.empty((2,), kind),
        ops.arange(2, dtype=kind),
        ops.eye(2, dtype=kind),
        ops.tri(2, dtype=kind),
        ops.linspace(0, 1, 2, dtype=kind),
        ops.zeros_like(X, kind),
        ops.ones_like(X, dtype=kind),
        ops.full_like(X, 1, kind),
        ops.identity(2, kind),
        ops.empty_like(X, kind),
        ops.convert_to_tensor([1, 0], kind),
        ops.array([1, 0], kind),
        ops.logspace(0, 1, 2, dtype=kind),
        ops.geomspace(1, 2, 2, dtype=kind),
    ]
    assert [ops.dtype(x) for x in made] == [kind] * len(made)


def test_floats_are_floatx(backend):
    config.set_floatx("float16")
    try:
        made = [
            ops.zeros((2,)),
            ops.full((1,), 2),
            ops.arange(0.0, 2.0),
            ops.linspace(0, 1, 3),
            ops.eye(2),
            ops.hanning(4),
            ops.exp([1]),
            ops.mean([1, 2]),
            ops.divide(1, 2),
        ]
        assert {ops.dtype(x) for x in made} == {"float16"}
    finally:
        config.set_floatx("float32")


def test_integers_round_down_between_ends(backend):
    assert ops.convert_to_numpy(ops.linspace(0, 5, 4, dtype="int32")).tolist() == np.linspace(0, 5, 4, dtype="int32").tolist()
    assert ops.convert_to_numpy(ops.linspace(-5, 0, 4, dtype="int32")).tolist() == np.linspace(-5, 0, 4, dtype="int32").tolist()


def test_a_length_that_an_array_holds(backend):
    assert ops.convert_to_numpy(ops.arange(ops.convert_to_tensor(3))).tolist() == [0, 1, 2]


REFUSED = [
    (lambda: ops.arange(0, 3, 0), ArgumentError, "step"),
    (lambda: ops.linspace(0, 1, -1), ArgumentError, "num=-1"),
    (lambda: ops.meshgrid(V, indexing="yx"), ArgumentError, "'yx'"),
    (lambda: ops.diag(CUBE), ShapeError, r"\(2, 3, 4\)"),
    (lambda: ops.tril(V), ShapeError, r"\(3,\)"),
    (lambda: ops.diagonal(V), ShapeError, r"\(3,\)"),
    (lambda: ops.vander(X), ShapeError, r"\(3, 4\)"),
    (lambda: ops.zeros((2, 1.5)), ShapeError, "whole numbers"),
    (lambda: ops.zeros((2,), "flaot32"), TypeError, "float32"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_made(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
