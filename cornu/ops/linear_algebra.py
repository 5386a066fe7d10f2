"""Norms, factorisations and equations of matrices. Matrices are the last two axes, what comes before is a batch.

float16 and bfloat16 are computed in float32 and come back as they were. Where a matrix has no inverse or no factors the result is NaN or
infinite; nothing raises, because compiled code could not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cornu import dtypes
from cornu.errors import ArgumentError, ShapeError
from cornu.ops.arguments import Array, Axis, alike, array, as_axes, broadcast, floating, wide
from cornu.ops.core import cast, convert_to_tensor, to_floating, where
from cornu.ops.dispatch import composite, primitive
from cornu.ops.elementwise import absolute, conj, divide, divide_no_nan, greater, maximum, multiply, not_equal, power, sqrt, square
from cornu.ops.matrices import eye
from cornu.ops.products import matmul
from cornu.ops.reduce import count_nonzero, max, min, sum
from cornu.ops.shaping import broadcast_to, expand_dims, moveaxis, reshape, swapaxes

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "logdet", "lstsq", "lu_factor", "matrix_rank", "norm", "normalize",
    "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]  # fmt: skip


def _matrix(on: Any, x: Array, op: str, *, square: bool = True) -> tuple[Array, str]:
    """Matrices in float32 at least, and the dtype to return them in."""
    x = floating(on, x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        kind = "square matrices" if square else "matrices"
        raise ShapeError(f"ops.{op} needs {kind} in the last two axes, got the shape {tuple(x.shape)}.")
    return wide(on, x), on.dtype(x)


def _back(on: Any, x: Array, kind: str) -> Array:
    """The result in half precision where the argument was."""
    return array(on, x, kind) if kind in ("float16", "bfloat16") else x


@primitive
def cholesky(on: Any, x: Array, upper: bool = False) -> Array:
    """The lower triangle L with `L @ L.T == x` of a positive definite matrix; its transpose if `upper`.

    >>> cholesky([[4.0, 2.0], [2.0, 2.0]]).tolist()
    [[2.0, 0.0], [1.0, 1.0]]
    """
    x, kind = _matrix(on, x, "cholesky")
    lower = on.cholesky(x)
    if upper:
        lower = on.transpose(lower, (*range(lower.ndim - 2), lower.ndim - 1, lower.ndim - 2))
        lower = on.conj(lower) if dtypes.is_complex(kind) else lower
    return _back(on, lower, kind)


@composite
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """The inverse of the matrix whose Cholesky factor is `x`: `inv(x @ x.T)`, or `inv(x.T @ x)` if `upper`.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    x = to_floating(x)
    identity = broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    half = solve_triangular(x, identity, lower=not upper)
    flipped = conj(swapaxes(half, -1, -2))
    return matmul(half, flipped) if upper else matmul(flipped, half)


@primitive
def qr(on: Any, x: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """Orthonormal columns Q and an upper triangle R with `Q @ R == x`; square Q if mode is "complete".

    >>> qr([[2.0, 1.0], [0.0, 1.0]])[1].shape == (2, 2)
    True
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"mode must be 'reduced' or 'complete', got {mode!r}.")
    x, kind = _matrix(on, x, "qr", square=False)
    return tuple(_back(on, part, kind) for part in on.qr(x, mode))


@primitive
def svd(on: Any, x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, singular values (descending) and V transposed with `U * s @ Vt == x`; only the values without `compute_uv`.

    >>> svd([[3.0, 0.0], [0.0, 2.0]], compute_uv=False).tolist()
    [3.0, 2.0]
    """
    x, kind = _matrix(on, x, "svd", square=False)
    found = on.svd(x, full_matrices, compute_uv)
    return tuple(_back(on, part, kind) for part in found) if compute_uv else _back(on, found, kind)


@primitive
def eigh(on: Any, x: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors as columns, of a symmetric or Hermitian matrix.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
    [1.0, 2.0]
    """
    x, kind = _matrix(on, x, "eigh")
    return tuple(_back(on, part, kind) for part in on.eigh(x))


@primitive
def eig(on: Any, x: Array) -> tuple[Array, Array]:
    """Eigenvalues, in no order, and eigenvectors as columns, of any square matrix; both are complex.

    >>> eig([[2.0, 0.0], [0.0, 2.0]])[0].tolist()
    [(2+0j), (2+0j)]
    """
    return tuple(on.eig(_matrix(on, x, "eig")[0]))


@primitive
def lu_factor(on: Any, x: Array) -> tuple[Array, Array]:
    """The triangles L (its diagonal of ones not stored) and U in one matrix, with `P @ L @ U == x`, and the row with which each was swapped, from 0.

    >>> [part.tolist() for part in lu_factor([[0.0, 2.0], [1.0, 3.0]])]
    [[[1.0, 3.0], [0.0, 2.0]], [1, 1]]
    """
    x, kind = _matrix(on, x, "lu_factor", square=False)
    factors, pivots = on.lu_factor(x)
    return _back(on, factors, kind), pivots


@primitive
def inv(on: Any, x: Array) -> Array:
    """The inverse of a square matrix.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x, kind = _matrix(on, x, "inv")
    return _back(on, on.inv(x), kind)


@primitive
def det(on: Any, x: Array) -> Array:
    """The determinant of a square matrix.

    >>> det([[2.0, 0.0], [0.0, 4.0]]).tolist()
    8.0
    """
    x, kind = _matrix(on, x, "det")
    return _back(on, on.det(x), kind)


@primitive
def slogdet(on: Any, x: Array) -> tuple[Array, Array]:
    """The sign of the determinant of a square matrix, and the logarithm of its absolute value, which does not overflow.

    >>> [part.tolist() for part in slogdet([[0.0, 1.0], [1.0, 0.0]])]
    [-1.0, 0.0]
    """
    x, kind = _matrix(on, x, "slogdet")
    return tuple(_back(on, part, kind) for part in on.slogdet(x))


@composite
def logdet(x: Array) -> Array:
    """The logarithm of the determinant of a positive definite matrix.

    >>> logdet([[1.0, 0.0], [0.0, 1.0]]).tolist()
    0.0
    """
    return slogdet(x)[1]


def _equations(on: Any, a: Array, b: Array, op: str) -> tuple[Array, Array, str, bool]:
    """Both sides as matrices in float32 at least, the dtype to return, and whether the right-hand side was vectors."""
    a, b = alike(on, a, b, least="float*")
    a, kind = _matrix(on, a, op)
    b, vectors = wide(on, b), b.ndim == a.ndim - 1
    b = on.reshape(b, (*b.shape, 1)) if vectors else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"ops.{op} needs a right-hand side with as many rows as the matrix, got shapes {tuple(a.shape)} and {tuple(b.shape)}."
        )
    broadcast(tuple(a.shape[:-2]), tuple(b.shape[:-2]))
    return a, b, kind, vectors


def _solution(on: Any, x: Array, kind: str, vectors: bool) -> Array:
    return _back(on, on.reshape(x, tuple(x.shape[:-1])) if vectors else x, kind)


@primitive
def solve(on: Any, a: Array, b: Array) -> Array:
    """X with `a @ x == b`; b is (..., n, k), or (..., n) with one axis less than a.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    a, b, kind, vectors = _equations(on, a, b, "solve")
    return _solution(on, on.solve(a, b), kind, vectors)


@primitive
def solve_triangular(on: Any, a: Array, b: Array, lower: bool = False) -> Array:
    """X with `a @ x == b`, reading only the upper (or lower) triangle of `a`.

    >>> solve_triangular([[2.0, 1.0], [0.0, 4.0]], [4.0, 8.0]).tolist()
    [1.0, 2.0]
    """
    a, b, kind, vectors = _equations(on, a, b, "solve_triangular")
    return _solution(on, on.solve_triangular(a, b, lower), kind, vectors)


def _cutoff(values: Array, shape: Sequence[int], rcond: float | None) -> Array:
    """Singular values (..., k) up to this (..., 1) count as 0: a share of the largest, by default the dtype's precision times the longer side."""
    share = sorted(shape[-2:])[-1] * dtypes.precision(dtypes.standardize(values.dtype)) if rcond is None else rcond
    return multiply(max(values, -1, keepdims=True), share)


@composite
def pinv(x: Array, rcond: float | None = None) -> Array:
    """The pseudo-inverse (E. H. Moore, R. Penrose): by singular values, those below `rcond` times the largest counted as 0.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    x = to_floating(x)
    u, values, vt = svd(x, full_matrices=False)
    inverse = where(greater(values, _cutoff(values, x.shape, rcond)), divide_no_nan(1, values), 0)
    return matmul(multiply(conj(swapaxes(vt, -1, -2)), expand_dims(inverse, -2)), conj(swapaxes(u, -1, -2)))


@composite
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """The shortest x that makes `a @ x` nearest to b: `pinv(a) @ b`.

    >>> lstsq([[1.0], [1.0]], [1.0, 1.0]).shape == (1,)
    True
    """
    a, b = to_floating(a), to_floating(b)
    if b.ndim == a.ndim - 1:
        return reshape(matmul(pinv(a, rcond), expand_dims(b, -1)), (*a.shape[:-2], a.shape[-1]))
    return matmul(pinv(a, rcond), b)


@composite
def matrix_rank(x: Array, tol: float | None = None) -> Array:
    """How many singular values exceed `tol`, by default the dtype's precision times the longer side times the largest; as int32.

    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).tolist()
    1
    """
    x = convert_to_tensor(x)
    values = svd(x, compute_uv=False)
    return count_nonzero(greater(values, _cutoff(values, x.shape, None) if tol is None else tol), -1)


@composite
def norm(x: Array, ord: int | float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The length of vectors or the size of matrices, as in NumPy.

    One axis: `ord` is p of `sum(|x| ** p) ** (1 / p)`, 2 by default, or inf, -inf, 0. Two axes: "fro" (the default), "nuc", 1, -1, 2, -2, inf, -inf.

    >>> norm([3.0, 4.0]).tolist()
    5.0
    """
    x = to_floating(x)
    size = absolute(x)
    axes = as_axes(axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2):
        return sqrt(sum(square(size), axes, keepdims))
    if len(axes) == 1:
        return _vector_norm(size, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ArgumentError(f"A norm with ord={ord!r} is taken over one axis (vectors) or two (matrices), got axis={axis!r}.")


def _vector_norm(size: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    if isinstance(ord, str):
        raise ArgumentError(f"The norm of vectors takes a number, inf or -inf as ord, got {ord!r}.")
    if math.isinf(ord):
        return (max if ord > 0 else min)(size, axes, keepdims)
    if ord == 0:
        return sum(cast(not_equal(size, 0), size.dtype), axes, keepdims)
    if ord == 1:
        return sum(size, axes, keepdims)
    if ord == 2:
        return sqrt(sum(square(size), axes, keepdims))
    return power(sum(power(size, ord), axes, keepdims), 1 / ord)


def _matrix_norm(x: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    rows, columns = axes
    pick = min if not isinstance(ord, str) and ord < 0 else max
    if ord in (1, -1, math.inf, -math.inf):
        summed, kept = (rows, columns) if ord in (1, -1) else (columns, rows)
        return pick(sum(absolute(x), summed, keepdims), kept - (not keepdims and kept > summed), keepdims)
    if ord not in (2, -2, "nuc"):
        raise ArgumentError(f"The norm of matrices takes 'fro', 'nuc', 1, -1, 2, -2, inf or -inf as ord, got {ord!r}.")
    values = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
    found = sum(values, -1) if ord == "nuc" else pick(values, -1)
    return expand_dims(found, sorted(axes)) if keepdims else found


@composite
def normalize(x: Array, axis: int | Sequence[int] = -1, order: int | float = 2, epsilon: float | None = None) -> Array:
    """`x` divided by its norm along an axis; vectors shorter than `epsilon` (1e-12) are divided by that instead.

    >>> normalize([[0.0, 4.0]]).tolist()
    [[0.0, 1.0]]
    """
    x = to_floating(x)
    x = x if x.ndim else expand_dims(x, 0)  # a single number is a vector of one
    return divide(x, maximum(norm(x, order, axis, keepdims=True), 1e-12 if epsilon is None else epsilon))
