"""Ops that reduce axes, scan along them, or order what lies on them.

`axis` is one axis, several, or None for all; with `keepdims` the reduced axes stay with length 1. Sums and products of booleans and small
integers are kept in int32 (uint32 for unsigned ones) at least; means have a fraction; positions are int32.
"""

from __future__ import annotations

import math
from typing import Any

from cornu import dtypes
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, Axis, array, as_axes, as_axis, floating
from cornu.ops.dispatch import composite, primitive
from cornu.ops.core import cast, stop_gradient, where
from cornu.ops.elementwise import absolute, exp, isfinite, log, not_equal, sqrt, square, subtract
from cornu.ops.shaping import squeeze

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "count_nonzero", "cumprod", "cumsum", "logsumexp", "max", "mean", "min",
    "moments", "prod", "sort", "std", "sum", "top_k", "var",
]  # fmt: skip


def _accumulating(on: Any, x: Array) -> Array:
    """`x` in a dtype that a sum does not soon overflow."""
    x = array(on, x)
    name = on.dtype(x)
    if name in ("bool", "int8", "int16"):
        return on.cast(x, "int32")
    return on.cast(x, "uint32") if name in ("uint8", "uint16") else x


@primitive
def sum(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum over axes.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    x = _accumulating(on, x)
    return on.sum(x, as_axes(axis, x.ndim), keepdims)


@primitive
def prod(on: Any, x: Array, axis: Axis = None, keepdims: bool = False, dtype: str | None = None) -> Array:
    """Product over axes.

    >>> prod([[1, 2], [3, 4]], axis=1).tolist()
    [2, 12]
    """
    x = _accumulating(on, x) if dtype is None else array(on, x, dtypes.standardize(dtype))
    return on.prod(x, as_axes(axis, x.ndim), keepdims)


@primitive
def mean(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean over axes.

    >>> mean([[1, 2], [3, 4]]).tolist()
    2.5
    """
    x = floating(on, x)
    return on.mean(x, as_axes(axis, x.ndim), keepdims)


def _with_initial(on: Any, x: Array, axes: tuple[int, ...], initial: float | None, op: str) -> None:
    if initial is None and 0 in (x.shape[a] for a in axes):
        raise ArgumentError(f"The {op} of no elements does not exist, got the shape {tuple(x.shape)} over axes {axes}. Give `initial`.")


@primitive
def max(on: Any, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """Largest element over axes, NaN if there is one; at least `initial` if given.

    >>> max([[1, 2], [3, 4]], axis=0).tolist()
    [3, 4]
    """
    x = array(on, x)
    axes = as_axes(axis, x.ndim)
    _with_initial(on, x, axes, initial, "maximum")
    if initial is None:
        return on.max(x, axes, keepdims)
    if 0 in (x.shape[a] for a in axes):
        x = on.full(tuple(1 if a in axes else n for a, n in enumerate(x.shape)), initial, on.dtype(x))
    return on.maximum(on.max(x, axes, keepdims), initial)


@primitive
def min(on: Any, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """Smallest element over axes, NaN if there is one; at most `initial` if given.

    >>> min([[1, 2], [3, 4]], axis=0).tolist()
    [1, 2]
    """
    x = array(on, x)
    axes = as_axes(axis, x.ndim)
    _with_initial(on, x, axes, initial, "minimum")
    if initial is None:
        return on.min(x, axes, keepdims)
    if 0 in (x.shape[a] for a in axes):
        x = on.full(tuple(1 if a in axes else n for a, n in enumerate(x.shape)), initial, on.dtype(x))
    return on.minimum(on.min(x, axes, keepdims), initial)


@composite
def amax(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element over axes: another name for `max`."""
    return max(x, axis, keepdims)


@composite
def amin(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element over axes: another name for `min`."""
    return min(x, axis, keepdims)


@primitive
def any(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether any element is true (not zero) over axes."""
    x = array(on, x, "bool")
    return on.any(x, as_axes(axis, x.ndim), keepdims)


@primitive
def all(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all elements are true (not zero) over axes."""
    x = array(on, x, "bool")
    return on.all(x, as_axes(axis, x.ndim), keepdims)


def _flat(on: Any, x: Array, axis: int | None) -> tuple[Array, int]:
    x = array(on, x)
    return (on.reshape(x, (math.prod(x.shape),)), 0) if axis is None else (x, as_axis(axis, x.ndim))


@primitive
def argmax(on: Any, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the largest element along an axis, of the first among equals; over the flat array without `axis`.

    >>> argmax([[1, 3, 3]], axis=1).tolist()
    [1]
    """
    rank = array(on, x).ndim
    flat, along = _flat(on, x, axis)
    found = on.argmax(flat, along, keepdims)
    return on.reshape(found, (1,) * rank) if keepdims and axis is None else found


@primitive
def argmin(on: Any, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the smallest element along an axis, of the first among equals; over the flat array without `axis`.

    >>> argmin([[1, 3, 0]], axis=1).tolist()
    [2]
    """
    rank = array(on, x).ndim
    flat, along = _flat(on, x, axis)
    found = on.argmin(flat, along, keepdims)
    return on.reshape(found, (1,) * rank) if keepdims and axis is None else found


@primitive
def cumsum(on: Any, x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running sum along an axis; over the flat array without `axis`.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    x, axis = _flat(on, _accumulating(on, x) if dtype is None else array(on, x, dtypes.standardize(dtype)), axis)
    return on.cumsum(x, axis)


@primitive
def cumprod(on: Any, x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running product along an axis; over the flat array without `axis`.

    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    x, axis = _flat(on, _accumulating(on, x) if dtype is None else array(on, x, dtypes.standardize(dtype)), axis)
    return on.cumprod(x, axis)


@primitive
def sort(on: Any, x: Array, axis: int | None = -1) -> Array:
    """Ascending order along an axis; NaN last.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    return on.sort(*_flat(on, x, axis))


@primitive
def argsort(on: Any, x: Array, axis: int | None = -1) -> Array:
    """Positions that would sort along an axis; equal elements keep their order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    return on.argsort(*_flat(on, x, axis))


@primitive
def top_k(on: Any, x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The `k` largest elements of the last axis, largest first, and their positions; the first among equals comes first.

    They come sorted whether or not that is asked for.

    >>> [part.tolist() for part in top_k([1, 3, 2], 2)]
    [[3, 2], [1, 2]]
    """
    x = array(on, x)
    if not 0 <= k <= (x.shape[-1] if x.ndim else 0):
        raise ArgumentError(f"top_k takes at most as many values as the last axis has, got k={k} for the shape {tuple(x.shape)}.")
    return tuple(on.top_k(x, int(k), sorted))  # type: ignore[return-value]


@composite
def var(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Variance over axes, the mean of squared distances from the mean: `mean(|x - mean(x)| ** 2)`.

    >>> var([1.0, 3.0]).tolist()
    1.0
    """
    return mean(square(absolute(subtract(x, mean(x, axis, keepdims=True)))), axis, keepdims)


@composite
def std(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Standard deviation over axes: the root of the variance.

    >>> std([1.0, 3.0]).tolist()
    1.0
    """
    return sqrt(var(x, axis, keepdims))


@composite
def moments(x: Array, axes: Axis, keepdims: bool = False, synchronized: bool = False) -> tuple[Array, Array]:
    """Mean and variance over axes; float16 is computed in float32, so that squares do not overflow."""
    if synchronized:
        raise ArgumentError("synchronized=True needs a device mesh; statistics of one device are what this op computes. Use synchronized=False.")
    kind = dtypes.standardize(getattr(x, "dtype", "float32"))
    wide = cast(x, "float32") if kind == "float16" else x
    center = mean(wide, axes, keepdims=True)
    # The variance does not change with the mean to first order, so no gradient need flow through it
    spread = mean(square(subtract(wide, stop_gradient(center))), axes, keepdims=True)
    results = (center, spread) if keepdims else (squeeze(center, axes), squeeze(spread, axes))
    return tuple(cast(r, kind) for r in results) if kind == "float16" else results  # type: ignore[return-value]


@composite
def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Logarithm of the sum of exponentials, `ln(sum(e ** x))`, computed around the largest element so that it does not overflow.

    >>> logsumexp([1000.0, 1000.0]).tolist()
    1000.693115234375
    """
    largest = max(x, axis, keepdims=True)
    largest = stop_gradient(where(isfinite(largest), largest, 0))
    total = log(sum(exp(subtract(x, largest)), axis, keepdims=True)) + largest
    return total if keepdims else squeeze(total, axis) if axis is not None else squeeze(total)


@composite
def count_nonzero(x: Array, axis: Axis = None) -> Array:
    """How many elements are not zero over axes, as int32.

    >>> count_nonzero([0, 1, 2]).tolist()
    2
    """
    return sum(cast(not_equal(x, 0), "int32"), axis)
