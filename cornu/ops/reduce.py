"""Ops that reduce axes or scan along them.

`axis` is one axis, several, or None for all; with `keepdims` the reduced axes stay with length 1. Sums and products of booleans and small
integers are kept in int32 (uint32 for unsigned ones) at least; means have a fraction; positions are int32.
"""

from __future__ import annotations

import math
from typing import Any

from cornu import backends, dtypes
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, Axis, array, as_axes, as_axis, floating, no_complex
from cornu.ops.core import cast, convert_to_tensor, stop_gradient, to_floating, where
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import absolute, add, exp, isclose, isfinite, log, not_equal, sqrt, square, subtract
from cornu.ops.shaping import squeeze

__all__ = [
    "all", "allclose", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "logsumexp", "max", "mean",
    "min", "moments", "prod", "ptp", "std", "sum", "var",
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
    x = _accumulating(on, x) if dtype is None else array(on, array(on, x), dtypes.standardize(dtype))
    return on.prod(x, as_axes(axis, x.ndim), keepdims)


@primitive
def mean(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean over axes; NaN of no elements.

    >>> mean([[1, 2], [3, 4]]).tolist()
    2.5
    """
    x = floating(on, x)
    return on.mean(x, as_axes(axis, x.ndim), keepdims)


def _extreme(on: Any, x: Array, axis: Axis, keepdims: bool, initial: float | None, op: str) -> Array:
    """The largest ("maximum") or smallest ("minimum") element, with `initial` among them."""
    x = no_complex(on, array(on, x), op)
    axes = as_axes(axis, x.ndim)
    empty = 0 in [x.shape[a] for a in axes]
    if initial is None and empty:
        raise ArgumentError(f"The {op} of no elements does not exist, got the shape {tuple(x.shape)} over axes {axes}. Give `initial`.")
    if empty:
        return on.full(tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes), initial, on.dtype(x))
    found = (on.max if op == "maximum" else on.min)(x, axes, keepdims)
    return found if initial is None else getattr(on, op)(found, initial)


@primitive
def max(on: Any, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """Largest element over axes, NaN if there is one; at least `initial` if given. Equal elements share the gradient.

    >>> max([[1, 2], [3, 4]], axis=0).tolist()
    [3, 4]
    """
    return _extreme(on, x, axis, keepdims, initial, "maximum")


@primitive
def min(on: Any, x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """Smallest element over axes, NaN if there is one; at most `initial` if given. Equal elements share the gradient.

    >>> min([[1, 2], [3, 4]], axis=0).tolist()
    [1, 2]
    """
    return _extreme(on, x, axis, keepdims, initial, "minimum")


@composite
def amax(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element over axes: another name for `max`.

    >>> amax([[1, 2], [3, 4]]).tolist()
    4
    """
    return max(x, axis, keepdims)


@composite
def amin(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element over axes: another name for `min`.

    >>> amin([[1, 2], [3, 4]]).tolist()
    1
    """
    return min(x, axis, keepdims)


@composite
def ptp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """From the smallest to the largest element over axes: `max(x) - min(x)`.

    >>> ptp([[1, 2], [3, 7]], axis=1).tolist()
    [1, 4]
    """
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@primitive
def any(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether any element is true (not zero) over axes.

    >>> any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    x = array(on, x, "bool")
    return on.any(x, as_axes(axis, x.ndim), keepdims)


@primitive
def all(on: Any, x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all elements are true (not zero) over axes.

    >>> all([[True, True], [True, False]], axis=1).tolist()
    [True, False]
    """
    x = array(on, x, "bool")
    return on.all(x, as_axes(axis, x.ndim), keepdims)


@composite
def allclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Whether all elements are nearly equal: `isclose` of them all.

    >>> allclose([1.0, 2.0], [1.0, 2.000001]).tolist()
    True
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))


@composite
def count_nonzero(x: Array, axis: Axis = None) -> Array:
    """How many elements are not zero over axes, as int32.

    >>> count_nonzero([0, 1, 2]).tolist()
    2
    """
    return sum(not_equal(x, 0), axis)


def flat(on: Any, x: Array, axis: int | None) -> tuple[Array, int]:
    """The array and a whole axis; without `axis` the array made flat and its only axis."""
    x = array(on, x)
    return (on.reshape(x, (math.prod(x.shape),)), 0) if axis is None else (x, as_axis(axis, x.ndim))


def _position(on: Any, x: Array, axis: int | None, keepdims: bool, op: str) -> Array:
    x = no_complex(on, array(on, x), op)
    line, along = flat(on, x, axis)
    if line.shape[along] == 0:
        raise ArgumentError(f"ops.{op} of no elements does not exist, got the shape {tuple(x.shape)} and axis={axis}.")
    found = getattr(on, op)(line, along, keepdims)
    return on.reshape(found, (1,) * x.ndim) if keepdims and axis is None else found


@primitive
def argmax(on: Any, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the largest element along an axis, of the first among equals; over the flat array without `axis`. NaN counts as largest.

    >>> argmax([[1, 3, 3]], axis=1).tolist()
    [1]
    """
    return _position(on, x, axis, keepdims, "argmax")


@primitive
def argmin(on: Any, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the smallest element along an axis, of the first among equals; over the flat array without `axis`. NaN counts as smallest.

    >>> argmin([[1, 3, 0]], axis=1).tolist()
    [2]
    """
    return _position(on, x, axis, keepdims, "argmin")


def _running(on: Any, x: Array, dtype: str | None) -> Array:
    x = array(on, x)
    return on.cast(x, dtypes.standardize(dtype)) if dtype is not None else on.cast(x, "int32") if on.dtype(x) == "bool" else x


@primitive
def cumsum(on: Any, x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running sum along an axis, in the dtype of `x` (booleans as int32); over the flat array without `axis`.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    return on.cumsum(*flat(on, _running(on, x, dtype), axis))


@primitive
def cumprod(on: Any, x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running product along an axis, in the dtype of `x` (booleans as int32); over the flat array without `axis`.

    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    return on.cumprod(*flat(on, _running(on, x, dtype), axis))


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
    """Mean and variance over axes; float16 is computed in float32, so that squares do not overflow.

    With `synchronized` they are those of an array that several devices share. An array of JAX is one array wherever its parts lie, so that there
    they always are; a backend that computes on one device raises an `ArgumentError`.

    >>> [part.tolist() for part in moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    if synchronized and not hasattr(backends.compute(), "distribution"):
        raise ArgumentError(
            f"synchronized=True needs devices that share an array, and the {backends.compute().NAME} backend computes on one. Use synchronized=False."
        )
    x = convert_to_tensor(x)
    kind = dtypes.standardize(x.dtype)
    wide = cast(x, "float32") if kind == "float16" else x
    center = mean(wide, axes, keepdims=True)
    # The variance does not change with the mean to first order, so no gradient need flow through it
    spread = mean(square(subtract(wide, stop_gradient(center))), axes, keepdims=True)
    results = (center, spread) if keepdims else tuple(_without(part, axes) for part in (center, spread))
    return tuple(cast(r, kind) for r in results) if kind == "float16" else results


def _without(x: Array, axes: Axis) -> Array:
    """`x` without the axes over which it was reduced with `keepdims`."""
    return squeeze(x, as_axes(axes, x.ndim))


@composite
def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Logarithm of the sum of exponentials, `ln(sum(e ** x))`, computed around the largest element so that it does not overflow.

    >>> logsumexp([-1000.0, 1000.0]).tolist()
    1000.0
    """
    x = to_floating(x)
    largest = max(x, axis, keepdims=True)
    largest = stop_gradient(where(isfinite(largest), largest, 0))
    total = add(log(sum(exp(subtract(x, largest)), axis, keepdims=True)), largest)
    return total if keepdims else _without(total, axis)
