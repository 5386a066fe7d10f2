"""Diagonals and triangles of matrices. Matrices are the last two axes unless axes are named."""

from __future__ import annotations

from typing import Any

from cornu.errors import ShapeError
from cornu.ops.arguments import Array, array, as_axes
from cornu.ops.core import cast, convert_to_tensor, where
from cornu.ops.creation import arange, float_or, zeros
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import add, equal, greater_equal, power
from cornu.ops.indexing import take
from cornu.ops.joining import concatenate
from cornu.ops.reduce import sum
from cornu.ops.shaping import expand_dims, moveaxis, ravel, reshape

__all__ = ["diag", "diagflat", "diagonal", "eye", "identity", "trace", "tri", "tril", "triu", "vander"]


@composite
def tri(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones at and below the k-th diagonal of an N x M matrix, zeros above.

    >>> tri(2, 3).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    return cast(greater_equal(add(expand_dims(arange(N), 1), k), arange(N if M is None else M)), float_or(dtype))


@composite
def eye(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones on the k-th diagonal of an N x M matrix, zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return cast(equal(add(expand_dims(arange(N), 1), k), arange(N if M is None else M)), float_or(dtype))


@composite
def identity(n: int, dtype: str | None = None) -> Array:
    """The n x n identity matrix.

    >>> identity(2, "int32").tolist()
    [[1, 0], [0, 1]]
    """
    return eye(n, dtype=dtype)


def _matrix(x: Array, op: str) -> Array:
    if x.ndim < 2:
        raise ShapeError(f"ops.{op} needs at least two axes, got the shape {tuple(x.shape)}.")
    return x


@primitive
def tril(on: Any, x: Array, k: int = 0) -> Array:
    """The last two axes with zeros above the k-th diagonal.

    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return on.tril(_matrix(array(on, x), "tril"), k)


@primitive
def triu(on: Any, x: Array, k: int = 0) -> Array:
    """The last two axes with zeros below the k-th diagonal.

    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return on.triu(_matrix(array(on, x), "triu"), k)


@composite
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The elements of the `offset`-th diagonal of the plane of two axes, along a new last axis; positive offsets lie above.

    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x = _matrix(convert_to_tensor(x), "diagonal")
    x = moveaxis(x, as_axes((axis1, axis2), x.ndim), (-2, -1))
    rows, columns = x.shape[-2:]
    count = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    first = offset if offset >= 0 else -offset * columns
    flat = reshape(x, (*x.shape[:-2], rows * columns))
    return take(flat, arange(first, first + count * (columns + 1), columns + 1), axis=-1)


@composite
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of a diagonal of the plane of two axes.

    >>> trace([[1, 2], [3, 4]]).tolist()
    5
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


@composite
def diag(x: Array, k: int = 0) -> Array:
    """The k-th diagonal of a matrix; of a vector, the square matrix that has it there and zeros elsewhere.

    >>> diag([1, 2]).tolist(), diag([[1, 2], [3, 4]]).tolist()
    ([[1, 0], [0, 2]], [1, 4])
    """
    x = convert_to_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"ops.diag takes a vector or a matrix, got the shape {tuple(x.shape)}. For stacks of matrices use `ops.diagonal`.")
    n = x.shape[0] + (k if k >= 0 else -k)
    blank = zeros((n - x.shape[0],), x.dtype)
    # the value belongs to its row where the diagonal lies below, to its column where it lies above
    spread = concatenate([blank, x])
    return where(eye(n, k=k, dtype="bool"), expand_dims(spread, 1) if k < 0 else spread, zeros((), x.dtype))


@composite
def diagflat(x: Array, k: int = 0) -> Array:
    """The square matrix with all elements of `x` on its k-th diagonal.

    >>> diagflat([[1], [2]]).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(ravel(x), k)


@composite
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """The matrix of powers of a vector (A.-T. Vandermonde, 1771): `x ** (N - 1 - j)` in column j, or `x ** j` if `increasing`.

    >>> vander([2, 3], 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    x = convert_to_tensor(x)
    if x.ndim != 1:
        raise ShapeError(f"ops.vander takes a vector, got the shape {tuple(x.shape)}.")
    count = x.shape[0] if N is None else N
    powers = arange(count) if increasing else arange(count - 1, -1, -1)
    return power(expand_dims(x, 1), cast(powers, x.dtype))
