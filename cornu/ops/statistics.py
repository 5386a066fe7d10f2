"""Ops of statistics: averages, quantiles, histograms, correlation, distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Axis, array, as_axes, concrete
from cornu.ops.core import cast, clip, convert_to_tensor, to_floating, where
from cornu.ops.creation import arange, full, linspace
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import (
    absolute,
    add,
    ceil,
    conj,
    divide,
    equal,
    floor,
    greater,
    isnan,
    less_equal,
    log10,
    logical_not,
    multiply,
    round,
    sqrt,
    square,
    subtract,
)  # fmt: skip
from cornu.ops.indexing import scatter_update, take, take_along_axis
from cornu.ops.matrices import diagonal
from cornu.ops.products import matmul
from cornu.ops.reduce import any, max, mean, min, sum
from cornu.ops.shaping import broadcast_to, expand_dims, moveaxis, pad, ravel, reshape, transpose
from cornu.ops.sorting import searchsorted, sort

__all__ = ["average", "bincount", "cdist", "corrcoef", "correlate", "histogram", "median", "percentile", "psnr", "quantile"]


@composite
def average(x: Array, axis: Axis = None, weights: Array | None = None) -> Array:
    """The weighted mean, `sum(w x) / sum(w)`; weights have the shape of `x`, or are a vector along its one axis.

    >>> average([1.0, 2.0, 4.0], weights=[2.0, 1.0, 1.0]).tolist()
    2.0
    """
    if weights is None:
        return mean(x, axis)
    x, weights = to_floating(x), to_floating(weights)
    if tuple(x.shape) != tuple(weights.shape):
        along = as_axes(axis, x.ndim)
        if axis is None or len(along) != 1 or tuple(weights.shape) != (x.shape[along[0]],):
            raise ShapeError(
                f"Weights have the shape of x, or are a vector along the one axis, got {tuple(weights.shape)} for {tuple(x.shape)}, axis={axis}."
            )
        weights = broadcast_to(reshape(weights, [-1 if i == along[0] else 1 for i in range(x.ndim)]), x.shape)
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


def quantiles(x: Array, q: Array, axis: Axis, method: str, keepdims: bool, *, without_nan: bool) -> Array:
    """The q-quantiles over axes, along new leading axes if `q` has any; with or without the NaN among the elements."""
    if method not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise ArgumentError(f"method must be 'linear', 'lower', 'higher', 'midpoint' or 'nearest', got {method!r}.")
    x, q = to_floating(x), to_floating(q)
    axes = as_axes(axis, x.ndim)
    left = [n for i, n in enumerate(x.shape) if i not in axes]
    lines = reshape(moveaxis(x, axes, tuple(range(-len(axes), 0))), (*left, math.prod(x.shape[a] for a in axes)))
    if not lines.shape[-1]:
        raise ArgumentError(f"A quantile of no elements does not exist, got the shape {tuple(x.shape)} over axes {axes}.")
    absent = isnan(lines)
    last = subtract(cast(sum(logical_not(absent), -1, keepdims=True), q.dtype), 1) if without_nan else lines.shape[-1] - 1
    place = _whole_where_meant(multiply(reshape(q, (-1, *[1] * lines.ndim)), last))
    found = _at(sort(lines), place, method)
    if not without_nan:
        found = where(any(absent, -1, keepdims=True), math.nan, found)
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else left
    return cast(reshape(found, (*q.shape, *kept)), x.dtype)


def _whole_where_meant(place: Array) -> Array:
    """Places within rounding error of a whole number are that number: 0.3 * 10 is 3."""
    nearest = round(place)
    return where(less_equal(absolute(subtract(place, nearest)), multiply(absolute(nearest), 1e-6)), nearest, place)


def _at(ordered: Array, place: Array, method: str) -> Array:
    """The values at places (q, ..., 1) between the positions of sorted lines (..., n)."""
    if method == "nearest":
        place = round(place)
    low, high = floor(place), ceil(place)
    lines = expand_dims(ordered, 0)
    below, above = (take_along_axis(lines, broadcast_to(cast(p, "int32"), (p.shape[0], *ordered.shape[:-1], 1)), -1) for p in (low, high))
    if method in ("lower", "higher"):
        return below if method == "lower" else above
    share = subtract(place, low) if method != "midpoint" else multiply(greater(high, low), 0.5)
    return where(equal(below, above), below, add(multiply(below, subtract(1, share)), multiply(above, share)))


@composite
def quantile(x: Array, q: Array, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """The value below which a share `q`, from 0 to 1, of the elements lies; several along a new first axis if `q` is a vector. NaN if there is one.

    Between two elements the method decides: "linear", "lower", "higher", "midpoint", "nearest".

    >>> quantile([1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.25, 1.0]).tolist()
    [1.0, 2.0, 5.0]
    """
    return quantiles(x, q, axis, method, keepdims, without_nan=False)


@composite
def percentile(x: Array, q: Array, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """The value below which `q` percent of the elements lie: `quantile` of `q / 100`.

    >>> percentile([1.0, 2.0, 3.0], 50).tolist()
    2.0
    """
    return quantiles(x, divide(q, 100), axis, method, keepdims, without_nan=False)


@composite
def median(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The middle element, or the mean of the two in the middle: `quantile` of 0.5.

    >>> median([3, 1, 2, 10]).tolist()
    2.5
    """
    return quantiles(x, 0.5, axis, "linear", keepdims, without_nan=False)


@composite
def histogram(x: Array, bins: int = 10, range: Sequence[float] | None = None) -> tuple[Array, Array]:
    """How many elements lie in each of `bins` equal parts of the range (that of the elements by default), and the parts' edges, both as floats.

    A part has its lower edge and not its upper one, but for the last, which has both.

    >>> [part.tolist() for part in histogram([1, 2, 1], 2, (0, 2))]
    [[0.0, 3.0], [0.0, 1.0, 2.0]]
    """
    if not isinstance(bins, int) or bins < 1:
        raise ArgumentError(f"The number of bins must be a positive whole number, got bins={bins!r}.")
    x = to_floating(ravel(x))
    if range is not None:
        low, high = (cast(end, x.dtype) for end in range)
    else:
        low, high = (min(x), max(x)) if x.shape[0] else (full((), 0, x.dtype), full((), 1, x.dtype))
    same = equal(low, high)
    low, high = where(same, subtract(low, 0.5), low), where(same, add(high, 0.5), high)
    edges = linspace(low, high, bins + 1)
    place = subtract(searchsorted(edges, x, "right"), 1)
    place = where(equal(x, high), bins - 1, where(less_equal(low, x), place, bins))
    return scatter_update(full((bins,), 0, x.dtype), expand_dims(place, 1), 1, "add"), edges


@composite
def bincount(x: Array, weights: Array | None = None, minlength: int = 0, sparse: bool = False) -> Array:
    """How often each number from 0 on occurs (or the sum of its weights), as far as the largest and at least to `minlength`; row by row for a matrix.

    The length depends on the values, so this neither compiles nor records; `ops.segment_sum` of ones does.

    >>> bincount([1, 2, 1, 5]).tolist()
    [0, 2, 1, 0, 0, 1]
    """
    if sparse:
        raise ArgumentError("Cornu's arrays are dense, got sparse=True. Use sparse=False.")
    x = convert_to_tensor(x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"ops.bincount takes a vector or a matrix, got the shape {tuple(x.shape)}.")
    length = _bins(x, minlength)
    weights = 1 if weights is None else convert_to_tensor(weights)
    blank = full((*x.shape[:-1], length), 0, "int32" if isinstance(weights, int) else weights.dtype)
    if x.ndim == 1:
        return scatter_update(blank, expand_dims(x, 1), weights, "add")
    rows = expand_dims(arange(x.shape[0]), 1)
    flat = scatter_update(
        ravel(blank), reshape(add(x, multiply(rows, length)), (-1, 1)), weights if isinstance(weights, int) else ravel(weights), "add"
    )
    return reshape(flat, blank.shape)


@primitive
def _bins(on: Any, x: Array, least: int) -> int:
    """How many bins the numbers need, as a Python number."""
    values = concrete(on, array(on, x), "bincount")
    if values.dtype.kind not in "iu" or values.min(initial=0) < 0:
        raise ArgumentError(f"ops.bincount counts whole numbers from 0 on, got {values.dtype} down to {values.min(initial=0)}.")
    return int(values.max(initial=least - 1)) + 1


@composite
def corrcoef(x: Array) -> Array:
    """Correlation of the rows of a matrix (K. Pearson): their covariance over the product of their deviations, from -1 to 1.

    >>> corrcoef([[1.0, 3.0], [3.0, 1.0]]).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = to_floating(x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"ops.corrcoef takes a matrix with a variable a row, got the shape {tuple(x.shape)}.")
    rows = reshape(x, (-1, x.shape[-1]))
    rows = subtract(rows, mean(rows, 1, keepdims=True))
    products = matmul(rows, conj(transpose(rows)))
    spread = sqrt(diagonal(products))
    found = clip(divide(products, multiply(expand_dims(spread, 1), spread)), -1.0, 1.0)
    return reshape(found, ()) if x.ndim == 1 else found


@composite
def correlate(x1: Array, x2: Array, mode: str = "valid") -> Array:
    """The second vector slid along the first: `c[k] = sum over n of x1[n + k] * conj x2[n]`.

    Modes: "valid", where the shorter lies inside the longer; "same", as many as the longer has, from the middle; "full", wherever they touch.

    >>> correlate([1, 2, 3], [0, 1]).tolist(), correlate([1, 2, 3], [0, 1], "full").tolist()
    ([2, 3], [1, 2, 3, 0])
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1 or not x1.shape[0] * x2.shape[0]:
        raise ShapeError(f"ops.correlate takes two vectors that are not empty, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}.")
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(f"mode must be 'valid', 'same' or 'full', got {mode!r}.")
    n, k = x1.shape[0], x2.shape[0]
    around = pad(x1, k - 1)  # (n + 2 (k - 1),)
    windows = take(around, add(expand_dims(arange(n + k - 1), 1), arange(k)))  # (n + k - 1, k)
    touching = cast(sum(multiply(windows, conj(x2)), 1), multiply(take(x1, [0]), take(x2, [0])).dtype)
    short, long = sorted((n, k))
    first, count = {
        "full": (0, n + k - 1),
        "valid": (short - 1, long - short + 1),
        "same": ((short - 1) // 2 if n >= k else short // 2, long),
    }[mode]
    return take(touching, arange(first, first + count))


@composite
def cdist(x: Array, y: Array) -> Array:
    """Euclidean distances between the rows of two matrices (or stacks of them): (..., p, m) and (..., r, m) to (..., p, r). The gradient at 0 is 0.

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[5.0, 0.0]]
    """
    x, y = to_floating(x), to_floating(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"ops.cdist takes matrices with rows of equal length, got shapes {tuple(x.shape)} and {tuple(y.shape)}.")
    squares = sum(square(subtract(expand_dims(x, -2), expand_dims(y, -3))), -1)
    apart = greater(squares, 0)
    return where(apart, sqrt(where(apart, squares, 1)), 0)


@composite
def psnr(x1: Array, x2: Array, max_val: float) -> Array:
    """Peak signal-to-noise ratio in decibels: `20 log10(max_val) - 10 log10(mean((x1 - x2) ** 2))`.

    >>> psnr([1.0, 1.0], [0.0, 0.0], 1.0).tolist()
    0.0
    """
    x1, x2 = to_floating(x1), to_floating(x2)
    if tuple(x1.shape) != tuple(x2.shape):
        raise ShapeError(f"ops.psnr compares arrays of one shape, got {tuple(x1.shape)} and {tuple(x2.shape)}.")
    return multiply(log10(divide(max_val**2, mean(square(subtract(x1, x2))))), 10)
