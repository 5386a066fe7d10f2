"""Averages, quantiles, histograms, correlation, distances, what passes over NaN, differences and integrals: against NumPy and SciPy."""

import warnings

import numpy as np
import pytest
import scipy.spatial.distance

from cornu import ops
from cornu.errors import ArgumentError, ShapeError
from tests.ops.cases import Case, table

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 3, 5))
WHOLE = RNG.integers(0, 9, size=(2, 3, 5))
HOLES = np.where(RNG.uniform(size=(2, 3, 5)) < 0.3, np.nan, X)
HOLES[0, 0] = np.nan
V = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]
AXES = [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": (2, 0), "keepdims": True}]


def quietly(like):
    """NumPy warns of slices with nothing but NaN."""

    def run(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return like(*args, **kwargs)

    return run


def histogram(*args):
    """NumPy's, whose counts are whole numbers where ours are floats."""
    return [part.astype(float) for part in np.histogram(*args)]


AVERAGES = [
    Case("average", X, like=np.average),
    Case("average", X, axis=1, like=np.average),
    Case("average", X, axis=(0, 2), like=np.average),
    Case("average", WHOLE, like=np.average),
    Case("average", X, axis=1, weights=np.array([1.0, 2.0, 5.0]), like=np.average),
    Case("average", X, weights=np.abs(X), like=np.average),
    Case("average", WHOLE, axis=0, weights=np.array([1, 3]), like=np.average),
]

QUANTILES = [
    *(Case("median", X, like=np.median, **axes) for axes in AXES),
    Case("median", WHOLE, axis=-1, like=np.median),
    Case("median", HOLES, axis=-1, like=np.median),
    Case("median", X.astype(np.float16), axis=-1, like=np.median),
    *(Case("quantile", X, 0.3, like=np.quantile, **axes) for axes in AXES),
    *(Case("quantile", X, np.array([0.0, 0.1, 0.5, 0.77, 1.0]), axis=-1, method=m, like=np.quantile) for m in METHODS),
    *(Case("quantile", np.arange(11.0), q, method=m, like=np.quantile) for q in (0.1, 0.3, 0.6, 0.7) for m in METHODS),
    Case("quantile", X, np.array([[0.1], [0.9]]), axis=(0, 1), keepdims=True, like=np.quantile),
    Case("quantile", WHOLE, 0.4, axis=1, like=np.quantile),
    Case("quantile", HOLES, 0.4, axis=2, like=np.quantile),
    Case("percentile", X, 30, axis=1, like=np.percentile),
    Case("percentile", X, [10.0, 90.0], like=np.percentile),
    Case("quantile", np.array([np.inf, np.inf, 1.0]), 0.75, expected=np.array(np.inf)),
]

NAN = [
    *(
        Case(op, HOLES, like=quietly(getattr(np, op)), **axes)
        for op in ("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian")
        for axes in AXES
    ),
    *(Case(op, WHOLE, axis=1, like=getattr(np, op)) for op in ("nansum", "nanmax", "nanmin", "nanmean", "nanstd", "nanmedian")),
    *(Case(op, HOLES, axis=axis, like=getattr(np, op)) for op in ("nancumsum", "nancumprod") for axis in (None, 1)),
    *(
        Case(op, HOLES[1], like=getattr(np, op), **axes)
        for op in ("nanargmax", "nanargmin")
        for axes in ({}, {"axis": 0}, {"axis": 1, "keepdims": True})
    ),
    Case("nanargmax", HOLES[0, :2], axis=1, expected=np.array([-1, np.nanargmax(HOLES[0, 1])])),
    Case("nanargmin", WHOLE, axis=1, like=np.nanargmin),
    *(Case("nanquantile", HOLES, 0.4, axis=2, method=m, like=quietly(np.nanquantile)) for m in METHODS),
    Case("nanquantile", HOLES, [0.2, 0.9], axis=(0, 1), keepdims=True, like=quietly(np.nanquantile)),
    Case("nanpercentile", HOLES, 60, axis=1, like=quietly(np.nanpercentile)),
    Case("nansum", np.array([1.0, np.nan, np.inf]), like=np.nansum),
]

COUNTS = [
    Case("histogram", X, like=histogram),
    Case("histogram", V, 3, like=histogram),
    Case("histogram", V, 4, (0, 4), like=histogram),
    Case("histogram", WHOLE, 9, (0, 9), like=histogram),
    Case("histogram", np.full(3, 2.0), 2, like=histogram),
    Case("histogram", np.zeros((0,)), 2, like=histogram),
    Case("bincount", np.array([1, 2, 1, 5]), symbolic=False, like=np.bincount),
    Case("bincount", np.array([1, 2]), minlength=5, symbolic=False, like=np.bincount),
    Case("bincount", np.array([1, 2, 1]), weights=np.array([0.5, 1.0, 2.0]), symbolic=False, like=np.bincount, dtype="float32"),
    Case("bincount", np.array([[0, 1, 1], [3, 0, 0]]), symbolic=False, expected=np.array([[1, 2, 0, 0], [2, 0, 0, 1]])),
    Case(
        "bincount", np.array([[0, 1], [1, 1]]), weights=np.array([[1.0, 2], [3, 4]]), symbolic=False, expected=np.array([[1.0, 2], [0, 7]])
    ),
    Case("bincount", np.zeros((0,), int), minlength=2, symbolic=False, like=np.bincount),
]
RELATIONS = [
    Case("corrcoef", X[0], like=np.corrcoef),
    Case("corrcoef", WHOLE[0], like=np.corrcoef),
    Case("corrcoef", V, like=np.corrcoef),
    Case("cdist", X[0], X[1], like=scipy.spatial.distance.cdist),
    Case("cdist", X, X[:, :2], expected=np.stack([scipy.spatial.distance.cdist(a, a[:2]) for a in X])),
    *(
        Case("correlate", x, y, mode, like=np.correlate)
        for x, y in ((V, V[:2]), (V, V[:3]), (V[:2], V), (V[:3], V), (V, V), (V[:4], V[:2]), (V[:2], V[:4]))
        for mode in ("valid", "same", "full")
    ),
    Case("correlate", np.array([1, 2, 3]), np.array([0, 1]), like=np.correlate),
    Case("correlate", np.array([1j, 2]), np.array([1, 1j]), "full", like=np.correlate),
]

CALCULUS = [
    Case("diff", V, like=np.diff),
    Case("diff", X, 2, axis=1, like=np.diff),
    Case("diff", WHOLE, axis=0, like=np.diff),
    Case("diff", np.array([True, True, False]), like=np.diff),
    Case("diff", V, 0, like=np.diff),
    Case("diff", V, 9, like=np.diff),
    Case("trapezoid", V, like=np.trapezoid),
    Case("trapezoid", X, axis=1, dx=0.5, like=np.trapezoid),
    Case("trapezoid", X, np.array([0.0, 1.0, 4.0]), axis=1, like=np.trapezoid),
    Case("trapezoid", X, np.cumsum(np.abs(X), 1), axis=1, like=np.trapezoid),
    Case("trapezoid", WHOLE, like=np.trapezoid),
]


@table(AVERAGES)
def test_average(case, backend):
    case.check()


@table(QUANTILES)
def test_quantile(case, backend):
    case.check()


@table(NAN)
def test_passing_over_nan(case, backend):
    case.check()


@table(COUNTS)
def test_counts(case, backend):
    case.check()


@table(RELATIONS)
def test_relation(case, backend):
    case.check()


@table(CALCULUS)
def test_differences_and_integrals(case, backend):
    case.check()


REFUSED = [
    (lambda: ops.quantile(X, 0.5, method="middle"), ArgumentError, "'middle'"),
    (lambda: ops.median(np.zeros((2, 0)), axis=1), ArgumentError, r"\(2, 0\)"),
    (lambda: ops.histogram(X, 0), ArgumentError, "bins=0"),
    (lambda: ops.bincount(np.array([-1])), ArgumentError, "-1"),
    (lambda: ops.bincount(np.array([0.5])), ArgumentError, "float"),
    (lambda: ops.bincount(WHOLE), ShapeError, r"\(2, 3, 5\)"),
    (lambda: ops.corrcoef(X), ShapeError, r"\(2, 3, 5\)"),
    (lambda: ops.cdist(X, V), ShapeError, r"\(2, 3, 5\) and \(5,\)"),
    (lambda: ops.correlate(V, X), ShapeError, r"\(5,\) and \(2, 3, 5\)"),
    (lambda: ops.correlate(V, V, "whole"), ArgumentError, "'whole'"),
    (lambda: ops.diff(V, -1), ArgumentError, "n=-1"),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED, ids=range(len(REFUSED)))
def test_statistics_that_do_not_exist(call, error, words, backend):
    with pytest.raises(error, match=words):
        call()
