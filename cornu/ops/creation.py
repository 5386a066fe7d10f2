"""Ops that make arrays from numbers."""

from __future__ import annotations

from typing import Any

from cornu import config, dtypes
from cornu.ops.arguments import Array, Shape, array, as_shape, meeting
from cornu.ops.core import cast
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import equal, greater_equal
from cornu.ops.shaping import expand_dims

__all__ = ["arange", "eye", "full", "full_like", "identity", "linspace", "ones", "ones_like", "tri", "tril", "triu", "zeros", "zeros_like"]


@primitive
def full(on: Any, shape: Shape, fill_value: Array, dtype: str | None = None) -> Array:
    """An array of that shape filled with one value, `floatx` unless the value's own or the given dtype says otherwise.

    >>> full((2,), 7).tolist()
    [7, 7]
    """
    kind = dtypes.standardize(dtype) if dtype is not None else meeting(on, fill_value)
    return on.full(as_shape(shape), fill_value, kind)


@composite
def zeros(shape: Shape, dtype: str | None = None) -> Array:
    """An array of zeros, `floatx` unless a dtype is given.

    >>> zeros((2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return full(shape, 0, dtype or config.floatx())


@composite
def ones(shape: Shape, dtype: str | None = None) -> Array:
    """An array of ones, `floatx` unless a dtype is given.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return full(shape, 1, dtype or config.floatx())


@primitive
def full_like(on: Any, x: Array, fill_value: Array, dtype: str | None = None) -> Array:
    """An array of the shape of `x`, and of its dtype unless one is given, filled with one value."""
    x = array(on, x)
    return on.full(tuple(x.shape), fill_value, dtypes.standardize(dtype) if dtype is not None else on.dtype(x))


@composite
def zeros_like(x: Array, dtype: str | None = None) -> Array:
    """Zeros in the shape of `x`, and in its dtype unless one is given."""
    return full_like(x, 0, dtype)


@composite
def ones_like(x: Array, dtype: str | None = None) -> Array:
    """Ones in the shape of `x`, and in its dtype unless one is given."""
    return full_like(x, 1, dtype)


@primitive
def arange(on: Any, start: float, stop: float | None = None, step: float | None = None, dtype: str | None = None) -> Array:
    """Numbers from `start` up to but without `stop`, `step` apart; int32 for whole numbers, else `floatx`.

    >>> arange(3).tolist(), arange(1, 6, 2).tolist()
    ([0, 1, 2], [1, 3, 5])
    """
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    return on.arange(start, stop, step, dtypes.standardize(dtype) if dtype is not None else meeting(on, start, stop, step))


@primitive
def linspace(
    on: Any, start: Array, stop: Array, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: str | None = None, axis: int = 0
) -> Array:
    """`num` numbers evenly spaced from `start` to `stop`, with it if `endpoint`; with the spacing too if `retstep`.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    kind = dtypes.standardize(dtype) if dtype is not None else meeting(on, start, stop, least="float*")
    values = on.linspace(start, stop, int(num), endpoint, kind, axis)
    if not retstep:
        return values
    return values, (array(on, stop, kind) - array(on, start, kind)) / max(num - 1 if endpoint else num, 1)


@composite
def tri(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones at and below the k-th diagonal of an N x M matrix, zeros above.

    >>> tri(2, 3).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    below = greater_equal(expand_dims(arange(N), 1) + k, arange(N if M is None else M))
    return cast(below, dtype or config.floatx())


@composite
def eye(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones on the k-th diagonal of an N x M matrix, zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    on_diagonal = equal(expand_dims(arange(N), 1) + k, arange(N if M is None else M))
    return cast(on_diagonal, dtype or config.floatx())


@composite
def identity(n: int, dtype: str | None = None) -> Array:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


@primitive
def tril(on: Any, x: Array, k: int = 0) -> Array:
    """The last two axes with zeros above the k-th diagonal."""
    return on.tril(array(on, x), k)


@primitive
def triu(on: Any, x: Array, k: int = 0) -> Array:
    """The last two axes with zeros below the k-th diagonal."""
    return on.triu(array(on, x), k)
