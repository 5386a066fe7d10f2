"""Reductions and running results: values against NumPy, dtypes, keepdims, axes of every spelling, NaN, empty arrays."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(1)
X = RNG.normal(size=(2, 3, 4))
WHOLE = RNG.integers(-3, 4, size=(2, 3, 4))
WITH_NAN = np.where(RNG.uniform(size=(2, 3, 4)) < 0.1, np.nan, X)
AXES = [
    {},
    {"axis": 1},
    {"axis": -1, "keepdims": True},
    {"axis": (0, -1)},
    {"axis": [2, 0], "keepdims": True},
    {"keepdims": True},
    {"axis": ()},
]
SUMMED = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32", "int32": "int32", "uint32": "uint32"}


def logsumexp(x, axis=None, keepdims=False):
    return scipy.special.logsumexp(x, axis=tuple(range(x.ndim)) if axis is None else axis, keepdims=keepdims)


def tupled(like):
    """NumPy takes several axes as a tuple only."""
    return lambda x, axis=None, **rest: like(x, axis=tuple(axis) if isinstance(axis, list) else axis, **rest)


REDUCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "amax": np.amax,
    "amin": np.amin,
    "ptp": np.ptp,
    "var": np.var,
    "std": np.std,
    "any": np.any,
    "all": np.all,
}

CASES = [
    case
    for name, like in REDUCTIONS.items()
    for case in (
        *(Case(name, X, like=tupled(like), **axes) for axes in AXES),
        Case(name, WITH_NAN, axis=2, like=like),
        Case(name, X.astype(np.float16), axis=1, like=like, rtol=1e-2, atol=2e-3),
        Case(name, np.abs(X).astype(ml_dtypes.bfloat16), axis=1, like=like, rtol=4e-2, atol=2e-2),
        Case(name, np.array(2.5), like=like),
        Case(name, WHOLE, axis=0, like=like),
        Case(name, np.zeros((0, 3)), axis=1, like=like),
    )
] + [
    *(Case("logsumexp", X * 100, like=tupled(logsumexp), **axes) for axes in AXES if axes.get("axis") != ()),
    Case("logsumexp", np.array([np.inf, 1.0]), expected=np.array(np.inf)),
    Case("logsumexp", np.array([-np.inf, -np.inf]), expected=np.array(-np.inf)),
    Case("logsumexp", np.array([np.nan, 1.0]), expected=np.array(np.nan)),
    Case("logsumexp", np.array([1, 2, 3], np.uint8), expected=scipy.special.logsumexp([1.0, 2.0, 3.0])),
    *(Case("count_nonzero", WHOLE, like=np.count_nonzero, dtype="int32", **axes) for axes in ({}, {"axis": 1}, {"axis": (0, 2)})),
    *(
        Case(op, x, **axes, like=getattr(np, op))
        for op in ("argmax", "argmin")
        for x in (X, WHOLE, WITH_NAN)
        for axes in ({}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"keepdims": True})
    ),
    *(Case(op, np.array([True, False, True]), like=getattr(np, op)) for op in ("argmax", "argmin", "max", "min")),
    *(Case(op, np.array([3, 200, 7], np.uint8), like=getattr(np, op)) for op in ("argmax", "argmin", "max", "min")),
    *(Case(op, np.array([3, 2**31 + 5, 7], np.uint32), like=getattr(np, op)) for op in ("argmax", "max", "min")),
    *(
        Case(op, x, **axes, like=getattr(np, op))
        for op in ("cumsum", "cumprod")
        for x in (X, WHOLE)
        for axes in ({}, {"axis": 1}, {"axis": -1})
    ),
    *(Case(op, np.array([True, False, True]), like=lambda x, op=op: getattr(np, op)(x.astype(int))) for op in ("cumsum", "cumprod")),
    Case("cumsum", np.array([100, 100], np.int8), expected=np.array([100, -56], np.int8)),
    Case("cumsum", np.array([100, 100], np.int8), dtype="int8", expected=np.array([100, -56], np.int8)),
    *(
        Case(op, np.ones((2, 3), kind), expected=np.full((), value), dtype=wide)
        for op, value in (("sum", 6), ("prod", 1))
        for kind, wide in SUMMED.items()
    ),
    Case("sum", np.array([200, 100], np.uint8), expected=np.array(300), dtype="uint32"),
    Case("sum", np.zeros((0,)), expected=np.array(0.0)),
    Case("prod", np.zeros((2, 0)), axis=1, expected=np.ones(2)),
    Case("mean", np.zeros((2, 0)), axis=1, expected=np.full(2, np.nan)),
    Case("mean", np.array([True, False]), expected=np.array(0.5)),
    Case("max", X, axis=1, initial=0.5, like=np.max),
    Case("min", X, axis=1, initial=-0.5, keepdims=True, like=np.min),
    Case("max", np.zeros((0, 3)), axis=0, initial=7.0, expected=np.full(3, 7.0)),
    Case("min", np.zeros((0, 3)), axis=0, initial=7.0, keepdims=True, expected=np.full((1, 3), 7.0)),
    Case("max", WHOLE, initial=2, like=np.max),
    Case("mean", np.array([1 + 2j, 3]), like=np.mean),
    Case("var", np.array([1 + 2j, 3]), like=np.var, dtype="float32"),
    Case("allclose", X, X + 1e-7, like=np.allclose),
    Case("allclose", X, X + 1e-2, like=np.allclose),
    Case("moments", X, 1, like=lambda x, a: (np.mean(x, a), np.var(x, a))),
    Case(
        "moments",
        X,
        [0, 2],
        keepdims=True,
        like=lambda x, a, keepdims: (np.mean(x, (0, 2), keepdims=True), np.var(x, (0, 2), keepdims=True)),
    ),
    Case("moments", np.array([100.0, -100.0]).astype(np.float16), 0, expected=[np.array(0.0), np.array(10000.0)], dtype="float16"),
    Case("sum", [[1, 2], [3, 4]], axis=0, expected=np.array([4, 6])),
]


def _dtype_named(case):
    # `dtype` is a parameter of the op here, not of the case
    if case.op in ("cumsum",) and case.dtype is not None:
        case.kwargs, case.dtype = {**case.kwargs, "dtype": case.dtype}, "int8"
    return case


@table([_dtype_named(case) for case in CASES])
def test_reduction(case, backend):
    case.check()


@pytest.mark.parametrize("op", ["prod", "cumsum", "cumprod"])
def test_the_result_takes_the_dtype_asked_for(op, backend):
    result = getattr(ops, op)(np.array([100, 2], np.int8), dtype="float32")
    assert ops.dtype(result) == "float32"
    assert ops.convert_to_numpy(result).ravel()[-1] == (102 if op == "cumsum" else 200)


@pytest.mark.parametrize("op", ["max", "min", "argmax", "argmin"])
def test_an_extreme_of_nothing_is_refused(op, backend):
    with pytest.raises(ArgumentError, match=r"\(2, 0\)"):
        getattr(ops, op)(np.zeros((2, 0)), axis=1)


@pytest.mark.parametrize(
    ("axis", "error", "words"), [(3, ArgumentError, "from -3 to 2"), ((0, 0), ArgumentError, "once"), (1.0, ArgumentError, "whole number")]
)
def test_axes_that_are_not_there_are_refused(axis, error, words, backend):
    for op in (ops.sum, ops.mean, ops.max, ops.logsumexp, ops.var):
        with pytest.raises(error, match=words):
            op(X, axis=axis)


def test_complex_numbers_have_no_order(backend):
    with pytest.raises(TypeError, match="complex"):
        ops.max(np.array([1j]))


def test_weights_of_another_shape_are_refused(backend):
    with pytest.raises(ShapeError, match=r"\(2,\) for \(2, 3, 4\)"):
        ops.average(X, axis=1, weights=np.ones(2))


@given(shape=st.lists(st.integers(1, 3), min_size=1, max_size=4), data=st.data())
def test_any_axes_of_any_shape(shape, data):
    from cornu import use_backend

    axes = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda a: a % len(shape), max_size=len(shape)))
    keepdims = data.draw(st.booleans())
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for name in ("numpy", "torch"):
        with use_backend(name):
            np.testing.assert_allclose(ops.convert_to_numpy(ops.sum(x, axes, keepdims)), x.sum(tuple(axes), keepdims=keepdims))
            np.testing.assert_allclose(ops.convert_to_numpy(ops.max(x, axes, keepdims)), x.max(tuple(axes), keepdims=keepdims))
