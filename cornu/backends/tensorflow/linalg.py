"""Products and factorisations in TensorFlow. Where a matrix has no factors or no inverse the result is NaN, as on the other backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends.tensorflow.core import cast
from cornu.backends.tensorflow.library import tf

__all__ = [
    "cholesky", "det", "eig", "eigh", "einsum", "inv", "lu_factor", "matmul", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "tensordot",
]  # fmt: skip

det, eig, eigh = tf.linalg.det, tf.linalg.eig, tf.linalg.eigh


def _product(product: Callable[..., Any]) -> Callable[..., Any]:
    """TensorFlow multiplies matrices of floats, complex numbers, int32 and int64; other integers go by way of int64."""

    def run(*xs: Any) -> Any:
        own = xs[0].dtype
        if own.is_floating or own.is_complex or own in (tf.int32, tf.int64):
            return product(*xs)
        return cast(product(*(tf.cast(x, "int64") for x in xs)), own.name)

    return run


@_product
def matmul(x1: Any, x2: Any) -> Any:
    a = x1[None] if x1.ndim == 1 else x1
    b = x2[:, None] if x2.ndim == 1 else x2
    if a.ndim > 2 and b.ndim == 2:  # one product of matrices
        y = tf.reshape(tf.matmul(tf.reshape(a, (-1, a.shape[-1])), b), (*a.shape[:-1], b.shape[-1]))
    else:
        y = tf.matmul(a, b)
    y = tf.squeeze(y, -1) if x2.ndim == 1 else y
    return tf.squeeze(y, -1 if x2.ndim == 1 else -2) if x1.ndim == 1 else y


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return _product(lambda a, b: tf.tensordot(a, b, [list(axis) for axis in axes]))(x1, x2)


def einsum(subscripts: str, operands: Sequence[Any]) -> Any:
    return _product(lambda *xs: tf.einsum(subscripts, *xs))(*operands)


def _or_nan(factorise: Callable[..., Any], *arrays: Any) -> Any:
    """The function on stacks of matrices; where it refuses one of them, on each by itself, NaN for those refused."""
    try:
        return factorise(*arrays)
    except tf.errors.InvalidArgumentError:
        last = arrays[-1]
        if last.ndim == 2:
            return tf.fill(last.shape, tf.constant(float("nan"), last.dtype))
        return tf.stack([_or_nan(factorise, *matrices) for matrices in zip(*map(tf.unstack, arrays), strict=True)])


def cholesky(x: Any) -> Any:
    return tf.linalg.band_part(_or_nan(tf.linalg.cholesky, x), -1, 0)


def inv(x: Any) -> Any:
    return _or_nan(tf.linalg.inv, x)


def _alike(a: Any, b: Any) -> Any:
    lead = tf.broadcast_static_shape(a.shape[:-2], b.shape[:-2])
    return (tf.broadcast_to(v, (*lead, *v.shape[-2:])) for v in (a, b))


def solve(a: Any, b: Any) -> Any:
    return _or_nan(tf.linalg.solve, *_alike(a, b))


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return tf.linalg.triangular_solve(*_alike(a, b), lower=lower)


def slogdet(x: Any) -> Any:
    return tuple(tf.linalg.slogdet(x))


def qr(x: Any, mode: str) -> Any:
    return tuple(tf.linalg.qr(x, full_matrices=mode == "complete"))


def svd(x: Any, full_matrices: bool, compute_uv: bool) -> Any:
    if not compute_uv:
        return tf.linalg.svd(x, compute_uv=False)
    values, left, right = tf.linalg.svd(x, full_matrices)
    return left, values, tf.linalg.adjoint(right)


def lu_factor(x: Any) -> Any:
    """Column by column, the largest pivot first: TensorFlow's own takes square matrices only, and stops at singular ones."""
    rows, columns = x.shape[-2:]
    row = tf.range(rows)
    pivots = []
    for k in range(min(rows, columns)):
        size = tf.where(row >= k, tf.math.abs(x[..., k]), tf.constant(-1, x.dtype.real_dtype))
        pivot = tf.argmax(size, -1, tf.int32)
        pivots.append(pivot)
        swapped = tf.where(row == k, pivot[..., None], tf.where(row == pivot[..., None], k, row))
        x = tf.gather(x, swapped, axis=-2, batch_dims=x.ndim - 2)
        divisor = x[..., k, k][..., None]
        column = tf.where(row > k, x[..., k] / tf.where(divisor == 0, tf.ones_like(divisor), divisor), tf.zeros((), x.dtype))
        after = tf.where(tf.range(columns) > k, x[..., k, :], tf.zeros((), x.dtype))
        x = x - column[..., None] * after[..., None, :]
        here = (tf.range(columns) == k) & (row > k)[:, None]
        x = tf.where(here, column[..., None], x)
    return x, tf.stack(pivots, -1) if pivots else tf.zeros((*x.shape[:-2], 0), "int32")
