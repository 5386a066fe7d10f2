"""Orders and what is looked up in them: against NumPy; ties, NaN and sizes known beforehand."""

import numpy as np
import pytest

from cornu import ops, use_backend
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(3)
X = RNG.permutation(24).reshape(2, 3, 4).astype(float)
TIES = np.array([[3, 1, 3, 2, 1, 3], [0, 0, 5, 5, 5, 0]])
WITH_NAN = np.array([2.0, np.nan, -np.inf, 1.0, np.inf])
SORTED = np.array([1.0, 2.0, 2.0, 4.0])
ROWS = np.array([[1, 2], [0, 5], [1, 2], [1, 0]])


def stable(x, axis=-1):
    return np.argsort(x, axis, kind="stable")


def largest(x, k):
    order = np.argsort(-x.astype(float), -1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order


CASES = [
    *(Case("sort", x, axis=axis, like=np.sort) for x in (X, TIES) for axis in (-1, 0, None)),
    Case("sort", WITH_NAN, like=np.sort),
    Case("sort", np.array([True, False, True]), like=np.sort),
    Case("sort", np.array([3, 200, 7], np.uint8), like=np.sort),
    Case("sort", np.array([3, 2**31 + 5, 7], np.uint32), like=np.sort),
    Case("sort", X.astype(np.float16), like=np.sort),
    Case("sort", np.zeros((2, 0)), like=np.sort),
    *(Case("argsort", x, axis=axis, like=stable) for x in (X, TIES) for axis in (-1, 0, None)),
    Case("argsort", WITH_NAN, like=stable),
    Case("argsort", np.array([True, False, True]), like=stable),
    Case("argpartition", TIES, 2, like=lambda x, k: stable(x)),
    Case("argpartition", TIES, 3, axis=None, like=lambda x, k, axis: stable(x, axis)),
    *(Case("top_k", x, k, like=largest, dtype=(kind, "int32")) for x, kind in ((X, "float32"), (TIES, "int32")) for k in (0, 1, 3)),
    Case(
        "top_k",
        np.array([[3.0, 1.0, 2.0, 0.0], [1.0, 3.0, 1.0, 1.0]]),
        2,
        expected=[np.array([[3.0, 2.0], [3.0, 1.0]]), np.array([[0, 2], [1, 0]])],
    ),
    Case("top_k", np.array([1.0, np.nan, 2.0]), 2, expected=[np.array([np.nan, 2.0]), np.array([1, 2])]),
    Case("top_k", np.array([3, 200, 7], np.uint8), 2, expected=[np.array([200, 7], np.uint8), np.array([1, 2])]),
    *(
        Case("searchsorted", SORTED, v, side=side, like=np.searchsorted, dtype="int32")
        for v in (np.array([0.5, 1.0, 2.0, 3.0, 9.0]), np.array([[2.0], [4.0]]), np.array(2.0))
        for side in ("left", "right")
    ),
    Case("searchsorted", np.array([1, 3]), 2.5, like=np.searchsorted, dtype="int32"),
    Case("searchsorted", np.array([1, 3], np.uint32), np.array([2]), like=np.searchsorted, dtype="int32"),
    Case("digitize", np.array([0.2, 1.0, 6.4, 3.0]), np.array([0.0, 1.0, 2.5, 4.0]), like=np.digitize),
    Case("digitize", np.array([[0.2, 1.0], [6.4, 3.0]]), np.array([4.0, 2.5, 1.0, 0.0]), like=np.digitize),
    Case("digitize", np.array([1, 5]), np.array([3]), like=np.digitize),
    Case("digitize", np.array([1, 5]), np.array([2.5, 4.5]), like=np.digitize),
    Case("isin", TIES, np.array([5, 1, 9]), like=np.isin),
    Case("isin", TIES, np.array([[5, 1]]), invert=True, like=np.isin),
    Case("isin", WITH_NAN, np.array([np.nan, 1.0]), like=np.isin),
    Case("isin", 3, np.array([3]), like=np.isin),
    Case("isin", TIES, np.zeros((0,), int), like=np.isin),
    Case("isin", TIES, np.zeros((0,), int), invert=True, like=np.isin),
    Case("in_top_k", np.array([0, 1, 2]), np.array([[0.1, 0.9, 0.5]] * 3), 2, expected=np.array([False, True, True])),
    Case("in_top_k", np.array([0, 1]), np.array([[0.5, 0.5, 0.1]] * 2), 1, expected=np.array([True, True])),
    Case("in_top_k", np.array([0, 5, -1]), np.array([[np.nan, 0.5, 0.1]] * 3), 3, expected=np.array([False, False, False])),
    Case("in_top_k", np.array([0]), np.array([[np.inf, 0.5]]), 1, expected=np.array([False])),
    Case("unique", TIES, symbolic=False, like=np.unique),
    Case("unique", TIES, symbolic=False, return_index=True, return_inverse=True, return_counts=True, like=np.unique, dtype="int32"),
    Case("unique", np.array([2.5, 1.0, 2.5]), symbolic=False, return_counts=True, like=np.unique, dtype=("float32", "int32")),
    Case("unique", WITH_NAN, symbolic=False, like=np.unique),
    Case("unique", np.array([np.nan, np.nan]), symbolic=False, like=np.unique),
    Case("unique", ROWS, axis=0, symbolic=False, return_index=True, return_inverse=True, return_counts=True, like=np.unique, dtype="int32"),
    Case("unique", ROWS, axis=1, symbolic=False, like=np.unique),
    Case("unique", np.zeros((0,)), symbolic=False, like=np.unique),
    Case("unique", np.array([True, False, True]), symbolic=False, like=np.unique),
    Case("unique", TIES, size=4, expected=np.array([0, 1, 2, 3])),
    Case("unique", TIES, size=7, return_counts=True, expected=[np.array([0, 1, 2, 3, 5, 0, 0]), np.array([3, 2, 1, 3, 3, 0, 0])]),
    Case("unique", TIES, size=7, fill_value=-1, expected=np.array([0, 1, 2, 3, 5, -1, -1])),
    Case("unique", ROWS, axis=0, size=4, fill_value=9, expected=np.array([[0, 5], [1, 0], [1, 2], [9, 9]])),
]


@table(CASES)
def test_order(case, backend):
    case.check()


def test_unique_compiles_with_a_size():
    jax = pytest.importorskip("jax")
    with use_backend("jax"):
        found = jax.jit(lambda x: ops.unique(x, size=3, return_inverse=True))(np.array([5, 1, 5], np.int32))
    assert [part.tolist() for part in found] == [[1, 5, 1], [1, 0, 1]]


REFUSED = [
    (lambda: ops.top_k(X, 5), ArgumentError, r"k=5 for the shape \(2, 3, 4\)"),
    (lambda: ops.argpartition(X, 4), ArgumentError, "from -4 to 3"),
    (lambda: ops.searchsorted(X, 1.0), ShapeError, r"\(2, 3, 4\)"),
    (lambda: ops.searchsorted(SORTED, 1.0, side="middle"), ArgumentError, "'middle'"),
    (lambda: ops.digitize(X, X), ShapeError, r"\(2, 3, 4\)"),
    (lambda: ops.in_top_k(np.array([[0]]), np.ones((1, 3)), 1), ShapeError, r"\(1, 1\)"),
    (lambda: ops.sort(np.array([1j])), TypeError, "complex"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_has_no_order(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
