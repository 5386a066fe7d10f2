"""Ops that make arrays from numbers. `dtype` is `floatx` where nothing says otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu import config, dtypes
from cornu.errors import ArgumentError
from cornu.ops.arguments import Array, Shape, array, as_axis, as_shape, concrete, meeting
from cornu.ops.core import cast, convert_to_tensor
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import add, divide, floor, multiply, power, subtract
from cornu.ops.shaping import broadcast_to, moveaxis, reshape

__all__ = [
    "arange", "empty", "empty_like", "full", "full_like", "geomspace", "linspace", "logspace", "meshgrid", "ones", "ones_like", "zeros",
    "zeros_like",
]  # fmt: skip


def float_or(dtype: str | None) -> str:
    """The name of the dtype, `floatx` for None."""
    return config.floatx() if dtype is None else dtypes.standardize(dtype)


def _filled(on: Any, shape: tuple[int, ...], value: Array, dtype: str) -> Array:
    """An array of one value, or of values that broadcast to the shape."""
    if isinstance(value, (bool, int, float, complex)):
        return on.full(shape, value, dtype)
    return on.copy(on.broadcast_to(array(on, value, dtype), shape))


@primitive
def full(on: Any, shape: int | Shape, fill_value: Array, dtype: str | None = None) -> Array:
    """An array of that shape filled with one value, or with values that broadcast to it.

    >>> full((2,), 7).tolist()
    [7.0, 7.0]
    """
    return _filled(on, as_shape(shape), fill_value, float_or(dtype))


@primitive
def full_like(on: Any, x: Array, fill_value: Array, dtype: str | None = None) -> Array:
    """An array of the shape of `x`, and of its dtype unless one is given, filled with one value.

    >>> full_like([1, 2], 7).tolist()
    [7, 7]
    """
    x = array(on, x)
    return _filled(on, tuple(x.shape), fill_value, on.dtype(x) if dtype is None else dtypes.standardize(dtype))


@composite
def zeros(shape: int | Shape, dtype: str | None = None) -> Array:
    """An array of zeros.

    >>> zeros((2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return full(shape, 0, dtype)


@composite
def ones(shape: int | Shape, dtype: str | None = None) -> Array:
    """An array of ones.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return full(shape, 1, dtype)


@composite
def empty(shape: int | Shape, dtype: str | None = None) -> Array:
    """An array whose values are not to be relied on; they are zeros here, so that nothing leaks from memory.

    >>> empty((2, 3)).shape == (2, 3)
    True
    """
    return full(shape, 0, dtype)


@composite
def zeros_like(x: Array, dtype: str | None = None) -> Array:
    """Zeros in the shape of `x`, and in its dtype unless one is given.

    >>> zeros_like([1, 2]).tolist()
    [0, 0]
    """
    return full_like(x, 0, dtype)


@composite
def ones_like(x: Array, dtype: str | None = None) -> Array:
    """Ones in the shape of `x`, and in its dtype unless one is given.

    >>> ones_like([5, 6]).tolist()
    [1, 1]
    """
    return full_like(x, 1, dtype)


@composite
def empty_like(x: Array, dtype: str | None = None) -> Array:
    """An array like `x` whose values are not to be relied on; they are zeros here.

    >>> empty_like([1.0, 2.0]).shape == (2,)
    True
    """
    return full_like(x, 0, dtype)


def _number(on: Any, x: Any) -> Any:
    """A Python number from one, or from an array that holds one."""
    if x is None or isinstance(x, (int, float)):
        return x
    return x.item() if isinstance(x, np.generic) else concrete(on, array(on, x), "arange").item()


@primitive
def arange(on: Any, start: float, stop: float | None = None, step: float | None = None, dtype: str | None = None) -> Array:
    """Numbers from `start` up to but without `stop`, `step` apart; int32 for whole numbers, else `floatx`.

    >>> arange(3).tolist(), arange(1, 6, 2).tolist()
    ([0, 1, 2], [1, 3, 5])
    """
    kind = dtypes.standardize(dtype) if dtype is not None else meeting(on, *(v for v in (start, stop, step) if v is not None))
    start, stop, step = (_number(on, v) for v in (start, stop, step))
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if step == 0:
        raise ArgumentError("The step of ops.arange must not be 0.")
    return on.arange(start, stop, step, kind)


@composite
def linspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: str | None = None, axis: int = 0
) -> Any:
    """`num` numbers evenly spaced from `start` to `stop`, along a new axis; with `stop` if `endpoint`, with the spacing too if `retstep`.

    An integer dtype rounds down.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    (start, stop), kind = _span(start, stop, num, dtype)
    gaps = num - 1 if endpoint else num
    place = reshape(divide(cast(arange(num), start.dtype), max(gaps, 1)), (num, *(1,) * start.ndim))
    # both ends enter as they are, which start + i * step would not promise for the last
    values = moveaxis(add(multiply(start, subtract(1, place)), multiply(stop, place)), 0, as_axis(axis, start.ndim + 1))
    values = cast(values if dtypes.is_floating(kind) or dtypes.is_complex(kind) else floor(values), kind)
    step = divide(subtract(stop, start), gaps) if gaps > 0 else full(start.shape, math.nan, start.dtype)
    return (values, step) if retstep else values


def _span(start: Array, stop: Array, num: int, dtype: str | None) -> tuple[tuple[Array, Array], str]:
    """Both ends in the dtype to compute in, broadcast, and the dtype of the result."""
    if num < 0:
        raise ArgumentError(f"The number of samples must not be negative, got num={num}.")
    both = divide(add(start, stop), 1)  # the shape and the float dtype in which the two meet
    kind = dtypes.standardize(both.dtype if dtype is None else dtype)
    wide = kind if dtypes.is_floating(kind) or dtypes.is_complex(kind) else both.dtype
    return tuple(broadcast_to(cast(x, wide), both.shape) for x in (start, stop)), kind


@composite
def logspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, base: float = 10, dtype: str | None = None, axis: int = 0
) -> Array:
    """`num` numbers from `base ** start` to `base ** stop`, evenly spaced in their logarithms.

    >>> logspace(0, 2, 3, base=2).tolist()
    [1.0, 2.0, 4.0]
    """
    values = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return values if dtype is None else cast(values, dtype)


@composite
def geomspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, dtype: str | None = None, axis: int = 0) -> Array:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before; both have the same sign, and are not 0.

    >>> geomspace(5, 5, 2).tolist()
    [5.0, 5.0]
    """
    (start, stop), kind = _span(start, stop, num, dtype)
    along = linspace(0.0, 1.0, num, endpoint) if num else zeros((0,))
    ratio = divide(stop, start)
    values = multiply(start, power(ratio, reshape(cast(along, start.dtype), (num, *(1,) * start.ndim))))
    return cast(moveaxis(values, 0, as_axis(axis, start.ndim + 1)), kind)


@composite
def meshgrid(*x: Array, indexing: str = "xy") -> list[Array]:
    """Coordinates of a grid: each vector spread over the axes of the others. The first two axes change places if `indexing` is "xy", not if "ij".

    >>> [part.tolist() for part in meshgrid([1, 2], [3])]
    [[[1, 2]], [[3, 3]]]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"indexing must be 'xy' or 'ij', got {indexing!r}.")
    xs = [reshape(convert_to_tensor(v), (-1,)) for v in x]
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = [1, 0]
    lengths = [0] * len(xs)
    for v, place in zip(xs, places, strict=True):
        lengths[place] = v.shape[0]
    spread = (reshape(v, [-1 if i == place else 1 for i in range(len(xs))]) for v, place in zip(xs, places, strict=True))
    return [broadcast_to(v, lengths) for v in spread]
