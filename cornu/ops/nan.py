"""Reductions and scans that pass over NaN: they act as if it were not there. Where nothing is left a sum is 0, a product 1, the rest NaN."""

from __future__ import annotations

import math
from typing import Any

from cornu import dtypes
from cornu.ops.arguments import Array, Axis
from cornu.ops.core import cast, convert_to_tensor, to_floating, where
from cornu.ops.dispatch import composite
from cornu.ops.elementwise import absolute, divide, isnan, logical_not, sqrt, square, subtract
from cornu.ops.reduce import all, argmax, argmin, cumprod, cumsum, max, min, prod, sum
from cornu.ops.statistics import quantiles

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod",
    "nanquantile", "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _filled(x: Array, value: float) -> Array:
    """`x` with a number in place of NaN; integers have none."""
    x = convert_to_tensor(x)
    name = dtypes.standardize(x.dtype)
    return where(isnan(x), value, x) if dtypes.is_floating(name) or dtypes.is_complex(name) else x


@composite
def nansum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum of what is not NaN.

    >>> nansum([1.0, float("nan"), 3.0]).tolist()
    4.0
    """
    return sum(_filled(x, 0), axis, keepdims)


@composite
def nanprod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Product of what is not NaN.

    >>> nanprod([2.0, float("nan"), 3.0]).tolist()
    6.0
    """
    return prod(_filled(x, 1), axis, keepdims)


@composite
def nancumsum(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running sum that passes over NaN.

    >>> nancumsum([1.0, float("nan"), 3.0]).tolist()
    [1.0, 1.0, 4.0]
    """
    return cumsum(_filled(x, 0), axis, dtype)


@composite
def nancumprod(x: Array, axis: int | None = None, dtype: str | None = None) -> Array:
    """Running product that passes over NaN.

    >>> nancumprod([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return cumprod(_filled(x, 1), axis, dtype)


def _extreme(x: Array, axis: Axis, keepdims: bool, pick: Any, worst: float) -> Array:
    x = convert_to_tensor(x)
    if not dtypes.is_floating(dtypes.standardize(x.dtype)):
        return pick(x, axis, keepdims)
    absent = isnan(x)
    return where(all(absent, axis, keepdims), math.nan, pick(where(absent, worst, x), axis, keepdims))


@composite
def nanmax(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest of what is not NaN.

    >>> nanmax([1.0, float("nan"), 3.0]).tolist()
    3.0
    """
    return _extreme(x, axis, keepdims, max, -math.inf)


@composite
def nanmin(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest of what is not NaN.

    >>> nanmin([1.0, float("nan"), 3.0]).tolist()
    1.0
    """
    return _extreme(x, axis, keepdims, min, math.inf)


def _position(x: Array, axis: int | None, keepdims: bool, pick: Any, worst: float) -> Array:
    x = to_floating(x)
    absent = isnan(x)
    return where(all(absent, axis, keepdims), -1, pick(where(absent, worst, x), axis, keepdims))


@composite
def nanargmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the largest of what is not NaN, -1 where all are.

    >>> nanargmax([1.0, float("nan"), 3.0]).tolist()
    2
    """
    return _position(x, axis, keepdims, argmax, -math.inf)


@composite
def nanargmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Position of the smallest of what is not NaN, -1 where all are.

    >>> nanargmin([1.0, float("nan"), 3.0]).tolist()
    0
    """
    return _position(x, axis, keepdims, argmin, math.inf)


@composite
def nanmean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean of what is not NaN.

    >>> nanmean([1.0, float("nan"), 3.0]).tolist()
    2.0
    """
    x = to_floating(x)
    return divide(nansum(x, axis, keepdims), cast(sum(logical_not(isnan(x)), axis, keepdims), x.dtype))


@composite
def nanvar(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Variance of what is not NaN: `nanmean(|x - nanmean(x)| ** 2)`.

    >>> nanvar([1.0, float("nan"), 3.0]).tolist()
    1.0
    """
    x = to_floating(x)
    return nanmean(square(absolute(subtract(x, nanmean(x, axis, keepdims=True)))), axis, keepdims)


@composite
def nanstd(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Standard deviation of what is not NaN: the root of its variance.

    >>> nanstd([1.0, float("nan"), 3.0]).tolist()
    1.0
    """
    return sqrt(nanvar(x, axis, keepdims))


@composite
def nanquantile(x: Array, q: Array, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """`quantile` of what is not NaN.

    >>> nanquantile([1.0, float("nan"), 3.0], 0.5).tolist()
    2.0
    """
    return quantiles(x, q, axis, method, keepdims, without_nan=True)


@composite
def nanpercentile(x: Array, q: Array, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """`percentile` of what is not NaN.

    >>> nanpercentile([1.0, float("nan"), 3.0], 100).tolist()
    3.0
    """
    return quantiles(x, divide(q, 100), axis, method, keepdims, without_nan=True)


@composite
def nanmedian(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`median` of what is not NaN.

    >>> nanmedian([1.0, float("nan"), 3.0]).tolist()
    2.0
    """
    return quantiles(x, 0.5, axis, "linear", keepdims, without_nan=True)
